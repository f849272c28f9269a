import type { Database, Queryable } from '../db/connection.ts';
import { lockDocuments } from '../db/documents.ts';
import { resolveFailures } from '../db/failures.ts';
import { closeStored } from '../db/outcomes.ts';
import type { StoredHeader } from '../db/stored.ts';
import { storedHeaders } from '../db/stored.ts';
import { byKey } from './by-key.ts';
import type { Comparison, PreparedDocument } from './compare.ts';
import { compare } from './compare.ts';
import type { KnownLines } from './known.ts';
import { knownLines, loners } from './known.ts';
import type { RemovalLimits } from './line-breaker.ts';
import { applyLineBreaker } from './line-breaker.ts';
import type { DocumentModel } from './model.ts';
import { changesOf, writeDocuments } from './write.ts';

/** One BC to be stored, for the run that owes it. */
export interface Entry {
  readonly model: DocumentModel;
  readonly document: PreparedDocument;
  readonly runId: number;
  readonly rpcCalls: number;
}

export type StoreOutcome = 'created' | 'updated' | 'unchanged';

/**
 * `stale`: a reading that ended after this one began is stored already, with other content. `alone`: it has to be stored
 * in a transaction of its own. Of both nothing is changed.
 */
export type GroupOutcome = StoreOutcome | 'stale' | 'alone';

/** An entry with what is to be done about it. */
export interface Planned extends Entry {
  readonly before: StoredHeader | null;
  readonly plan: Comparison;
}

/**
 * Stores BCs in one transaction: headers, lines, removed lines, audit trail, ledger and failures of all of them change
 * together, each in one statement. No BC may be among them twice.
 *
 * @param limits how many lines their runs may remove.
 * @returns the outcome of each, in their order.
 */
export async function storeTogether(
  db: Database,
  key: string,
  limits: RemovalLimits,
  entries: readonly Entry[],
): Promise<GroupOutcome[]> {
  return db.transaction(async (tx) => {
    const documents = entries.map(({ document }) => document);
    const ids = documents.map(({ header }) => header.odooId);
    // Sent together: the connection answers them in this order, so the rest waits for the locks.
    const [, headers, first] = await Promise.all([
      lockDocuments(tx, ids),
      storedHeaders(tx, ids),
      knownLines(tx, documents),
    ]);
    const alone = loners(entries, headers, first);
    const planned: Planned[] = entries
      .filter((entry) => !alone.has(entry))
      .map((entry) => plan(entry, headers, first));
    const settled = await settle(tx, planned, headers);
    const fresh = await applyLineBreaker(
      tx,
      limits,
      settled.filter((entry) => !isStale(entry)),
    );
    const outcomes = new Map<PreparedDocument, GroupOutcome>([
      ...settled.map(({ document }) => [document, 'stale'] as const),
      ...fresh.map((entry) => [entry.document, outcomeOf(entry)] as const),
    ]);
    await writeDocuments(tx, fresh, await changesOf(tx, fresh));
    await settleAccounts(tx, key, fresh);
    return documents.map((document) => outcomes.get(document) ?? 'alone');
  });
}

function plan(entry: Entry, headers: ReadonlyMap<number, StoredHeader>, known: KnownLines): Planned {
  const { document } = entry;
  const before = headers.get(document.header.odooId) ?? null;
  const { lines, ownerSeq } = known.get(document) ?? NO_LINES;
  return { ...entry, before, plan: compare(document, { header: before, lines, ownerSeq }) };
}

const NO_LINES = { lines: [], ownerSeq: new Map<number, number>() };

/** Lines that leave a BC may be taken by another one's job at this moment: they are locked, then compared again. */
async function settle(
  tx: Queryable,
  planned: readonly Planned[],
  headers: ReadonlyMap<number, StoredHeader>,
): Promise<readonly Planned[]> {
  const unsettled = planned.filter(
    ({ plan: { removed, kept, moved } }) => removed.length + kept.length + moved.length > 0,
  );
  if (unsettled.length === 0) return planned;
  const locked = await knownLines(
    tx,
    unsettled.map(({ document }) => document),
    'locked',
  );
  return planned.map((entry) => (unsettled.includes(entry) ? plan(entry, headers, locked) : entry));
}

/**
 * Two fetches of a BC that overlap in time have no defined order. If their content, dates or line ownership differ, the
 * one stored second is stale and the BC is fetched again. So is one that lacks lines which the mirror got meanwhile.
 */
function isStale({ before, document: { reading }, plan }: Planned): boolean {
  const differs = plan.changed || plan.touched || plan.touchedLines.length > 0;
  if (plan.overtaken || plan.unproven.length > 0) return true;
  return differs && before !== null && before.fetchSeq > reading.fetchSeq;
}

function outcomeOf({ before, plan }: Planned): StoreOutcome {
  return before === null ? 'created' : plan.changed ? 'updated' : 'unchanged';
}

/** What the ledger owes no more, and what fails no more. */
async function settleAccounts(tx: Queryable, key: string, entries: readonly Planned[]): Promise<void> {
  const items = entries.map((entry) => {
    const { document, runId, rpcCalls, plan } = entry;
    const counts = {
      linesSeen: document.lines.length,
      linesRemoved: plan.removed.length,
      // A line that was archived with its BC is not in sight anyway.
      linesKept: plan.kept.filter(({ archived }) => !archived).length,
    };
    return { runId, odooId: document.header.odooId, state: outcomeOf(entry), ...counts, rpcCalls };
  });
  if (items.length === 0) return;
  const runs = byKey(items, ({ runId }) => runId);
  await Promise.all([
    closeStored(tx, items),
    ...[...runs].map(([runId, own]) =>
      resolveFailures(
        tx,
        key,
        own.map(({ odooId }) => odooId),
        runId,
      ),
    ),
  ]);
}
