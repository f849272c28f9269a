import type { Queue } from 'bullmq';
import { databaseClock } from '../../db/client.ts';
import { installationOf } from '../../db/installation.ts';
import { heartbeat, readState } from '../../db/runs/lease.ts';
import { openItems, type QueuedPage, queuedPages, renewPages } from '../../db/runs/ledger.ts';
import { openRuns } from '../../db/runs/runs.ts';
import type { SyncLogRow } from '../../db/schema/sync.ts';
import { bcJobId, enqueueRun, pageJobId } from '../../queues/jobs.ts';
import { errorMessage } from '../../shared/errors.ts';
import type { SyncContext } from '../context.ts';
import { advanceRun, queuePages } from './advance-run.ts';
import { acquireRun } from './run-lease.ts';
import { carryOn } from './start-run.ts';

/** BCs of a page whose jobs are checked at once. Redis has other work, and the next check continues. */
const LOOKED_FOR = 20;

/**
 * Pages of a run with open BCs that no job will process: Redis was emptied or restored, a process died between ledger
 * and queue, or a job ended silently. Pages queued less than `graceMs` ago are left out.
 */
async function findOrphanedPages(mirror: SyncContext, runId: number, graceMs: number): Promise<number[]> {
  const lost: number[] = [];
  for (const page of await queuedPages(mirror.db, runId, graceMs)) {
    if (await isLost(mirror, runId, page)) lost.push(page.page);
  }
  return lost;
}

async function isLost(
  { db, queues }: SyncContext,
  runId: number,
  { page, generation }: QueuedPage,
): Promise<boolean> {
  if (await isAlive(queues.pages, pageJobId({ runId, page, generation }))) return false;
  // The page job has ended: it has queued the jobs of its BCs, or never will.
  const owed = (await openItems(db, runId, page)).slice(0, LOOKED_FOR);
  const alive = await Promise.all(
    owed.map((odooId) => isAlive(queues.bc, bcJobId({ runId, odooId, generation }))),
  );
  const without = owed.filter((_, index) => alive[index] === false);
  if (without.length === 0) return false;
  // The order matters: a job that ended meanwhile had updated the ledger before.
  const still = new Set(await openItems(db, runId, page));
  return without.some((odooId) => still.has(odooId));
}

async function isAlive(queue: Pick<Queue, 'getJobState'>, jobId: string): Promise<boolean> {
  return !['completed', 'failed', 'unknown'].includes(await queue.getJobState(jobId));
}

/** The time that a job may take to reach Redis before it counts as lost. It is shorter with shorter locks. */
const MAX_GRACE_MS = 10_000;

const grace = ({ settings }: SyncContext) => Math.min(MAX_GRACE_MS, settings.lockMs);

/**
 * Extends the lease of the run in progress. During planning only its planner does, so that the lease expires if it
 * dies.
 */
export async function keepLease({ db, definition, settings }: SyncContext): Promise<void> {
  for (const run of await openRuns(db, definition.key)) {
    if (run.mode === 'single' || run.leaseToken === null || run.plannedAt === null) continue;
    await heartbeat(db, definition.key, run.leaseToken, settings.leaseMs);
  }
}

/**
 * Checks every open run once: queues work that Redis lost, and resumes runs whose lease expired. Repeating it is
 * harmless, because the ledger lists the open work. An error in one run does not stop the check of the others.
 */
export async function watchRuns(mirror: SyncContext): Promise<void> {
  for (const run of await openRuns(mirror.db, mirror.definition.key)) {
    try {
      await watchRun(mirror, run);
    } catch (error) {
      mirror.log.warn({ runId: run.id, reason: errorMessage(error) }, 'looking after a run');
    }
  }
}

async function watchRun(mirror: SyncContext, run: SyncLogRow): Promise<void> {
  const { db, definition, settings } = mirror;
  const state = run.mode === 'single' ? null : await readState(db, definition.key);
  const held = state?.held === true && state.leaseRunId === run.id;
  if (run.status === 'queued') return queueAgain(mirror, run, grace(mirror));
  if (run.plannedAt === null) return held ? undefined : queueAgain(mirror, run, settings.leaseMs);
  if (run.mode === 'single' || held) return requeueLost(mirror, run);
  const taken = await acquireRun(mirror, run.id);
  if (taken === null) return;
  mirror.log.warn({ runId: run.id, token: taken.leaseToken }, 'resuming run');
  await carryOn(mirror, taken);
}

/** A run that waits for planning must have its job. A run in progress is left alone. */
async function queueAgain({ db, queues }: SyncContext, run: SyncLogRow, graceMs: number): Promise<void> {
  const now = await databaseClock(db);
  if (now.getTime() - (run.startedAt ?? run.requestedAt).getTime() < graceMs) return;
  const job = await queues.sync.getJob(`run-${run.id}`);
  const state = await job?.getState();
  if (job !== undefined && state !== 'completed' && state !== 'failed' && state !== 'unknown') return;
  await job?.remove();
  const { mode, trigger } = run;
  await enqueueRun(queues.sync, { mirror: await installationOf(db), runId: run.id, mode, trigger });
}

/** Queues the pages again whose jobs Redis lost, and advances the run. */
async function requeueLost(mirror: SyncContext, run: SyncLogRow): Promise<void> {
  const { db, log } = mirror;
  const lost = await findOrphanedPages(mirror, run.id, grace(mirror));
  if (lost.length > 0) {
    log.warn({ runId: run.id, pages: lost.length }, 'queueing lost pages again');
    await queuePages(mirror, run.id, run.leaseToken, await renewPages(db, run.id, lost));
  }
  await advanceRun(mirror, run.id);
}
