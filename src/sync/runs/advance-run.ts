import type { Queryable } from '../../db/client.ts';
import type { MirrorStore } from '../../db/documents/tables.ts';
import { installationOf } from '../../db/installation.ts';
import { countPausedFailures } from '../../db/runs/failures.ts';
import { type Progress, releaseLease } from '../../db/runs/lease.ts';
import { closePages, hasOpenItems, isAnyDone, nextPages, type QueuedPage } from '../../db/runs/ledger.ts';
import { type EndedRun, lockRun, settleRun } from '../../db/runs/runs.ts';
import { countKeptLines, countUnarchived } from '../../db/runs/sweep.ts';
import type { SyncLogRow } from '../../db/schema/sync.ts';
import { enqueuePages } from '../../queues/jobs.ts';
import { errorCode, errorMessage } from '../../shared/errors.ts';
import type { SyncContext } from '../context.ts';
import {
  ARCHIVE_START,
  type ArchivePosition,
  archiveStep,
  archives,
  askAbout,
  GoneNotArchivedError,
  NO_STEP,
  PausedFailuresError,
  SweepBreakerError,
} from './archive.ts';

/**
 * Advances a run: closes pages without open items, queues the next pages, and ends the run when no item is open.
 *
 * Any process may call it at any time. The row lock of the run admits one caller at a time. A process that dies between
 * the commit and the queueing leaves queued pages without jobs; `recovery.ts` finds them.
 */
export async function advanceRun(mirror: SyncContext, runId: number): Promise<void> {
  let position: ArchivePosition | null = ARCHIVE_START;
  while (position !== null) position = await advanceOnce(mirror, runId, position);
}

/** @returns where archiving continues if there may be more: each step is a transaction. */
async function advanceOnce(
  mirror: SyncContext,
  runId: number,
  position: ArchivePosition,
): Promise<ArchivePosition | null> {
  const { db, queues, settings, log, onRunEnded } = mirror;
  const step = await db.transaction(async (tx) => {
    const run = await lockRun(tx, runId);
    if (run === null || run.status !== 'running' || run.plannedAt === null) return null;
    const closed = await closePages(tx, runId);
    const pages = await nextPages(tx, runId, settings.pagesInFlight);
    const done = pages.length === 0 && !(await hasOpenItems(tx, runId));
    if (!done) return { run, pages, closed, next: null, toAsk: [], ended: null };
    const end = await endRun(tx, mirror, run, position);
    return { run, pages, ...end, closed: [...closed, ...end.closed] };
  });
  if (step === null) return null;
  if (step.ended !== null) {
    log.info({ runId, mode: step.run.mode }, 'run ended');
    onRunEnded(step.ended);
  }
  await queuePages(mirror, runId, step.run.leaseToken, step.pages);
  await queues.readings.delete({ mirror: await installationOf(db), runId }, step.closed);
  if (step.next === null || step.toAsk.length === 0) return step.next;
  return { ...step.next, asked: await askAbout(mirror, step.toAsk) };
}

/** The result of one step of ending a run: where the next step continues, and the pages that it closed. */
interface EndStep {
  readonly next: ArchivePosition | null;
  /** The BCs to ask Odoo about before the next step. */
  readonly toAsk: readonly number[];
  readonly closed: readonly number[];
  /** Null while there are more steps. */
  readonly ended: EndedRun | null;
}

/** Ends a run without open items: archives deleted BCs step by step, then closes the run. */
async function endRun(
  tx: Queryable,
  mirror: SyncContext,
  run: SyncLogRow,
  position: ArchivePosition,
): Promise<EndStep> {
  const { definition, log } = mirror;
  const store = { ...mirror, db: tx };
  const step = archives(run) ? await archiveStep(store, mirror, run, position) : NO_STEP;
  if (step.next !== null) return { next: step.next, toAsk: step.toAsk, closed: [], ended: null };
  // Includes pages whose last BC was stored between the two queries.
  const closed = await closePages(tx, run.id);
  const kept = await countKeptLines(tx, run.id);
  const lines = kept.lines === 0 ? null : kept;
  const refused = step.refused === null && lines === null ? null : new SweepBreakerError(step.refused, lines);
  const reason =
    refused ??
    (archives(run) ? await unarchived(store, run.id) : null) ??
    (run.mode === 'sweep' ? await passedOver(tx, run) : null);
  if (reason !== null) log.error({ runId: run.id, code: reason.code }, reason.message);
  const ended = await settleRun(tx, run.id, reason);
  await release(tx, definition.key, run, reached(run));
  return { next: null, toAsk: [], closed, ended };
}

async function unarchived(store: MirrorStore, runId: number): Promise<GoneNotArchivedError | null> {
  const bcs = await countUnarchived(store, runId);
  return bcs === 0 ? null : new GoneNotArchivedError(bcs);
}

async function passedOver(tx: Queryable, { id, key }: SyncLogRow): Promise<PausedFailuresError | null> {
  const bcs = await countPausedFailures(tx, key, id);
  return bcs === 0 ? null : new PausedFailuresError(bcs);
}

/** A sweep proves the windows; it does not move them. But one of a new source has read everything, like a full run. */
function reached({ mode, nowSync, modelChange, since, newestWrite, newSource }: SyncLogRow): Progress {
  if ((mode === 'sweep' && !newSource) || nowSync === null) return {};
  const listed = { everything: since === null, newestWrite };
  const readsAll = mode === 'full' || newSource;
  return { lastSync: nowSync, listed, ...(readsAll && { modelRead: modelChange }), hasMoved: newSource };
}

/** Queues page jobs with the present token of the run. */
export async function queuePages(
  { db, queues, settings }: SyncContext,
  runId: number,
  token: number | null,
  pages: readonly QueuedPage[],
): Promise<void> {
  await enqueuePages(
    queues.pages,
    await installationOf(db),
    pages.map(({ page, generation }) => ({ runId, page, token, generation })),
    settings,
  );
}

/** Call it after work on pages of a run. It does nothing while each of them has open items. */
export async function advanceWhenPagesAreDone(
  mirror: SyncContext,
  runId: number,
  pages: readonly number[],
): Promise<void> {
  if (await isAnyDone(mirror.db, runId, pages)) await advanceRun(mirror, runId);
}

export function advanceWhenPageIsDone(
  mirror: SyncContext,
  at: { runId: number; page: number },
): Promise<void> {
  return advanceWhenPagesAreDone(mirror, at.runId, [at.page]);
}

/**
 * Ends a run that cannot continue, with the reason, and releases its lease. `last_sync` stays, so the next run covers
 * it. A holder with an old token changes nothing: another one has the run.
 */
export async function failRun(
  { db, definition, log, onRunEnded }: SyncContext,
  runId: number,
  token: number | null,
  error: unknown,
): Promise<void> {
  const reason = { code: errorCode(error), message: errorMessage(error) };
  const ended = await db.transaction(async (tx) => {
    const run = await lockRun(tx, runId);
    if (run?.status !== 'running' || run.leaseToken !== token) return null;
    const settled = await settleRun(tx, runId, reason, 'failed');
    await release(tx, definition.key, run, {});
    return settled;
  });
  if (ended === null) return;
  log.error({ runId, ...reason }, 'run failed');
  onRunEnded(ended);
}

async function release(tx: Queryable, key: string, run: SyncLogRow, progress: Progress): Promise<void> {
  if (run.mode === 'single' || run.leaseToken === null) return;
  await releaseLease(tx, key, { runId: run.id, token: run.leaseToken }, progress);
}
