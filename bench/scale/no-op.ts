import { Queue, Worker } from 'bullmq';
import { readMirrorConfig } from '../../src/config/index.ts';
import { BC_QUEUE, type BcPayload, enqueueBcs, keptJobs } from '../../src/queues/jobs.ts';
import { openRedis } from '../../src/queues/redis.ts';
import { withResources } from '../../src/shared/lifecycle.ts';
import { createLogger } from '../../src/shared/logger.ts';
import { NO_LIMIT } from '../../workers/job-retries.ts';
import { pageJobs, samplePayloads } from './payloads.ts';
import type { NoOpReply } from './rival.ts';

/**
 * What BullMQ alone takes: jobs with the payloads that those of the mirror have (ids, not the BC), queued page by page and
 * as many pages at once as the mirror has in flight, by the process that works on them, whose handler returns at once.
 * Reads the same environment as a worker; leaves nothing in Redis.
 */

const config = readMirrorConfig();
const { sync: settings } = config;
const log = createLogger('warn', 'no-op');

/** How many BCs a second go through, from the first that is queued to the last that is completed. */
async function measure(jobs: number, payloads: readonly BcPayload[]): Promise<NoOpReply> {
  return withResources(async (defer) => {
    const redis = openRedis(config.redis.url, 'worker', log);
    defer(() => redis.disconnect());
    const queue = new Queue<BcPayload>(BC_QUEUE, { connection: redis, prefix: config.queuePrefix });
    defer(() => queue.close());
    defer(() => queue.obliterate({ force: true }));
    const open = new Map<number, { left: number; readonly done: () => void }>();
    const worker = new Worker<BcPayload>(BC_QUEUE, async () => {}, {
      ...{ connection: redis, prefix: config.queuePrefix, concurrency: settings.bcConcurrency },
      ...{ lockDuration: settings.lockMs, stalledInterval: settings.lockMs, maxStalledCount: NO_LIMIT },
      ...keptJobs(settings),
    });
    defer(() => worker.close());
    worker.on('completed', ({ data: { page } }) => {
      const owed = open.get(page);
      if (owed === undefined) return;
      owed.left -= 1;
      if (owed.left === 0) owed.done();
    });
    await worker.waitUntilReady();
    const start = performance.now();
    let [page, queued] = [0, 0];
    const work = async () => {
      while (queued < jobs) {
        const [number, first] = [page, queued];
        const size = Math.min(settings.pageSize, jobs - first);
        page += 1;
        queued += size;
        const done = new Promise<void>((resolve) => open.set(number, { left: size, done: resolve }));
        await enqueueBcs(queue, pageJobs(payloads, number, first, size), settings);
        await done;
        open.delete(number);
      }
    };
    await Promise.all(Array.from({ length: settings.pagesInFlight }, work));
    return { jobs, perSecond: (jobs * 1000) / (performance.now() - start) };
  });
}

process.send?.(await measure(Number(process.argv[2]), await samplePayloads(config)));
process.disconnect?.();
