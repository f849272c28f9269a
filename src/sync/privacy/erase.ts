import type { Database, Queryable } from '../../db/client.ts';
import { eraseRecord, type RecordRows } from '../../db/documents/erased-records.ts';
import { listMirrors, tablesOf } from '../../db/documents/mirrors.ts';
import { countReferring, type Referring, type RewriteFilter } from '../../db/documents/rewrites.ts';
import type { MirrorStore } from '../../db/documents/tables.ts';
import { blockWriters } from '../../db/documents/writes.ts';
import { describedFields } from '../../db/odoo-model/fields.ts';
import { runningRuns } from '../../db/runs/runs.ts';
import type { MirrorRow } from '../../db/schema/mirrors.ts';
import { labelHiding } from '../../odoo/field-policies.ts';
import { connectedWorkers, type Queues } from '../../queues/queues.ts';
import { delay } from '../../shared/retry.ts';
import { contentHash } from '../store/content-hash.ts';
import { type RewriteValue, type Rewriting, type RewrittenFields, rewriteStored } from './rewrite-stored.ts';

/** A record of a mirror that is erased on request. */
export interface ErasedDocument {
  readonly mirror: MirrorRow;
  readonly odooId: number;
}

/** The stores of the mirrors. */
export interface ErasureStores {
  readonly db: Database;
  readonly queuesOf: (mirror: string) => Queues;
}

/** Receives the steps of an erasure. */
interface ErasureProgress {
  readonly signal: AbortSignal;
  readonly onWaiting: (runIds: readonly number[]) => void;
  readonly onLabels: (mirror: string) => void;
}

interface Erasure {
  readonly rows: RecordRows;
  /** Rows of all mirrors that lost a label; null: the signal was aborted while runs were in progress. */
  readonly labels: number | null;
}

/**
 * Erases a record from its mirror, and its label from all mirrors. Safe to repeat: an erasure that was interrupted
 * continues.
 *
 * 1. One transaction writes the tombstone and removes the record. From then on no call to Odoo returns it, and no store
 *    writes it.
 * 2. A run that began before may still hold readings with the label. So the erasure waits until these runs have ended.
 * 3. It deletes what Redis has of the record, and fetched documents of all mirrors, which may have the label.
 * 4. It drops the label from headers, lines and audit trails of all mirrors.
 */
export async function eraseDocument(
  { db, queuesOf }: ErasureStores,
  { mirror, odooId }: ErasedDocument,
  { signal, onWaiting, onLabels }: ErasureProgress,
): Promise<Erasure> {
  const rows = await db.transaction((tx) =>
    eraseRecord({ ...tablesOf(mirror), db: tx }, mirror, odooId, contentHash({ id: odooId })),
  );
  if (!(await openRunsEnded({ db, queuesOf }, signal, onWaiting))) return { rows, labels: null };
  let labels = 0;
  for (const other of await listMirrors(db)) {
    await queuesOf(other.name).forget(other.key === mirror.key ? odooId : 'readings');
    onLabels(other.name);
    labels += await rewriteStored(stepOf(db, other), await labelRewriting(db, other, mirror.model, odooId));
  }
  return { rows, labels };
}

/** Each batch has its own transaction, so that runs wait for one batch only. */
const stepOf =
  (db: Database, mirror: MirrorRow) =>
  <T>(work: (store: MirrorStore) => Promise<T>): Promise<T> =>
    db.transaction(async (tx) => {
      const store = { ...tablesOf(mirror), db: tx };
      await blockWriters(store);
      return work(store);
    });

const POLL_INTERVAL_MS = 250;

/**
 * Waits for the runs that are in progress now. A run without workers makes no progress and is not waited for: the worker
 * that resumes it reads Odoo again.
 *
 * @returns false if the signal was aborted.
 */
async function openRunsEnded(
  { db, queuesOf }: ErasureStores,
  signal: AbortSignal,
  onWaiting: ErasureProgress['onWaiting'],
): Promise<boolean> {
  const mirrors = await listMirrors(db);
  const first = new Set((await runningRuns(db)).map(({ id }) => id));
  const hasWorkers = async (key: string) => {
    const name = mirrors.find((mirror) => mirror.key === key)?.name;
    return name !== undefined && (await connectedWorkers(queuesOf(name))) > 0;
  };
  for (;;) {
    const left = (await runningRuns(db)).filter(({ id }) => first.has(id));
    const working = new Map<string, boolean>();
    for (const { key } of left) if (!working.has(key)) working.set(key, await hasWorkers(key));
    const awaited = left.filter(({ key }) => working.get(key));
    if (awaited.length === 0) return true;
    if (signal.aborted) return false;
    onWaiting(awaited.map(({ id }) => id));
    await delay(POLL_INTERVAL_MS, signal).catch(() => {});
  }
}

/** The rows of one mirror that show the label of a record. */
export interface LabelCount {
  readonly mirror: string;
  readonly rows: number;
}

/** The headers and lines that show the label of a record, for each mirror that has any. */
export async function countLabels(
  db: Queryable,
  { mirror: { model }, odooId }: ErasedDocument,
): Promise<LabelCount[]> {
  const counts: LabelCount[] = [];
  for (const other of await listMirrors(db)) {
    const rewriting = await labelRewriting(db, other, model, odooId);
    let rows = 0;
    for (const of of ['header', 'line'] as const) {
      const filter: RewriteFilter = { fields: [...rewriting[of].keys()], referring: rewriting.referring };
      if (filter.fields.length > 0) rows += await countReferring({ ...tablesOf(other), db }, of, filter);
    }
    if (rows > 0) counts.push({ mirror: other.name, rows });
  }
  return counts;
}

/** How the rows of a mirror lose the label of a record. */
async function labelRewriting(
  db: Queryable,
  { model, lineModel }: MirrorRow,
  erasedModel: string,
  odooId: number,
): Promise<Rewriting & { readonly referring: Referring }> {
  const erased = new Map([[erasedModel, new Set([odooId])]]);
  const others = new Set<string>();
  const of = async (name: string): Promise<RewrittenFields> => {
    const rewrites = new Map<string, RewriteValue>();
    for (const field of await describedFields(db, name)) {
      const hide = labelHiding(field, erased);
      if (hide === null) continue;
      rewrites.set(field.name, hide);
      if (field.type !== 'many2one') others.add(field.name);
    }
    return rewrites;
  };
  const header = await of(model);
  const line = lineModel === null ? new Map() : await of(lineModel);
  return { header, line, referring: { ids: [odooId], others: [...others] } };
}
