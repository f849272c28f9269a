/**
 * Rewrites values that are already stored: in headers, lines and the audit trail. A policy that a field gets later and
 * the erasure of a record use it.
 *
 * Lifecycle: `rewriteStored` scans the three tables of a mirror in this order, in batches by ascending id, and updates
 * only rows that change. `step` gives each batch its transaction: one for all batches (a policy must be applied whole or
 * not at all), or one for each (a label is dropped, which is safe to repeat).
 *
 * Invariants: each transaction has called `blockWriters`. So no store can write an old value into the audit trail after
 * the headers and lines were rewritten. Content hashes are computed again, so the next run finds the same content and
 * writes no audit entry.
 *
 * ```ts
 * const step: Step = (work) => db.transaction(async (tx) => { ... await blockWriters(store); return work(store); });
 * await rewriteStored(step, { header: new Map([['email', hash]]), line: NOTHING }, () => progress.step());
 * ```
 */
import {
  auditCandidates,
  changesToRewrite,
  type Referring,
  type RewriteCandidate,
  type RewriteFilter,
  type RewrittenRow,
  replaceChanges,
  replaceRows,
  rowCandidates,
  rowsToRewrite,
} from '../../db/documents/rewrites.ts';
import type { MirrorStore } from '../../db/documents/tables.ts';
import type { DocumentChanges, FieldChange } from '../../db/schema/audit.ts';
import type { OdooValue } from '../../odoo/types.ts';
import { inGroups } from '../../shared/collections.ts';
import { hashedJson, isSame } from '../store/content-hash.ts';

/** The stored form of a value; undefined: the value is removed. */
export type RewriteValue = (value: OdooValue) => OdooValue | undefined;

/** By the name of the field. */
export type RewrittenFields = ReadonlyMap<string, RewriteValue>;

export interface Rewriting {
  readonly header: RewrittenFields;
  readonly line: RewrittenFields;
  /** Limits the scan to rows that may refer to these records. */
  readonly referring?: Referring;
}

/** Runs one batch in a transaction that blocks writers. */
export type Step = <T>(work: (store: MirrorStore) => Promise<T>) => Promise<T>;

/** Contents in memory at once. */
const HELD = { bytes: 8 * 1024 * 1024, count: 200 };

/** @returns the number of headers, lines and audit entries that it changed. */
export async function rewriteStored(
  step: Step,
  rewriting: Rewriting,
  onBatch: () => void = () => {},
): Promise<number> {
  let changed = 0;
  const scan = async (
    fields: readonly string[],
    list: (store: MirrorStore, filter: RewriteFilter, after: number) => Promise<RewriteCandidate[]>,
    rewrite: (store: MirrorStore, ids: readonly number[]) => Promise<number>,
  ) => {
    if (fields.length === 0) return;
    const filter = { fields, ...(rewriting.referring && { referring: rewriting.referring }) };
    for (let after: number | undefined = 0; after !== undefined; ) {
      const from: number = after;
      after = await step(async (store) => {
        const candidates = await list(store, filter, from);
        for (const group of inGroups(candidates, ({ bytes }) => bytes, HELD)) {
          changed += await rewrite(
            store,
            group.map(({ id }) => id),
          );
          onBatch();
        }
        return candidates.at(-1)?.id;
      });
    }
  };
  for (const of of ['header', 'line'] as const) {
    const fields = rewriting[of];
    await scan(
      [...fields.keys()],
      (store, filter, after) => rowCandidates(store, of, filter, after),
      (store, ids) => rewriteRows(store, of, fields, ids),
    );
  }
  await scan(
    [...new Set([...rewriting.header.keys(), ...rewriting.line.keys()])],
    auditCandidates,
    (store, ids) => rewriteChanges(store, rewriting, ids),
  );
  return changed;
}

async function rewriteRows(
  store: MirrorStore,
  of: 'header' | 'line',
  fields: RewrittenFields,
  ids: readonly number[],
): Promise<number> {
  const rows: RewrittenRow[] = [];
  for (const record of await rowsToRewrite(store, of, ids)) {
    const rewritten = rewrittenRecord(record, fields);
    if (rewritten !== record) rows.push({ odooId: record.id, ...hashedJson(rewritten) });
  }
  await replaceRows(store, of, rows);
  return rows.length;
}

async function rewriteChanges(
  store: MirrorStore,
  rewriting: Rewriting,
  ids: readonly number[],
): Promise<number> {
  const entries = await changesToRewrite(store, ids);
  const rewritten = entries.flatMap(({ id, changes }) => {
    const now = rewrittenChanges(changes, rewriting);
    return isSame(now, changes) ? [] : [{ id, changes: now }];
  });
  await replaceChanges(store, rewritten);
  return rewritten.length;
}

/** The same object if nothing changes. */
function rewrittenRecord<R extends { readonly [field: string]: unknown }>(
  record: R,
  fields: RewrittenFields,
): R {
  let changed: Record<string, unknown> | null = null;
  for (const [name, rewrite] of fields) {
    if (!Object.hasOwn(record, name)) continue;
    const value = rewrite(record[name] as OdooValue);
    if (value !== undefined && isSame(value, record[name])) continue;
    changed ??= { ...record };
    if (value === undefined) delete changed[name];
    else changed[name] = value;
  }
  return changed === null ? record : (changed as R);
}

/** An audit entry with rewritten values. A part that becomes empty is left out. */
function rewrittenChanges(changes: DocumentChanges, { header, line }: Rewriting): DocumentChanges {
  const { header: own, linesAdded, linesRemoved, linesChanged, ...others } = changes;
  const records = (list: readonly unknown[]) =>
    list.map((one) => (isObject(one) ? rewrittenRecord(one, line) : one));
  const altered = Object.entries(linesChanged ?? {}).flatMap(([id, fields]) => {
    const left = rewrittenFieldChanges(fields, line);
    return left === null ? [] : [[id, left] as const];
  });
  const left = own && rewrittenFieldChanges(own, header);
  return {
    ...others,
    ...(left && { header: left }),
    ...(linesAdded && { linesAdded: records(linesAdded) }),
    ...(linesRemoved && { linesRemoved: records(linesRemoved) }),
    ...(altered.length > 0 && { linesChanged: Object.fromEntries(altered) }),
  };
}

/** Null: nothing is left. */
function rewrittenFieldChanges(
  changes: Readonly<Record<string, FieldChange>>,
  fields: RewrittenFields,
): Readonly<Record<string, FieldChange>> | null {
  const left = Object.entries(changes).flatMap(([name, change]) => {
    const rewrite = fields.get(name);
    if (rewrite === undefined) return [[name, change] as const];
    const [before, after] = [rewrite(change.old as OdooValue), rewrite(change.new as OdooValue)];
    return before === undefined || after === undefined ? [] : [[name, { old: before, new: after }] as const];
  });
  return left.length === 0 ? null : Object.fromEntries(left);
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
