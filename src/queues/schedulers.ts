import type { Queue } from 'bullmq';
import { CronExpressionParser } from 'cron-parser';
import type { RunMode } from '../db/schema/sync.ts';
import { ONE_TRY, type SyncQueue, type UpkeepQueue } from './jobs.ts';
import type { Queues } from './queues.ts';

/** When a job starts by itself: at an interval in milliseconds, or by a cron pattern. */
type Repeat = { readonly every: number } | { readonly pattern: string; readonly tz: string };

/** The methods of a queue that this file uses, for jobs of any type. */
type Schedulers = Pick<Queue, 'getJobScheduler' | 'getJobState' | 'removeJobScheduler'>;

const ALIVE: readonly string[] = ['delayed', 'waiting', 'prioritized', 'active'];

/**
 * Sets a scheduler of BullMQ (6.7), unless it is already correct.
 *
 * Setting a correct scheduler again is not harmless: a cron job that is due now would be postponed to the next match of
 * the pattern.
 */
export async function keepScheduler(
  queue: Schedulers,
  id: string,
  repeat: Repeat | null,
  set: (repeat: Repeat & { readonly startDate?: number }) => Promise<unknown>,
): Promise<void> {
  if (repeat === null) {
    await queue.removeJobScheduler(id);
    return;
  }
  const known = await queue.getJobScheduler(id);
  const next = known?.next;
  if (next === undefined || !isSame(repeat, known)) {
    await set(repeat);
    return;
  }
  const now = Date.now();
  if ('every' in repeat && next > now + 2 * repeat.every) {
    // A clock was set back, so the next job would be late. The repair has a delay, because two workers whose clocks
    // differ would otherwise restart the job all the time.
    await queue.removeJobScheduler(id);
    await set({ ...repeat, startDate: now + repeat.every });
    return;
  }
  const alive = ALIVE.includes(await queue.getJobState(`repeat:${id}:${next}`));
  const isRight = alive && ('every' in repeat || next <= now || isSoon(repeat, next, now));
  if (!isRight) await set(repeat);
}

/**
 * Whether it is one of the next two moments of a pattern. If the clock of this worker is behind, the others started the
 * first one and correctly wait for the second. Setting the first again would start its job twice.
 */
function isSoon({ pattern, tz }: Extract<Repeat, { pattern: string }>, moment: number, now: number): boolean {
  const moments = CronExpressionParser.parse(pattern, { currentDate: now, tz });
  return [moments.next(), moments.next()].some((next) => next.getTime() === moment);
}

function isSame(
  repeat: Repeat,
  known: { readonly every?: number; readonly pattern?: string; readonly tz?: string } | undefined,
): boolean {
  if ('every' in repeat) return known?.every === repeat.every;
  return known?.pattern === repeat.pattern && known.tz === repeat.tz;
}

/** When work starts by itself; null switches a scheduler off. */
export interface Schedule {
  readonly everyMs: number | null;
  readonly fullCron: string | null;
  readonly sweepEveryMs: number | null;
  readonly pruneEveryMs: number | null;
}

/** Sets the job schedulers to the configured times. Safe to repeat, from any number of workers. */
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
