import { heartbeat, readState } from '../db/lease.ts';
import { renewPages } from '../db/ledger.ts';
import { openRuns } from '../db/runs.ts';
import type { SyncLogRow } from '../db/schema/sync.ts';
import { errorMessage } from '../errors.ts';
import { enqueueRun } from '../queues/sync.ts';
import { advanceRun, failRun, queuePages } from './advance.ts';
import { isCancelled, isLockTimeout, isPostgresAway } from './again.ts';
import type { HeldRun } from './hold.ts';
import { LeaseLostError, takeRun } from './hold.ts';
import { lostPages } from './lost.ts';
import type { Mirror } from './mirror.ts';
import { planRun } from './plan.ts';

/** A job may be this long on its way into Redis before it counts as lost. Where locks are shorter, it counts sooner. */
const LONGEST_GRACE_MS = 10_000;

const grace = ({ settings }: Mirror) => Math.min(LONGEST_GRACE_MS, settings.lockMs);

/** Brings a run forward from wherever it stands: plans it when its plan was not finished, else queues what is owed. */
export async function carryOn(mirror: Mirror, run: HeldRun): Promise<void> {
  try {
    if (run.plannedAt === null) {
      if ((await planRun(mirror, run)) === 'ended') return;
    } else {
      await queuePages(mirror, run.id, run.leaseToken, await renewPages(mirror.db, run.id, 'all'));
    }
    await advanceRun(mirror, run.id);
  } catch (error) {
    // The run goes on: elsewhere under a newer token, or once PostgreSQL is back and its lease has run out.
    const goesOn =
      error instanceof LeaseLostError || isPostgresAway(error) || isLockTimeout(error) || isCancelled(error);
    if (!goesOn) await failRun(mirror, run.id, run.leaseToken, error);
    throw error;
  }
}

/** Keeps the lease of the run in progress. While it is being planned only its planner does: should it die, it runs out. */
export async function keepLease({ db, definition, settings }: Mirror): Promise<void> {
  for (const run of await openRuns(db, definition.key)) {
    if (run.mode === 'single' || run.leaseToken === null || run.plannedAt === null) continue;
    await heartbeat(db, definition.key, run.leaseToken, settings.leaseMs);
  }
}

/**
 * One look at every open run: finds work that Redis lost, and resumes runs whose lease ran out. Repeats are
 * harmless; the ledger decides what is owed. One run's trouble does not keep the others from being looked at.
 */
export async function watchRuns(mirror: Mirror): Promise<void> {
  for (const run of await openRuns(mirror.db, mirror.definition.key)) {
    try {
      await watchRun(mirror, run);
    } catch (error) {
      mirror.log.warn({ runId: run.id, reason: errorMessage(error) }, 'looking after a run');
    }
  }
}

async function watchRun(mirror: Mirror, run: SyncLogRow): Promise<void> {
  const { db, definition, settings } = mirror;
  const state = run.mode === 'single' ? null : await readState(db, definition.key);
  const held = state?.held === true && state.leaseRunId === run.id;
  if (run.status === 'queued') return queueAgain(mirror, run, grace(mirror));
  if (run.plannedAt === null) return held ? undefined : queueAgain(mirror, run, settings.leaseMs);
  if (run.mode === 'single' || held) return requeueLost(mirror, run);
  const taken = await takeRun(mirror, run.id);
  if (taken === null) return;
  mirror.log.warn({ runId: run.id, token: taken.leaseToken }, 'resuming run');
  await carryOn(mirror, taken);
}

/** A run that waits to be planned must have its job; one that is alive is left alone. */
async function queueAgain({ queues }: Mirror, run: SyncLogRow, graceMs: number): Promise<void> {
  if (Date.now() - (run.startedAt ?? run.requestedAt).getTime() < graceMs) return;
  const job = await queues.sync.getJob(`run-${run.id}`);
  const state = await job?.getState();
  if (job !== undefined && state !== 'completed' && state !== 'failed' && state !== 'unknown') return;
  await job?.remove();
  await enqueueRun(queues.sync, { runId: run.id, mode: run.mode, trigger: run.trigger });
}

/** Queues once more the pages whose jobs Redis lost, and moves the run on. */
async function requeueLost(mirror: Mirror, run: SyncLogRow): Promise<void> {
  const { db, log } = mirror;
  const lost = await lostPages(mirror, run.id, grace(mirror));
  if (lost.length > 0) {
    log.warn({ runId: run.id, pages: lost.length }, 'queueing lost pages again');
    await queuePages(mirror, run.id, run.leaseToken, await renewPages(db, run.id, lost));
  }
  await advanceRun(mirror, run.id);
}
