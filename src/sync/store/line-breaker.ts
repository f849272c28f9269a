import type { MirrorStore } from '../../db/documents/tables.ts';
import { countLiveLines, type LineAccount, lineAccounts, lockLineAccounts } from '../../db/runs/sweep.ts';
import type { Planned } from '../types.ts';
import { withRemoved } from './compare.ts';

/** The largest number of lines that a run may remove: SWEEP_MAX_SHARE (percent) and SWEEP_MAX_COUNT. */
export interface RemovalLimits {
  readonly sweepMaxShare: number;
  readonly sweepMaxCount: number;
}

/**
 * Decides which of the lines that left their BCs are removed from the mirror. A line is kept for one of two reasons:
 *
 * - Odoo hides it (see `missing-lines.ts`). Even one such line makes the run `partial`.
 * - The run would remove more lines than its limit: SWEEP_MAX_SHARE of the lines in the mirror or SWEEP_MAX_COUNT,
 *   whichever is more, but of a small mirror at most half. A sweep knows how many lines are gone before it stores a BC,
 *   so it removes none if they are too many. Other runs stop at the limit: transactions that remove lines
 *   for the same run take turns.
 *
 * A forced run removes both kinds. Archived BCs are counted apart, by `archive.ts`.
 */
export async function applyLineBreaker(
  store: MirrorStore,
  limits: RemovalLimits,
  entries: readonly Planned[],
): Promise<readonly Planned[]> {
  const losing = entries.filter(({ plan }) => plan.removed.length > 0 || plan.kept.length > 0);
  if (losing.length === 0) return entries;
  const removing = losing.filter(({ plan }) => plan.removed.length > 0);
  if (removing.length > 0) await lockLineAccounts(store.db, runsOf(removing));
  const accounts = await lineAccounts(store.db, runsOf(losing));
  const added = new Map<number, number>();
  const decided = new Map<Planned, Planned>();
  for (const entry of losing) {
    const { runId, plan } = entry;
    const account = accounts.get(runId) ?? NO_ACCOUNT;
    if (account.force) {
      const removed = [...plan.removed, ...plan.kept];
      decided.set(entry, { ...entry, plan: withRemoved(plan, { removed, kept: [] }) });
      continue;
    }
    const total = (added.get(runId) ?? 0) + plan.removed.length;
    if (plan.removed.length === 0 || (await isAllowed(store, limits, account, total))) {
      added.set(runId, total);
    } else {
      const kept = [...plan.removed, ...plan.kept];
      decided.set(entry, { ...entry, plan: withRemoved(plan, { removed: [], kept }) });
    }
  }
  return entries.map((entry) => decided.get(entry) ?? entry);
}

const runsOf = (entries: readonly Planned[]) => [...new Set(entries.map(({ runId }) => runId))];

/** A run that is not in the log: a retried job of a run that retention has deleted. */
const NO_ACCOUNT: LineAccount = { force: false, gone: 0, removed: 0 };

async function isAllowed(
  store: MirrorStore,
  { sweepMaxShare, sweepMaxCount }: RemovalLimits,
  { gone, removed }: LineAccount,
  removing: number,
): Promise<boolean> {
  const total = Math.max(gone, removed + removing);
  // Counted only as far as needed, because a large mirror has millions of lines.
  const atLeast = removed + (await countLiveLines(store, 2 * sweepMaxCount));
  if (total <= Math.min(sweepMaxCount, Math.ceil(atLeast / 2))) return true;
  const lines = removed + (await countLiveLines(store, null));
  return total <= Math.floor((lines * sweepMaxShare) / 100);
}
