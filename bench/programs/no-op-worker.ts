import { randomUUID } from 'node:crypto';
import { Queue, Worker } from 'bullmq';
import type { MirrorConfig } from '../../src/config/index.ts';
import { readMirrorConfig } from '../../src/config/index.ts';
import { createOdooClient } from '../../src/odoo/client.ts';
import { BC_QUEUE, type BcPayload, enqueueBcs, keptJobs } from '../../src/queues/jobs.ts';
import { openRedis } from '../../src/queues/redis.ts';
import { withResources } from '../../src/shared/lifecycle.ts';
import { createLogger } from '../../src/shared/logger.ts';
import { toBcJob } from '../../src/sync/fetch/handoff.ts';
import { readDocuments } from '../../src/sync/fetch/read-documents.ts';
import { describeDocument } from '../../src/sync/model/document-model.ts';
import { odooSource } from '../../src/sync/source/odoo-source.ts';
import { definitionOf } from '../../src/sync/types.ts';
import { NO_LIMIT } from '../../workers/job-retries.ts';

/**
 * The rate of BullMQ alone. A worker whose handler returns at once processes jobs with the payloads of the mirror's
 * jobs, which hold ids and not the BC. This process queues them page by page, with as many pages in flight as the
 * mirror has. It reads the same environment as a worker and leaves nothing in Redis.
 *
 * Argument: the number of jobs. It prints the BCs per second.
 */

/** Different payloads; later jobs repeat them. */
const SAMPLE = 1000;

/** As long as that of a real installation. */
const INSTALLATION = `${randomUUID()}:${'0'.repeat(12)}`;

/** The payloads of the first BCs, made as a page of the mirror makes them, so that they have the real size. */
export async function samplePayloads({ odoo: target, mirrors: [own] }: MirrorConfig): Promise<BcPayload[]> {
  const client = createOdooClient(target);
  const source = odooSource({ odoo: client, unscoped: client, database: target.db, context: {} });
  try {
    const model = await describeDocument(source, definitionOf(own));
    const ids = await source.ids(model.header.name, { limit: SAMPLE });
    const blame = {
      ...{ mayBlame: () => false, probe: async () => false },
      tally: { read: 0, refused: 0 },
    };
    const { documents } = await readDocuments(source, model, ids, blame, async () => []);
    const page = { runId: 1, page: 0, token: 1, generation: 0 };
    const reading = { fetchSeq: 1, endSeq: 2, fetchedAt: new Date().toISOString() };
    return documents.map((document) => ({
      ...toBcJob(page, model, document, reading).payload,
      mirror: INSTALLATION,
    }));
  } finally {
    await client.close();
  }
}

/** The jobs of a page. `first`: the number of BCs in earlier pages. */
export function pageJobs(
  payloads: readonly BcPayload[],
  page: number,
  first: number,
  size: number,
): BcPayload[] {
  return Array.from({ length: size }, (_, at) => payloads[(first + at) % payloads.length])
    .filter((payload) => payload !== undefined)
    .map((payload, at) => ({ ...payload, page, odooId: first + at + 1 }));
}

/** BCs per second, from the first that is queued to the last that is completed. */
function measureRate(config: MirrorConfig, jobs: number, payloads: readonly BcPayload[]): Promise<number> {
  const { sync: settings, queuePrefix: prefix } = config;
  return withResources(async (defer) => {
    const redis = openRedis(config.redis.url, 'worker', createLogger('warn', 'no-op'));
    defer(() => redis.disconnect());
    const queue = new Queue<BcPayload>(BC_QUEUE, { connection: redis, prefix });
    defer(() => queue.close());
    defer(() => queue.obliterate({ force: true }));
    const open = new Map<number, { left: number; readonly done: () => void }>();
    const worker = new Worker<BcPayload>(BC_QUEUE, async () => {}, {
      ...{ connection: redis, prefix, concurrency: settings.bcConcurrency },
      ...{ lockDuration: settings.lockMs, stalledInterval: settings.lockMs, maxStalledCount: NO_LIMIT },
      ...keptJobs(settings),
    });
    defer(() => worker.close());
    worker.on('completed', ({ data: { page } }) => {
      const pending = open.get(page);
      if (pending === undefined) return;
      pending.left -= 1;
      if (pending.left === 0) pending.done();
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
        await enqueueBcs(queue, INSTALLATION, pageJobs(payloads, number, first, size), settings);
        await done;
        open.delete(number);
      }
    };
    await Promise.all(Array.from({ length: settings.pagesInFlight }, work));
    return (jobs * 1000) / (performance.now() - start);
  });
}

// A test imports the functions, so the measurement runs only in a process of its own.
if (process.argv[1] === import.meta.filename) {
  const config = readMirrorConfig();
  const perSecond = await measureRate(config, Number(process.argv[2]), await samplePayloads(config));
  process.stdout.write(`${perSecond}\n`);
  process.disconnect?.();
}
