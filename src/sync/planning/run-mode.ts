import { readState } from '../../db/runs/lease.ts';
import { newestPlanned } from '../../db/runs/runs.ts';
import type { RunMode, SyncLogRow } from '../../db/schema/sync.ts';
import type { SyncContext } from '../context.ts';
import { isDated } from '../model/document-model.ts';
import type { DocumentModel } from '../types.ts';

/**
 * Lower bound of an incremental window, for a comparison with `>=`.
 *
 * `write_date` is the begin of Odoo's transaction (14.0, 19.0), so a record committed after the last run may have an
 * older one: the window starts `overlapMs` earlier. If the clock of Odoo was set back, it starts `overlapMs` before
 * `now`. If the clock of these times is ahead of the one of `write_date`, it starts after `seenUntil`, the newest
 * `write_date` of before the last run.
 */
export function windowStart(lastSync: Date, now: Date, overlapMs: number, seenUntil: Date | null): Date {
  const start = Math.min(lastSync.getTime(), now.getTime()) - overlapMs;
  return new Date(seenUntil === null ? start : Math.min(start, seenUntil.getTime() + SECOND_MS));
}

/** Odoo sends dates in whole seconds. */
const SECOND_MS = 1000;

/** How a run is planned. */
export interface RunPlan {
  readonly mode: RunMode;
  /** Lower bound of the window; null without a window. */
  readonly since: Date | null;
  /** The failed run whose open items this one continues. */
  readonly continues: number | null;
}

const EVERYTHING: RunPlan = { mode: 'full', since: null, continues: null };

/** How far the mirror got, and the last run that should have updated it. */
export interface RunHistory {
  readonly state: Awaited<ReturnType<typeof readState>>;
  readonly left: SyncLogRow | null;
}

export async function readPast({ db, definition }: SyncContext): Promise<RunHistory> {
  const [state, left] = await Promise.all([readState(db, definition.key), newestPlanned(db, definition.key)]);
  return { state, left };
}

/** The inputs of the decision. */
interface PlanInputs extends RunHistory {
  readonly model: DocumentModel;
  readonly nowSync: Date;
  readonly modelChange: number;
  readonly overlapMs: number;
}

/**
 * Decides what a requested run does.
 *
 * An incremental run continues a failed one: it inherits the unprocessed items and starts its window where that window
 * started. Without a previous run, without dates, or after a change of the model it reads everything. A full run always
 * reads everything, unless it retries a failed one.
 */
export function decideMode(
  run: SyncLogRow,
  { state, left, model, nowSync, modelChange, overlapMs }: PlanInputs,
): RunPlan {
  if (run.mode === 'single' || run.mode === 'sweep') {
    return { mode: run.mode, since: null, continues: null };
  }
  const startsOver = run.mode === 'full' && run.continues === null;
  if (startsOver || !isDated(model)) return EVERYTHING;
  const seenUntil = state?.seenUntil ?? null;
  const unread = modelChange > (state?.modelRead ?? 0);
  const needsAll = unread || run.mode === 'full';
  if (left?.status === 'failed' && left.nowSync !== null && (!needsAll || readsAll(left, modelChange))) {
    const since = windowStart(left.nowSync, nowSync, overlapMs, seenUntil);
    return { mode: left.mode, since, continues: left.id };
  }
  const lastSync = state?.lastSync ?? null;
  if (needsAll || lastSync === null) return EVERYTHING;
  return {
    mode: 'incremental',
    since: windowStart(lastSync, nowSync, overlapMs, seenUntil),
    continues: null,
  };
}

/** The start of the next incremental window, and the failed run whose open items it will continue. */
export function nextWindow(
  { state, left }: RunHistory,
  now: Date,
  overlapMs: number,
): Pick<RunPlan, 'since' | 'continues'> {
  const failed = left?.status === 'failed' ? left : null;
  const reached = failed?.nowSync ?? state?.lastSync ?? null;
  const since = reached === null ? null : windowStart(reached, now, overlapMs, state?.seenUntil ?? null);
  return { since, continues: failed?.id ?? null };
}

/** It was planned to read everything, with the present description of the model. */
function readsAll(run: SyncLogRow, modelChange: number): boolean {
  return run.mode === 'full' && run.modelChange >= modelChange;
}
