import type { Database } from '../db/client.ts';
import { installationOf } from '../db/installation.ts';
import { readState } from '../db/runs/lease.ts';
import { closeRun, createRun, type NewRun } from '../db/runs/runs.ts';
import { enqueueRun, type SyncQueue } from '../queues/jobs.ts';
import { errorCode, errorMessage, PasserelleError } from '../shared/errors.ts';

/** Another run of the same mirror holds the lease. Wait for its end. */
class RunInProgressError extends PasserelleError {
  readonly code = 'run_in_progress';
  readonly runId: number;
  constructor(runId: number) {
    super(`Run ${runId} is in progress; wait for its end, or watch it at /api/v1/sync/runs/${runId}.`);
    this.runId = runId;
  }
}

/**
 * Requests a run: first in the log, then in the queue. A worker plans it.
 *
 * @returns the id of the run and the id of its planning job.
 */
export async function requestRun(
  db: Database,
  queue: SyncQueue,
  run: NewRun,
): Promise<{ runId: number; jobId: string }> {
  const { id: runId } = await createRun(db, run);
  try {
    const { mode, trigger } = run;
    return {
      runId,
      jobId: await enqueueRun(queue, { mirror: await installationOf(db), runId, mode, trigger }),
    };
  } catch (error) {
    await closeRun(db, runId, 'failed', {
      code: errorCode(error),
      message: `Not queued: ${errorMessage(error)}`,
    });
    throw error;
  }
}

/**
 * @throws RunInProgressError while another run holds the lease. With two concurrent requests, the lease lets one
 * through.
 */
export async function refuseWhileRunning(db: Database, key: string): Promise<void> {
  const state = await readState(db, key);
  if (state?.held === true && state.leaseRunId !== null) throw new RunInProgressError(state.leaseRunId);
}
