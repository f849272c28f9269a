/**
 * BullMQ: four queues (`sync`, `pages`, `bc`, `upkeep`), their typed payloads and schedulers, and the buffers in Redis.
 *
 * `openQueues` uses the caller's connection and adds jobs. Workers are in `workers/`. Invariants: the ledger in
 * PostgreSQL decides about open work, so lost jobs are queued again; job ids contain the generation of their page;
 * payloads hold ids, not records.
 *
 * ```ts
 * const queues = openQueues(redis, config.queuePrefix, log);
 * await enqueueBcs(queues.bc, jobs);
 * ```
 */
import { Queue, type Telemetry } from 'bullmq';
import { Cluster } from 'ioredis';
import { errorMessage } from '../shared/errors.ts';
import type { Log } from '../shared/logger.ts';
import { BC_MIRROR } from '../shared/mirror-names.ts';
import { FetchedDocumentBuffer } from './fetched-documents.ts';
import {
  BC_QUEUE,
  type BcQueue,
  type Kept,
  PAGES_QUEUE,
  type PagesQueue,
  SYNC_QUEUE,
  type SyncQueue,
  UPKEEP_QUEUE,
  type UpkeepQueue,
} from './jobs.ts';
import type { RedisConnection } from './redis.ts';
import { RedisLock } from './redis-lock.ts';
import { isOutage, reportOutage } from './redis-outage.ts';
import { WebhookBatchBuffer } from './webhook-batches.ts';

export interface Queues {
  readonly sync: SyncQueue;
  readonly pages: PagesQueue;
  readonly bc: BcQueue;
  readonly upkeep: UpkeepQueue;
  /** Fetched documents, until they are stored. */
  readonly readings: FetchedDocumentBuffer;
  /** Webhook notifications, until their records are read. */
  readonly hooks: WebhookBatchBuffer;
  /** Lets one worker at a time check the open runs and the schedulers. */
  readonly watchdog: RedisLock;
  /**
   * Deletes content of documents from Redis. `readings`: fetched documents; a job without its document reads Odoo again.
   * `all`: also the reasons of failed attempts, which may quote values. An id: fetched documents, the jobs of this BC,
   * and the reasons of jobs that are of no single BC.
   */
  forget(of: 'readings' | 'all' | number): Promise<void>;
  close(): Promise<void>;
}

/** The first part of the Redis keys of a mirror. Those of the mirror `bc` are directly under QUEUE_PREFIX. */
export const mirrorPrefix = (prefix: string, name: string): string =>
  name === BC_MIRROR ? prefix : `${prefix}:mirror:${name}`;

/** Opens the four queues on one connection, which the caller closes. */
export function openQueues(redis: RedisConnection, prefix: string, log: Log, telemetry?: Telemetry): Queues {
  const open = <Payload>(name: string) => {
    const options = { connection: redis, prefix, ...(telemetry && { telemetry }) };
    const queue = new Queue<Payload>(name, options);
    queue.on('error', (error) => {
      if (isOutage(error)) reportOutage(log, error);
      else log.warn({ reason: errorMessage(error), queue: name }, 'queue connection');
    });
    return queue;
  };
  const queues = {
    sync: open(SYNC_QUEUE),
    pages: open(PAGES_QUEUE),
    bc: open(BC_QUEUE),
    upkeep: open(UPKEEP_QUEUE),
  } as Pick<Queues, 'sync' | 'pages' | 'bc' | 'upkeep'>;
  return {
    ...queues,
    readings: new FetchedDocumentBuffer(redis, prefix),
    hooks: new WebhookBatchBuffer(redis, prefix),
    watchdog: new RedisLock(redis, prefix, 'watchdog'),
    forget: (of) => forget(redis, prefix, queues, of),
    close: async () => {
      await Promise.all([queues.sync, queues.pages, queues.bc, queues.upkeep].map((queue) => queue.close()));
    },
  };
}

const ALL_STATES = [
  'waiting',
  'delayed',
  'prioritized',
  'waiting-children',
  'active',
  'completed',
  'failed',
] as const;

const HIDDEN_REASON = 'The reason was removed, because it may quote a hidden or erased value.';

/** Only if the job still exists: otherwise its key would stay forever. */
const HIDE_REASON = `if redis.call('exists', KEYS[1]) == 1 then
  redis.call('hset', KEYS[1], 'failedReason', ARGV[1], 'stacktrace', '[]')
end`;

async function forget(
  redis: RedisConnection,
  prefix: string,
  { sync, pages, bc }: Pick<Queues, 'sync' | 'pages' | 'bc'>,
  of: 'readings' | 'all' | number,
): Promise<void> {
  await deleteKeys(redis, `${prefix}:reading`);
  if (of === 'readings') return;
  for (const queue of [sync, pages, bc] as readonly Queue[]) {
    for (const job of await queue.getJobs([...ALL_STATES])) {
      // A job that was removed meanwhile is missing.
      if (job?.id === undefined) continue;
      const { odooId } = job.data as { readonly odooId?: number };
      // A worker may hold the job. It finds that the BC is gone.
      if (odooId !== undefined && odooId === of) await job.remove().catch(() => {});
      else if (job.failedReason !== undefined && (of === 'all' || odooId === undefined))
        await redis.eval(HIDE_REASON, 1, queue.toKey(job.id), HIDDEN_REASON);
    }
    // Events repeat the reasons.
    await redis.unlink(queue.toKey('events'));
  }
}

/** Keys that one command deletes. */
const KEYS = 500;

/**
 * Deletes every key of a mirror: its queues with their jobs and schedulers, fetched documents and webhook
 * notifications. Stop its workers first, because they would create keys again.
 *
 * @returns how many it deleted.
 */
export async function deleteKeys(redis: RedisConnection, prefix: string): Promise<number> {
  const nodes = redis instanceof Cluster ? redis.nodes('master') : [redis];
  let deleted = 0;
  for (const node of nodes) {
    for await (const keys of node.scanStream({ match: `${prefix}:*`, count: KEYS }) as AsyncIterable<
      string[]
    >)
      if (keys.length > 0) deleted += await node.unlink(...keys);
  }
  return deleted;
}

/** Jobs that are not finished: waiting, delayed or active. */
export async function depth(queue: SyncQueue | PagesQueue | BcQueue): Promise<number> {
  const counts = await queue.getJobCounts('waiting', 'active', 'delayed', 'prioritized', 'waiting-children');
  return Object.values(counts).reduce((total, count) => total + count, 0);
}

/**
 * The workers that process runs, of the queue that has the fewest. 0: no run makes progress. Slow, because it lists all
 * clients of Redis.
 */
export async function connectedWorkers({
  sync,
  pages,
  bc,
}: Pick<Queues, 'sync' | 'pages' | 'bc'>): Promise<number> {
  return Math.min(...(await Promise.all([sync, pages, bc].map((queue) => queue.getWorkersCount()))));
}

/**
 * Connected workers of each of these queues, in their order, from one list of the clients of Redis. A list for each
 * queue would grow with the square of the number of mirrors.
 */
export async function workersBy(queues: readonly SyncQueue[]): Promise<number[]> {
  const [first] = queues;
  if (first === undefined) return [];
  const lists = await first.backend.getClientList().catch(() => null);
  // Some hosted Redis servers refuse CLIENT LIST, and BullMQ has its own answer for them.
  if (lists === null) return Promise.all(queues.map((queue) => queue.getWorkersCount()));
  const nodes = lists.map((list) => [...list.matchAll(/ name=(\S*)/g)].map(([, name = '']) => name));
  return queues.map(({ backend }) => {
    const name = backend.clientName();
    const isWorker = (client: string) => client === name || client.startsWith(`${name}:w:`);
    return Math.max(...nodes.map((clients) => clients.filter(isWorker).length));
  });
}

/** Jobs removed by one script. Redis does nothing else while a script runs. */
const BATCH = 1000;

/**
 * Removes the oldest completed and failed jobs beyond the configured number. BullMQ does so when a job ends. This
 * handles jobs of a queue that is idle after the setting was lowered.
 *
 * @returns how many were removed.
 */
export async function trimJobs(
  { sync, pages, bc, upkeep }: Omit<Queues, 'close'>,
  kept: Kept,
): Promise<number> {
  const most = { completed: kept.keepCompleted, failed: kept.keepFailed };
  let removed = 0;
  for (const queue of [sync, pages, bc, upkeep]) {
    for (const state of ['completed', 'failed'] as const) {
      for (;;) {
        const excess = (await queue.getJobCountByTypes(state)) - most[state];
        if (excess <= 0) break;
        const gone = await queue.clean(0, Math.min(excess, BATCH), state);
        if (gone.length === 0) break;
        removed += gone.length;
      }
    }
  }
  return removed;
}
