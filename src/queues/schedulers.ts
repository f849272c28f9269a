import type { RunMode } from '../db/schema/sync.ts';
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

type Repeat = { readonly every: number } | { readonly pattern: string; readonly tz: string } | null;

const pauseOf = (ms: number | null) => (ms === null ? null : { every: ms });

async function setRun(queue: SyncQueue, mode: Exclude<RunMode, 'single'>, repeat: Repeat): Promise<void> {
  if (repeat === null) await queue.removeJobScheduler(mode);
  else {
    const job = { name: 'run', data: { mode, trigger: 'schedule' as const }, opts: ONE_TRY };
    await queue.upsertJobScheduler(mode, repeat, job);
  }
}

async function setPrune(queue: UpkeepQueue, repeat: Repeat): Promise<void> {
  if (repeat === null) await queue.removeJobScheduler('prune');
  else {
    const job = { name: 'prune', data: { task: 'prune' as const }, opts: ONE_TRY };
    await queue.upsertJobScheduler('prune', repeat, job);
  }
}
