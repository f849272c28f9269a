import type { Database } from '../db/client.ts';
import { installationOf } from '../db/installation.ts';
import { readState } from '../db/runs/lease.ts';
import { closeRun, createRun, type NewRun, newestPlanned } from '../db/runs/runs.ts';
import type { SyncLogRow } from '../db/schema/sync.ts';
import { enqueueRun, type SyncQueue } from '../queues/jobs.ts';
import { errorCode, errorMessage, PasserelleError } from '../shared/errors.ts';

/**
 * Another run of the same mirror holds the lease.
 *
 * @fix Wait for its end. `passerelle status` and `GET /api/v1/sync/runs/{id}` show its progress.
 */
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

/**
 * The first run that reads everything: one that ended after `since`, one that is requested here, or one that a worker's
 * schedule requested before. `follow` returns the row of a run at its end, or earlier if the caller gives up.
 */
export async function firstFullRun(
  db: Database,
  queue: SyncQueue,
  key: string,
  since: Date,
  follow: (runId: number) => Promise<SyncLogRow>,
): Promise<SyncLogRow> {
  for (;;) {
    const ended = await newestPlanned(db, key);
    if (ended?.mode === 'full' && (ended.finishedAt ?? 0) >= since) return ended;
    const { runId } = await requestRun(db, queue, { key, mode: 'full', trigger: 'cli' });
    const run = await follow(runId);
    if (run.status !== 'skipped') return run;
    const holder = (await readState(db, key))?.leaseRunId ?? null;
    const other = holder === null ? null : await follow(holder);
    if (other !== null && (other.mode === 'full' || other.finishedAt === null)) return other;
  }
}
