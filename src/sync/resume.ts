import { grantLease, heartbeat, readState } from '../db/lease.ts';
import { renewPages } from '../db/ledger.ts';
import { openRuns, updateRun } from '../db/runs.ts';
import type { SyncLogRow } from '../db/schema/sync.ts';
import { depth } from '../queues/queues.ts';
import { enqueueRun } from '../queues/sync.ts';
import { advanceRun, failRun, queuePages } from './advance.ts';
import type { Mirror } from './mirror.ts';
import { planRun } from './plan.ts';

/** A job may be this long on its way into Redis before it counts as lost. */
const GRACE_MS = 10_000;

/** Carries on with a run whose holder is gone: plans it again if the plan was not finished, else queues what is owed. */
export async function resumeRun(mirror: Mirror, run: SyncLogRow, token: number | null): Promise<void> {
  mirror.log.warn({ runId: run.id, token }, 'resuming run');
  await updateRun(mirror.db, run.id, { leaseToken: token });
  try {
    if (run.plannedAt === null) await planRun(mirror, run, token);
    else await queuePages(mirror, run.id, token, await renewPages(mirror.db, run.id, 0));
    await advanceRun(mirror, run.id);
  } catch (error) {
    await failRun(mirror, run.id, error);
    throw error;
  }
}

/**
 * One look at every open run: keeps leases alive, finds work that Redis lost, resumes runs whose lease ran out.
 * Repeats are harmless; the ledger decides what is owed.
 */
export async function watchRuns(mirror: Mirror): Promise<void> {
  for (const run of await openRuns(mirror.db, mirror.definition.key)) {
    if (run.status === 'queued') await ensureQueued(mirror, run);
    else if (run.mode === 'single') await watchSingle(mirror, run);
    else await watchLeased(mirror, run);
  }
}

/** A run that waits for a worker must have its job. */
async function ensureQueued({ queues }: Mirror, run: SyncLogRow): Promise<void> {
  if (Date.now() - run.requestedAt.getTime() < GRACE_MS) return;
  const job = await queues.sync.getJob(`run-${run.id}`);
  const state = await job?.getState();
  if (job !== undefined && state !== 'completed' && state !== 'failed' && state !== 'unknown') return;
  await job?.remove();
  await enqueueRun(queues.sync, { runId: run.id, mode: run.mode, trigger: run.trigger });
}

async function watchSingle(mirror: Mirror, run: SyncLogRow): Promise<void> {
  if (run.plannedAt !== null) await requeueLost(mirror, run);
  else if (run.startedAt !== null && Date.now() - run.startedAt.getTime() > mirror.settings.leaseMs) {
    await resumeRun(mirror, run, null);
  }
}

async function watchLeased(mirror: Mirror, run: SyncLogRow): Promise<void> {
  const { db, definition, settings } = mirror;
  const state = await readState(db, definition.key);
  if (state?.held === true) {
    // While a run is being planned only its planner keeps the lease: should it die, the lease must run out.
    if (state.leaseRunId !== run.id || run.leaseToken === null || run.plannedAt === null) return;
    if (await heartbeat(db, definition.key, run.leaseToken, settings.leaseMs)) await requeueLost(mirror, run);
    return;
  }
  const token = await grantLease(db, definition.key, run.id, settings.leaseMs);
  if (token !== null) await resumeRun(mirror, run, token);
}

/** Empty queues while pages are owed: Redis lost the jobs. */
async function requeueLost(mirror: Mirror, run: SyncLogRow): Promise<void> {
  const { queues, db, log } = mirror;
  if ((await depth(queues.pages)) + (await depth(queues.bc)) > 0) return;
  const pages = await renewPages(db, run.id, GRACE_MS);
  if (pages.length > 0) log.warn({ runId: run.id, pages: pages.length }, 'queueing lost pages again');
  await queuePages(mirror, run.id, run.leaseToken, pages);
  await advanceRun(mirror, run.id);
}
