import { Queue, Worker } from 'bullmq';
import { readMirrorConfig } from '../../src/config.ts';
import { createLogger } from '../../src/logger.ts';
import { createOdooClient } from '../../src/odoo/client.ts';
import type { BcPayload } from '../../src/queues/bc.ts';
import { BC_QUEUE, enqueueBcs } from '../../src/queues/bc.ts';
import { openRedis } from '../../src/queues/connection.ts';
import { keptJobs } from '../../src/queues/policy.ts';
import { withResources } from '../../src/resources.ts';
import { bcDefinition } from '../../src/sync/document.ts';
import { describeDocument } from '../../src/sync/model.ts';
import { readDocuments } from '../../src/sync/read.ts';
import { NO_LIMIT } from '../../workers/deaths.ts';
import type { NoOpReply } from './rival.ts';

/**
 * What BullMQ alone takes: jobs with the payload of real BCs, queued page by page and as many pages at once as the
 * mirror has in flight, by the process that works on them, whose handler returns at once. Reads the same environment
 * as a worker; leaves nothing in Redis.
 */

/** Different payloads; they come round again. */
const SAMPLE = 1000;

const config = readMirrorConfig();
const { sync: settings } = config;
const log = createLogger('warn', 'no-op');

/** A job that carries its BC, as BullMQ's users do it. Ours keep it beside the queue, in a hash for each page. */
type Carrying = BcPayload & { readonly document: object };

async function samplePayloads(): Promise<Carrying[]> {
  const odoo = createOdooClient(config.odoo);
  try {
    const model = await describeDocument(odoo, bcDefinition(config.odoo, settings));
    const ids = await odoo.search(model.header.name, [], { order: 'id', limit: SAMPLE });
    const blame = {
      ...{ mayBlame: () => false, probe: async () => false },
      tally: { read: 0, refused: 0 },
    };
    const { documents } = await readDocuments(odoo, model, ids, blame);
    const fetchedAt = new Date().toISOString();
    return documents.map(({ header, lines }) => {
      const document = { fetchSeq: header.id, fetchedAt, header, lines: [...lines] };
      const bytes = Buffer.byteLength(JSON.stringify(document));
      return { runId: 1, page: 0, token: 1, generation: 1, odooId: header.id, bytes, document };
    });
  } finally {
    await odoo.close();
  }
}

/** How many BCs a second go through, from the first that is queued to the last that is completed. */
async function measure(jobs: number, payloads: readonly Carrying[]): Promise<NoOpReply> {
  return withResources(async (defer) => {
    const redis = openRedis(config.redis.url, 'worker', log);
    defer(() => redis.disconnect());
    const queue = new Queue<Carrying>(BC_QUEUE, { connection: redis, prefix: config.queuePrefix });
    defer(() => queue.close());
    defer(() => queue.obliterate({ force: true }));
    const open = new Map<number, { left: number; readonly done: () => void }>();
    const worker = new Worker<Carrying>(BC_QUEUE, async () => {}, {
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
        await enqueueBcs(queue, jobsOf(payloads, number, first, size), settings);
        await done;
        open.delete(number);
      }
    };
    await Promise.all(Array.from({ length: settings.pagesInFlight }, work));
    return { jobs, perSecond: (jobs * 1000) / (performance.now() - start) };
  });
}

function jobsOf(payloads: readonly Carrying[], page: number, first: number, size: number): Carrying[] {
  return Array.from({ length: size }, (_, at) => payloads[(first + at) % payloads.length])
    .filter((payload) => payload !== undefined)
    .map((payload, at) => ({ ...payload, page, odooId: first + at + 1 }));
}

process.send?.(await measure(Number(process.argv[2]), await samplePayloads()));
process.disconnect?.();
