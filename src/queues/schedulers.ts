import type { RunMode } from '../db/schema/sync.ts';
import { ONE_TRY } from './policy.ts';
import type { SyncQueue } from './sync.ts';

/** When runs start by themselves; null switches one off. */
export interface Schedule {
  readonly everyMs: number | null;
  readonly fullCron: string | null;
  readonly sweepEveryMs: number | null;
}

/** Makes the job schedulers what the settings say. Safe to repeat, from any number of workers. */
export async function applySchedule(queue: SyncQueue, schedule: Schedule): Promise<void> {
  await set(queue, 'incremental', schedule.everyMs === null ? null : { every: schedule.everyMs });
  await set(queue, 'full', schedule.fullCron === null ? null : { pattern: schedule.fullCron, tz: 'UTC' });
  await set(queue, 'sweep', schedule.sweepEveryMs === null ? null : { every: schedule.sweepEveryMs });
}

async function set(
  queue: SyncQueue,
  mode: Exclude<RunMode, 'single'>,
  repeat: { every: number } | { pattern: string; tz: string } | null,
): Promise<void> {
  if (repeat === null) {
    await queue.removeJobScheduler(mode);
    return;
  }
  await queue.upsertJobScheduler(mode, repeat, {
    name: 'run',
    data: { mode, trigger: 'schedule' },
    opts: ONE_TRY,
  });
}
