import { TransactionRollbackError } from 'drizzle-orm';
import type { Database, Queryable } from '../../db/client.ts';
import { type Change, recordChanges } from '../../db/documents/audit-log.ts';
import { erasedAmong } from '../../db/documents/erased-records.ts';
import { beginReading, endReading, isOutdated, jumpBeyond } from '../../db/documents/fetch-sequence.ts';
import {
  type StoredHeader,
  type StoredLine,
  storedHeaders,
  storedLines,
  storedRecords,
} from '../../db/documents/stored-documents.ts';
import type { MirrorStore } from '../../db/documents/tables.ts';
import {
  archiveLines,
  confirmHeaders,
  lockDocuments,
  markPreviousOwners,
  type ReadHeader,
  type ReadLine,
  upsertHeaders,
  upsertLines,
} from '../../db/documents/writes.ts';
import { resolveFailures } from '../../db/runs/failures.ts';
import { type Fence, getFencingState } from '../../db/runs/lease.ts';
import { closeStored } from '../../db/runs/ledger.ts';
import { groupBy } from '../../shared/collections.ts';
import { NONE_MISSING } from '../fetch/missing-lines.ts';
import type {
  DocumentModel,
  Entry,
  GroupOutcome,
  Planned,
  PreparedDocument,
  StoreOutcome,
} from '../types.ts';
import { auditChanges, auditEnd, isHeaderTold, toldLines } from './audit-diff.ts';
import { compare, type Known } from './compare.ts';
import { applyLineBreaker, type RemovalLimits } from './line-breaker.ts';
import { prepare } from './normalize.ts';

/** The stored lines of some documents. */
type KnownLines = ReadonlyMap<PreparedDocument, Pick<Known, 'lines' | 'ownerSeq'>>;

/** Reads the lines of some documents in the mirror. `locked`: no other transaction changes them meanwhile. */
async function knownLines(
  store: MirrorStore,
  documents: readonly PreparedDocument[],
  lock?: 'locked',
): Promise<KnownLines> {
  const ids = new Set(documents.map(({ header }) => header.odooId));
  const lineIds = documents.flatMap(({ lines }) => lines.map((line) => line.odooId));
  const lines = await storedLines(store, [...ids], lineIds, lock);
  const byId = new Map(lines.map((line) => [line.odooId, line]));
  const byOwner = groupBy(lines, (line) => line.bcOdooId);
  const owners = await storedHeaders(
    store,
    [...byOwner.keys()].filter((owner) => !ids.has(owner)),
  );
  const ownerSeq = new Map([...owners].map(([id, { fetchSeq }]) => [id, fetchSeq]));
  return new Map(
    documents.map((document) => {
      const { odooId } = document.header;
      const elsewhere = document.lines
        .map((line) => byId.get(line.odooId))
        .filter((line): line is StoredLine => line !== undefined && line.bcOdooId !== odooId);
      return [document, { lines: [...(byOwner.get(odooId) ?? []), ...elsewhere], ownerSeq }];
    }),
  );
}

/** Maximum of old content that one transaction loads for the audit trail, in bytes of the table. */
const OLD_CONTENT = 8 * 1024 * 1024;

/**
 * Entries that cannot share a transaction: those that exchange lines with one another, because their order matters, and
 * those whose old contents would need too much memory together.
 */
function findConflicts(
  entries: readonly Entry[],
  headers: ReadonlyMap<number, StoredHeader>,
  known: KnownLines,
): ReadonlySet<Entry> {
  const alone = new Set<Entry>();
  if (entries.length === 1) return alone;
  const byId = new Map(entries.map((entry) => [entry.document.header.odooId, entry]));
  const claimed = new Map<number, Entry>();
  let room = OLD_CONTENT;
  for (const entry of entries) {
    const { header, lines } = entry.document;
    const stored = known.get(entry.document)?.lines ?? [];
    const others = [
      ...lines.map((line) => claimed.get(line.odooId)),
      ...stored.filter((line) => line.bcOdooId !== header.odooId).map((line) => byId.get(line.bcOdooId)),
    ].filter((other) => other !== undefined);
    for (const line of lines) claimed.set(line.odooId, entry);
    for (const partner of others.length === 0 ? [] : [entry, ...others]) alone.add(partner);
    room -= stored.reduce((sum, line) => sum + line.bytes, headers.get(header.odooId)?.bytes ?? 0);
    if (room < 0) alone.add(entry);
  }
  return alone;
}

/** The audit entries of some documents. They must be computed before the old content is overwritten. */
async function changesOf({ db, header, line }: MirrorStore, entries: readonly Planned[]): Promise<Change[]> {
  const changed = entries.filter(({ plan }) => plan.changed);
  const known = changed.filter(({ before }) => before !== null);
  const audited = known
    .filter(({ plan }) => isHeaderTold(plan))
    .map(({ document }) => document.header.odooId);
  const before = {
    headers: await storedRecords(db, header, audited),
    lines: await storedRecords(
      db,
      line,
      known.flatMap(({ plan }) => toldLines(plan)),
    ),
  };
  return changed.flatMap((entry) => {
    const { document, model, runId, plan } = entry;
    const own = { odooId: document.header.odooId, runId };
    const left = departures(entry);
    const created = { ...own, action: 'created' as const, changes: {} };
    if (entry.before === null) return [...left, created];
    if (plan.former !== null) {
      const end = {
        ...own,
        action: 'archived' as const,
        changes: auditEnd(model, document, plan, before),
      };
      return entry.before.archived ? [...left, created] : [...left, end, created];
    }
    const action = entry.before.archived ? ('restored' as const) : ('updated' as const);
    return [...left, { ...own, action, changes: auditChanges(model, document, plan, before) }];
  });
}

/** The BCs that lost lines to others changed too, and get an audit entry. */
function departures({ runId, plan }: Planned): Change[] {
  return [...groupBy(plan.moved, (line) => line.bcOdooId)].map(([owner, lines]) => ({
    odooId: owner,
    runId,
    action: 'updated',
    changes: { linesRemoved: lines.map((line) => ({ id: line.odooId, moved: true })) },
  }));
}

/** Writes the changes of some documents and their audit entries, with one statement for each kind of change. */
async function writeDocuments(
  store: MirrorStore,
  entries: readonly Planned[],
  changes: readonly Change[],
): Promise<void> {
  const headers = (some: readonly Planned[]): ReadHeader[] =>
    some.map(({ document: { header, reading } }) => ({ record: header, reading }));
  const isTouched = ({ plan }: Planned) => !plan.changed && plan.touched;
  await markPreviousOwners(store, [
    ...new Set(entries.flatMap(({ plan }) => plan.moved.map((line) => line.bcOdooId))),
  ]);
  await Promise.all([
    upsertHeaders(store, headers(entries.filter(({ plan }) => plan.changed)), 'changed'),
    upsertHeaders(store, headers(entries.filter(isTouched)), 'touched'),
    confirmHeaders(
      store,
      entries
        .filter(({ plan }) => !plan.changed && !plan.touched)
        .map(({ document: { header, reading } }) => ({ odooId: header.odooId, ...reading })),
    ),
    upsertLines(store, entries.flatMap(newLines)),
    archiveLines(
      store,
      entries.flatMap(({ document: { reading }, plan }) =>
        plan.removed.map(({ odooId }) => ({ odooId, endSeq: reading.endSeq })),
      ),
    ),
    recordChanges(store, changes),
  ]);
}

function newLines({ document: { header, reading }, plan }: Planned): ReadLine[] {
  return [...plan.added, ...plan.altered, ...plan.touchedLines].map((record) => ({
    record,
    reading,
    bcOdooId: header.odooId,
  }));
}

/**
 * Stores BCs in one transaction: headers, lines, removed lines, audit trail, ledger and failures change together, with
 * one statement each. No BC may occur twice.
 *
 * @param limits how many lines their runs may remove.
 * @returns the outcome of each, in order.
 */
export async function storeTogether(
  store: MirrorStore<Database>,
  key: string,
  limits: RemovalLimits,
  entries: readonly Entry[],
): Promise<GroupOutcome[]> {
  const { outcomes, beyond } = await store.db.transaction((db) =>
    storeIn({ ...store, db }, key, limits, entries),
  );
  if (beyond > 0) await jumpBeyond(store.db, beyond);
  return outcomes;
}

/**
 * Stores a made-up BC in a transaction that is rolled back.
 *
 * @throws the error of PostgreSQL if it would store no BC at all.
 */
export async function tryToStore(store: MirrorStore<Database>, key: string): Promise<void> {
  const { db } = store;
  const reading = await endReading(db, await beginReading(db));
  const record = prepare('probe', { id: PROBE_ID }, {});
  const document = { header: record, lines: [record], reading, missing: NONE_MISSING };
  const entry = { model: PROBE_MODEL, document, runId: PROBE_ID, rpcCalls: 0 };
  await db
    .transaction(async (tx) => {
      await storeIn({ ...store, db: tx }, key, { sweepMaxShare: 0, sweepMaxCount: 0 }, [entry]);
      tx.rollback();
    })
    .catch((error: unknown) => {
      if (!(error instanceof TransactionRollbackError)) throw error;
    });
}

/** No record of Odoo and no run has this id. */
const PROBE_ID = -1;

const noFields = { name: 'probe', fields: {}, requested: [], binaries: [] };
const PROBE_MODEL: DocumentModel = {
  header: noFields,
  line: noFields,
  linesField: 'lines',
  inverse: 'header',
};

interface Stored {
  readonly outcomes: GroupOutcome[];
  /** The greatest stored number that the sequence has not given; 0: none. */
  readonly beyond: number;
}

async function storeIn(
  store: MirrorStore,
  key: string,
  limits: RemovalLimits,
  entries: readonly Entry[],
): Promise<Stored> {
  const { db: tx } = store;
  const documents = entries.map(({ document }) => document);
  const ids = documents.map(({ header }) => header.odooId);
  // Sent together. The connection executes them in this order, so the rest waits for the locks.
  const [, erased, { runs, sequence: newest }, headers, first] = await Promise.all([
    lockDocuments(store, ids),
    // All entries are of one mirror. A record may have been erased since it was read.
    erasedAmong(tx, entries[0]?.model.header.name ?? '', ids),
    getFencingState(tx, [...new Set(entries.map(({ runId }) => runId))]),
    storedHeaders(store, ids),
    knownLines(store, documents),
  ]);
  // Another worker may have taken a run since its job was checked, or while this transaction waited for a lock.
  const held = entries.filter((entry) => !isSuperseded(runs.get(entry.runId), entry));
  const owned = held.filter(({ document: { header } }) => !erased.has(header.odooId));
  const alone = findConflicts(owned, headers, first);
  const planned: Planned[] = owned
    .filter((entry) => !alone.has(entry))
    .map((entry) => plan(entry, headers, first));
  const settled = await settle(store, planned, headers);
  const fresh = await applyLineBreaker(
    store,
    limits,
    settled.filter((entry) => !isStale(entry, newest)),
  );
  const outcomes = new Map<PreparedDocument, GroupOutcome>([
    // Read again, it is gone.
    ...held.map(({ document }) => [document, 'stale'] as const),
    ...[...alone].map(({ document }) => [document, 'store_singly'] as const),
    ...settled.map(({ document }) => [document, 'stale'] as const),
    ...fresh.map((entry) => [entry.document, outcomeOf(entry)] as const),
  ]);
  await writeDocuments(store, fresh, await changesOf(store, fresh));
  await settleAccounts(tx, key, fresh);
  return {
    outcomes: documents.map((document) => outcomes.get(document) ?? 'superseded'),
    beyond: Math.max(...settled.map(({ before }) => before?.fetchSeq ?? 0).filter((seq) => seq > newest), 0),
  };
}

function isSuperseded(run: Fence | undefined, { token }: Entry): boolean {
  return token !== undefined && run?.status === 'running' && run.leaseToken !== token;
}

function plan(entry: Entry, headers: ReadonlyMap<number, StoredHeader>, known: KnownLines): Planned {
  const { document } = entry;
  const before = headers.get(document.header.odooId) ?? null;
  const { lines, ownerSeq } = known.get(document) ?? NO_LINES;
  return { ...entry, before, plan: compare(document, { header: before, lines, ownerSeq }) };
}

const NO_LINES = { lines: [], ownerSeq: new Map<number, number>() };

/** Another job may take lines that leave a BC at this moment. So they are locked, then compared again. */
async function settle(
  store: MirrorStore,
  planned: readonly Planned[],
  headers: ReadonlyMap<number, StoredHeader>,
): Promise<readonly Planned[]> {
  const unsettled = planned.filter(
    ({ plan: { removed, kept, moved } }) => removed.length + kept.length + moved.length > 0,
  );
  if (unsettled.length === 0) return planned;
  const locked = await knownLines(
    store,
    unsettled.map(({ document }) => document),
    'locked',
  );
  return planned.map((entry) => (unsettled.includes(entry) ? plan(entry, headers, locked) : entry));
}

/**
 * Two fetches of a BC that overlap in time have no defined order. If their content, dates or line ownership differ, the
 * one stored second is stale and the BC is fetched again. The same applies to one without lines that the mirror got
 * meanwhile, and to one from before PostgreSQL lost commits.
 */
function isStale({ before, document: { reading }, plan }: Planned, newest: number): boolean {
  if (isOutdated(reading.endSeq, newest)) return true;
  const differs = plan.changed || plan.touched || plan.touchedLines.length > 0;
  if (plan.overtaken || plan.unproven.length > 0) return true;
  return differs && before !== null && before.fetchSeq > reading.fetchSeq;
}

function outcomeOf({ before, plan }: Planned): StoreOutcome {
  return before === null || plan.former !== null ? 'created' : plan.changed ? 'updated' : 'unchanged';
}

/** Closes ledger items and resolves failures. */
async function settleAccounts(tx: Queryable, key: string, entries: readonly Planned[]): Promise<void> {
  const items = entries.map((entry) => {
    const { document, runId, rpcCalls, plan } = entry;
    const counts = {
      linesSeen: document.lines.length,
      linesRemoved: plan.removed.length,
      // A line that was archived with its BC is not visible anyway.
      linesKept: plan.kept.filter(({ archived }) => !archived).length,
      isAnother: plan.former !== null,
    };
    return { runId, odooId: document.header.odooId, state: outcomeOf(entry), ...counts, rpcCalls };
  });
  if (items.length === 0) return;
  const runs = groupBy(items, ({ runId }) => runId);
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
