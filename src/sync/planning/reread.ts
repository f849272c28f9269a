import {
  addOwed,
  addRenamed,
  addShare,
  type NamedRecord,
  namesReadAt,
  type Reference,
  type References,
} from '../../db/runs/reread.ts';
import type { Sweep } from '../../db/runs/sweep.ts';
import { OdooMalformedError, OdooModelError, OdooTimeoutError } from '../../odoo/errors.ts';
import { errorCode } from '../../shared/errors.ts';
import type { SyncContext } from '../context.ts';
import { isRefusal } from '../error-policy.ts';
import { isModelChange } from '../model/document-model.ts';
import { type LeasedRun, whilePlanning } from '../runs/run-lease.ts';
import type { Source } from '../source/source.ts';
import { BOOKKEEPING } from '../store/content-hash.ts';
import type { DocumentModel, MirroredModel } from '../types.ts';
import { listRecords } from './id-sources.ts';
import { windowStart } from './run-mode.ts';

/** Odoo computes each name, so a slice is smaller than one of ids. */
const NAMES_PER_CALL = 1000;

/** The mirror is scanned once for this many names. */
const NAMES_PER_SCAN = 10_000;

/** The BCs that a sweep reads again. */
export interface Reread {
  readonly documents: number;
  /** Where the next sweep continues; null: at the same BC. */
  readonly after: number | null;
}

/**
 * Adds to the ledger of a sweep the BCs whose content may differ although no date does. Call it after everything was
 * compared.
 *
 * - BCs with the old name of a renamed record. The record has a new `write_date`, the BC has not.
 * - The next share of all BCs. Sooner or later it finds each change that no date shows: values that Odoo computes or
 *   that depend on another record, and names that were not compared.
 */
export async function addRereads(
  mirror: SyncContext,
  run: LeasedRun,
  { source, model, nowSync, sweep }: { source: Source; model: DocumentModel; nowSync: Date; sweep: Sweep },
): Promise<Reread> {
  const renamed = await addAllRenamed(mirror, run, source, model, nowSync, sweep);
  const { sweepReread: share } = mirror.settings;
  if (share === 0) return { documents: renamed, after: null };
  const { added, last } = await whilePlanning(mirror, run, async (store) => {
    const owed = await addOwed(store, sweep);
    // Otherwise the debt of sweeps that fail one after another would grow.
    return owed > 0 ? { added: owed, last: null } : addShare(store, sweep, share);
  });
  return { documents: renamed + added, after: last };
}

/** @returns how many BCs it added. */
async function addAllRenamed(
  mirror: SyncContext,
  run: LeasedRun,
  source: Source,
  model: DocumentModel,
  nowSync: Date,
  sweep: Sweep,
): Promise<number> {
  const readAt = await namesReadAt(mirror.db, sweep.key);
  if (readAt === null) return 0;
  const since = windowStart(readAt, nowSync, mirror.settings.overlapMs, null);
  const references = referencesOf(model);
  let added = 0;
  for await (const records of changedNames(mirror, source, references, since)) {
    added += await whilePlanning(mirror, run, (store) => addRenamed(store, sweep, references, records));
  }
  return added;
}

/**
 * The mirrored many2one fields. A line has the name of its own BC, which is read with its lines when it changes. A label
 * with a policy never equals a name of Odoo, so its field is left out.
 */
function referencesOf({ header, line, inverse }: DocumentModel): References {
  const of = ({ fields, requested }: MirroredModel): Reference[] =>
    requested.flatMap((name) => {
      const { type, relation, policy } = fields[name] ?? {};
      if (type !== 'many2one' || relation === undefined || policy !== undefined) return [];
      // Only content counts as a change.
      if (BOOKKEEPING.includes(name)) return [];
      return [{ field: name, model: relation }];
    });
  return { header: of(header), line: of(line).filter(({ field }) => field !== inverse) };
}

/** The records of all these models that were written after `since`, with their names, some at a time. */
async function* changedNames(
  mirror: SyncContext,
  source: Source,
  { header, line }: References,
  since: Date,
): AsyncGenerator<NamedRecord[]> {
  let found: NamedRecord[] = [];
  for (const model of new Set([...header, ...line].map((reference) => reference.model))) {
    for await (const records of changedNamesOf(mirror, source, model, since)) {
      found.push(...records);
      if (found.length < NAMES_PER_SCAN) continue;
      yield found;
      found = [];
    }
  }
  if (found.length > 0) yield found;
}

/** Ends early if Odoo does not hand them over: the share of each sweep brings their names too. */
async function* changedNamesOf(
  { log }: SyncContext,
  source: Source,
  model: string,
  since: Date,
): AsyncGenerator<NamedRecord[]> {
  try {
    for (let after = 0; ; ) {
      const selection = { since, after, limit: NAMES_PER_CALL };
      const records = await listRecords(source, model, selection, ['display_name']);
      if (records.length === 0) return;
      yield records.flatMap(({ id, display_name: name }) =>
        name === undefined ? [] : [{ model, id, name }],
      );
      after = records.reduce((most, { id }) => Math.max(most, id), after);
    }
  } catch (error) {
    if (!isNoAnswer(error)) throw error;
    log.debug({ model, code: errorCode(error) }, 'the names of a model are not compared');
  }
}

/** The model is the cause: it may not be read, has no `write_date`, or its names are faulty or too slow. */
function isNoAnswer(error: unknown): boolean {
  return (
    isRefusal(error) ||
    isModelChange(error) ||
    error instanceof OdooModelError ||
    error instanceof OdooMalformedError ||
    error instanceof OdooTimeoutError
  );
}
