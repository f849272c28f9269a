import type { Kept } from './policy.ts';
import type { Queues } from './queues.ts';

/** Jobs removed by one script, which Redis does nothing beside. */
const BATCH = 1000;

/**
 * Removes the oldest ended jobs beyond what is to be kept. BullMQ does so itself when a job ends; after that, and
 * where nothing is to be kept at all, what was there before a change of the settings would stay.
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
