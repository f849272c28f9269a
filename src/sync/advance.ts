import { releaseLease } from '../db/lease.ts';
import type { QueuedPage } from '../db/ledger.ts';
import { addPageCalls, hasOpenItems, nextPages } from '../db/ledger.ts';
import { closeRun, lockRun, settleRun } from '../db/runs.ts';
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
      if (run.leaseToken !== null) await releaseLease(tx, definition.key, run.leaseToken, run.nowSync);
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
  rpcCalls = 0,
): Promise<void> {
  if (rpcCalls > 0) await addPageCalls(mirror.db, at.runId, at.page, rpcCalls);
  if (!(await hasOpenItems(mirror.db, at.runId, at.page))) await advanceRun(mirror, at.runId);
}

/** Ends a run that cannot go on, says why, and gives the lease back. `last_sync` stays, so the next run covers it. */
export async function failRun(mirror: Mirror, runId: number, error: unknown): Promise<void> {
  await mirror.db.transaction(async (tx) => {
    const run = await lockRun(tx, runId);
    if (run === null) return;
    await closeRun(tx, runId, 'failed', { code: errorCode(error), message: errorMessage(error) });
    if (run.leaseToken !== null) await releaseLease(tx, mirror.definition.key, run.leaseToken, null);
  });
  mirror.log.error({ runId, code: errorCode(error), reason: errorMessage(error) }, 'run failed');
}
