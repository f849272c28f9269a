import type { Queryable } from '../../db/client.ts';
import { countLiveLines, type LineAccount, lineAccounts } from '../../db/runs/sweep.ts';
import type { OdooClient, OdooRecord } from '../../odoo/types.ts';
import { isRefusal } from '../error-policy.ts';
import { type HeaderAndLines, promisedLines } from '../fetch/read-documents.ts';
import { type DocumentModel, headerOf } from '../model/document-model.ts';
import { withRemoved } from './compare.ts';
import type { Planned } from './store-documents.ts';

/**
 * Lines that the mirror has and that a reading of their BC lacks.
 *
 * Odoo's `search` leaves out a line that was deleted and a line that a record rule hides alike. Its `read` does not:
 * it ignores an id that does not exist and refuses one that exists and is hidden (14.0, 19.0). A line is removed from
 * the mirror only after this proof.
 */
export interface MissingLines {
  /** Deleted in Odoo, or given to another header there. */
  readonly gone: readonly number[];
  /** Odoo has them and hides them from its user, or their deletion could not be proved. */
  readonly hidden: readonly number[];
}

export const NONE_MISSING: MissingLines = { gone: [], hidden: [] };

/** A line that the mirror gives one of the BCs of a reading. */
export interface MirroredLine {
  readonly odooId: number;
  readonly bcOdooId: number;
}

/** Returns the lines of these BCs in the mirror, except the ids in `read`. */
export type FindUnread = (
  ids: readonly number[],
  read: readonly number[],
) => Promise<readonly MirroredLine[]>;

/** Lines asked for in one call. */
const LINES_PER_CALL = 1000;

/**
 * Calls for the proof of one reading. Each refused call is split in two; when the calls are used up, the lines that
 * are left count as hidden. The next sweep plans their BCs again, so a deleted line among them is removed later.
 */
const MAX_CALLS = 40;

/** After so many refusals and no answer, all lines that are left count as hidden: a rule hides the whole page. */
const MAX_REFUSALS = 6;

/** Finds out why lines are missing from a reading, for each BC that misses any. */
export async function explainMissing(
  odoo: OdooClient,
  model: DocumentModel,
  documents: readonly HeaderAndLines[],
  findUnread: FindUnread,
): Promise<ReadonlyMap<number, MissingLines>> {
  const ids = documents.map(({ header }) => header.id);
  const owners = new Map(documents.flatMap(({ header, lines }) => lines.map((line) => [line.id, header.id])));
  // A line of another BC of the page is not unread: it moved within the page.
  const unread = await findUnread(ids, [...owners.keys()]);
  if (unread.length === 0) return new Map();
  const promised = new Set(documents.flatMap(({ header }) => promisedLines(header, model.linesField)));
  const listed = unread.filter(({ odooId }) => promised.has(odooId));
  const asked = unread.filter(({ odooId }) => !promised.has(odooId));
  const hidden = new Set([...listed, ...(await findHidden(odoo, model, asked))].map(({ odooId }) => odooId));
  const missing = new Map<number, { gone: number[]; hidden: number[] }>();
  for (const { odooId, bcOdooId } of unread) {
    const own = missing.get(bcOdooId) ?? { gone: [], hidden: [] };
    (hidden.has(odooId) ? own.hidden : own.gone).push(odooId);
    missing.set(bcOdooId, own);
  }
  return missing;
}

/** The lines whose deletion `read` does not prove. */
async function findHidden(
  odoo: OdooClient,
  { line, inverse }: DocumentModel,
  lines: readonly MirroredLine[],
): Promise<MirroredLine[]> {
  const hidden: MirroredLine[] = [];
  const parts: (readonly MirroredLine[])[] = [];
  for (let at = 0; at < lines.length; at += LINES_PER_CALL) parts.push(lines.slice(at, at + LINES_PER_CALL));
  let answered = 0;
  let refused = 0;
  for (let part = parts.shift(); part !== undefined; part = parts.shift()) {
    if (answered + refused >= MAX_CALLS || (answered === 0 && refused >= MAX_REFUSALS)) {
      hidden.push(...part);
      continue;
    }
    const ids = part.map(({ odooId }) => odooId);
    let found: OdooRecord[];
    try {
      found = await odoo.read(line.name, ids, { fields: [inverse] });
      answered += 1;
    } catch (error) {
      if (!isRefusal(error)) throw error;
      refused += 1;
      const middle = Math.ceil(part.length / 2);
      if (part.length === 1) hidden.push(...part);
      else parts.push(part.slice(0, middle), part.slice(middle));
      continue;
    }
    // Odoo hands the line over although no search found it. It still belongs to the BC, so it is kept.
    const owners = new Map(found.map((record) => [record.id, headerOf(record, inverse)]));
    hidden.push(...part.filter(({ odooId, bcOdooId }) => owners.get(odooId) === bcOdooId));
  }
  return hidden;
}

/** The largest number of lines that a run may remove: SWEEP_MAX_SHARE (percent) and SWEEP_MAX_COUNT. */
export interface RemovalLimits {
  readonly sweepMaxShare: number;
  readonly sweepMaxCount: number;
}

/**
 * Decides which of the lines that left their BCs are removed from the mirror. Two things keep a line:
 *
 * - Odoo hides it (see `missing-lines.ts`). However few there are, the run ends `partial`.
 * - The run would remove more lines than its limit: SWEEP_MAX_SHARE of the lines in the mirror or SWEEP_MAX_COUNT,
 *   whichever is more, but of a small mirror at most half. A sweep knows how many lines are gone before it stores a BC,
 *   so it removes none if they are too many. Other runs stop at the limit. Groups that commit at the same moment do not
 *   see each other's lines and may exceed it by their own.
 *
 * A forced run removes both kinds. Archived BCs are counted apart, by `archive.ts`.
 */
export async function applyLineBreaker(
  tx: Queryable,
  limits: RemovalLimits,
  entries: readonly Planned[],
): Promise<readonly Planned[]> {
  const losing = entries.filter(({ plan }) => plan.removed.length > 0 || plan.kept.length > 0);
  if (losing.length === 0) return entries;
  const accounts = await lineAccounts(tx, [...new Set(losing.map(({ runId }) => runId))]);
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
    const removing = (added.get(runId) ?? 0) + plan.removed.length;
    if (plan.removed.length === 0 || (await isAllowed(tx, limits, account, removing))) {
      added.set(runId, removing);
    } else {
      const kept = [...plan.removed, ...plan.kept];
      decided.set(entry, { ...entry, plan: withRemoved(plan, { removed: [], kept }) });
    }
  }
  return entries.map((entry) => decided.get(entry) ?? entry);
}

/** A run that is not in the log: retries of jobs of a run that retention has deleted. */
const NO_ACCOUNT: LineAccount = { force: false, gone: 0, removed: 0 };

async function isAllowed(
  tx: Queryable,
  { sweepMaxShare, sweepMaxCount }: RemovalLimits,
  { gone, removed }: LineAccount,
  removing: number,
): Promise<boolean> {
  const total = Math.max(gone, removed + removing);
  // Counted only as far as the answer depends on it: a large mirror has millions of lines.
  const atLeast = removed + (await countLiveLines(tx, 2 * sweepMaxCount));
  if (total <= Math.min(sweepMaxCount, Math.ceil(atLeast / 2))) return true;
  const lines = removed + (await countLiveLines(tx, null));
  return total <= Math.floor((lines * sweepMaxShare) / 100);
}
