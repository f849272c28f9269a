import type { Telemetry } from 'bullmq';
import { Queue } from 'bullmq';
import { errorMessage } from '../errors.ts';
import type { Log } from '../logger.ts';
import type { BcQueue } from './bc.ts';
import { BC_QUEUE } from './bc.ts';
import type { RedisConnection } from './connection.ts';
import { Hooks } from './hooks.ts';
import type { PagesQueue } from './pages.ts';
import { PAGES_QUEUE } from './pages.ts';
import { Readings } from './readings.ts';
import type { SyncQueue } from './sync.ts';
import { SYNC_QUEUE } from './sync.ts';
import { Turn } from './turn.ts';
import type { UpkeepQueue } from './upkeep.ts';
import { UPKEEP_QUEUE } from './upkeep.ts';

export interface Queues {
  readonly sync: SyncQueue;
  readonly pages: PagesQueue;
  readonly bc: BcQueue;
  readonly upkeep: UpkeepQueue;
  /** What pages read, until their BCs are stored. */
  readonly readings: Readings;
  /** What Odoo told of, until it is read. */
  readonly hooks: Hooks;
  /** One worker at a time checks the open runs and the schedulers. */
  readonly watchdog: Turn;
  close(): Promise<void>;
}

/** Opens the four queues over one connection, which stays the caller's to close. */
export function openQueues(redis: RedisConnection, prefix: string, log: Log, telemetry?: Telemetry): Queues {
  const open = <Payload>(name: string) => {
    const options = { connection: redis, prefix, ...(telemetry && { telemetry }) };
    const queue = new Queue<Payload>(name, options);
    queue.on('error', (error) => log.warn({ reason: errorMessage(error), queue: name }, 'queue connection'));
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
    readings: new Readings(redis, prefix),
    hooks: new Hooks(redis, prefix),
    watchdog: new Turn(redis, prefix, 'watchdog'),
    close: async () => {
      await Promise.all([queues.sync, queues.pages, queues.bc, queues.upkeep].map((queue) => queue.close()));
    },
  };
}

/** Jobs that are still to be worked on: waiting, delayed or active. */
export async function depth(queue: SyncQueue | PagesQueue | BcQueue): Promise<number> {
  const counts = await queue.getJobCounts('waiting', 'active', 'delayed', 'prioritized', 'waiting-children');
  return Object.values(counts).reduce((total, count) => total + count, 0);
}
