import type { Queue } from 'bullmq';
import { z } from 'zod';
import { RUN_MODES, RUN_TRIGGERS } from '../db/schema/sync.ts';
import type { HooksPayload } from './hooks.ts';
import { ONE_TRY } from './policy.ts';

/** Plans runs: one job is one run to be started (or to be skipped), or a batch of hooks that asks for one. */
export const SYNC_QUEUE = 'sync';

export const syncPayload = z.object({
  mode: z.enum(RUN_MODES),
  trigger: z.enum(RUN_TRIGGERS),
  /** Absent on a job that a schedule fired: the worker then opens the run itself. */
  runId: z.int().optional(),
});
export type SyncPayload = z.infer<typeof syncPayload>;
export type SyncQueue = Queue<SyncPayload | HooksPayload>;

/** Queues the planning of a run that stands in `sync_log`. Asking again is harmless: the id is the run's. */
export async function enqueueRun(queue: SyncQueue, run: Required<SyncPayload>): Promise<string> {
  const jobId = `run-${run.runId}`;
  await queue.add('run', run, { ...ONE_TRY, jobId });
  return jobId;
}
