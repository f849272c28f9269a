import type { Queryable } from '../db/connection.ts';
import { releaseLease } from '../db/lease.ts';
import type { QueuedPage } from '../db/ledger.ts';
import { hasOpenItems, nextPages } from '../db/ledger.ts';
import { closeRun, lockRun, settleRun } from '../db/runs.ts';
import type { SyncLogRow } from '../db/schema/sync.ts';
import { errorCode, errorMessage } from '../errors.ts';
import { enqueuePages } from '../queues/pages.ts';
import type { Mirror } from './mirror.ts';

/**
 * Moves a run on: closes pages that owe nothing, queues the next ones, and ends the run when nothing is owed.
 *
 * Anyone may call it at any time; the run's row lock lets one caller at a time decide. A process that dies between
 * the commit and the queueing leaves queued pages without jobs: `resume.ts` finds them.
 */
export async function advanceRun(mirror: Mirror, runId: number): Promise<void> {
  const { db, definition, settings, log } = mirror;
  const step = await db.transaction(async (tx) => {
    const run = await lockRun(tx, runId);
    if (run === null || run.status !== 'running' || run.plannedAt === null) return null;
    const pages = await nextPages(tx, runId, settings.pagesInFlight);
    const ended = pages.length === 0 && !(await hasOpenItems(tx, runId));
    if (ended) {
      await settleRun(tx, runId);
      await release(tx, definition.key, run, run.nowSync);
    }
    return { run, pages, ended };
  });
  if (step === null) return;
  if (step.ended) log.info({ runId, mode: step.run.mode }, 'run ended');
  await queuePages(mirror, runId, step.run.leaseToken, step.pages);
}

/** Queues page jobs under the run's present token. */
export async function queuePages(
  { queues, settings }: Mirror,
  runId: number,
  token: number | null,
  pages: readonly QueuedPage[],
): Promise<void> {
  await enqueuePages(
    queues.pages,
    pages.map(({ page, generation }) => ({ runId, page, token, generation })),
    settings,
  );
}

/** After work on a page: nothing happens while the page still owes something. */
export async function advanceWhenPageIsDone(
  mirror: Mirror,
  at: { runId: number; page: number },
): Promise<void> {
  if (!(await hasOpenItems(mirror.db, at.runId, at.page))) await advanceRun(mirror, at.runId);
}

/**
 * Ends a run that cannot go on, says why, and gives the lease back. `last_sync` stays, so the next run covers it.
 * A holder whose token is old changes nothing: the run is another's.
 */
export async function failRun(
  { db, definition, log }: Mirror,
  runId: number,
  token: number | null,
  error: unknown,
): Promise<void> {
  const reason = { code: errorCode(error), message: errorMessage(error) };
  const failed = await db.transaction(async (tx) => {
    const run = await lockRun(tx, runId);
    if (run?.status !== 'running' || run.leaseToken !== token) return false;
    await closeRun(tx, runId, 'failed', reason);
    await release(tx, definition.key, run, null);
    return true;
  });
  if (failed) log.error({ runId, ...reason }, 'run failed');
}

async function release(tx: Queryable, key: string, run: SyncLogRow, lastSync: Date | null): Promise<void> {
  if (run.mode === 'single' || run.leaseToken === null) return;
  await releaseLease(tx, key, { runId: run.id, token: run.leaseToken }, lastSync);
}
