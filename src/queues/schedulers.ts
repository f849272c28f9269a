import type { RunMode } from '../db/schema/sync.ts';
import type { Repeat } from './keep-scheduler.ts';
import { keepScheduler } from './keep-scheduler.ts';
import { ONE_TRY } from './policy.ts';
import type { Queues } from './queues.ts';
import type { SyncQueue } from './sync.ts';
import type { UpkeepQueue } from './upkeep.ts';

/** When work starts by itself; null switches one off. */
export interface Schedule {
  readonly everyMs: number | null;
  readonly fullCron: string | null;
  readonly sweepEveryMs: number | null;
  readonly pruneEveryMs: number | null;
}

/** Makes the job schedulers what the settings say. Safe to repeat, from any number of workers. */
export async function applySchedule(
  { sync, upkeep }: Pick<Queues, 'sync' | 'upkeep'>,
  { everyMs, fullCron, sweepEveryMs, pruneEveryMs }: Schedule,
): Promise<void> {
  await setRun(sync, 'incremental', pauseOf(everyMs));
  await setRun(sync, 'full', fullCron === null ? null : { pattern: fullCron, tz: 'UTC' });
  await setRun(sync, 'sweep', pauseOf(sweepEveryMs));
  await setPrune(upkeep, pauseOf(pruneEveryMs));
}

const pauseOf = (ms: number | null) => (ms === null ? null : { every: ms });

async function setRun(
  queue: SyncQueue,
  mode: Exclude<RunMode, 'single'>,
  repeat: Repeat | null,
): Promise<void> {
  const job = { name: 'run', data: { mode, trigger: 'schedule' as const }, opts: ONE_TRY };
  await keepScheduler(queue, mode, repeat, (wanted) => queue.upsertJobScheduler(mode, wanted, job));
}

async function setPrune(queue: UpkeepQueue, repeat: Repeat | null): Promise<void> {
  const job = { name: 'prune', data: { task: 'prune' as const }, opts: ONE_TRY };
  await keepScheduler(queue, 'prune', repeat, (wanted) => queue.upsertJobScheduler('prune', wanted, job));
}
