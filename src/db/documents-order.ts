import type { SQL } from 'drizzle-orm';
import { sql } from 'drizzle-orm';
import { fieldJson } from './documents-filter.ts';
import type { Extract } from './documents-values.ts';
import { parameter, typed } from './documents-values.ts';
import { auditLog } from './schema/audit.ts';
import { bc } from './schema/documents.ts';

/** The order of a list; `field` null is the Odoo id itself, which never changes. */
export interface DocumentOrder {
  readonly field: string | null;
  readonly extract: Extract;
  readonly descending: boolean;
}

/** Where a page ended, and which state of the mirror the first page saw (`pg_snapshot` as text). */
export interface Position {
  readonly key: string | null;
  readonly odooId: number;
  readonly snapshot: string;
}

/**
 * Whether the first page saw what a transaction did. A dump restored elsewhere brings transaction ids that are
 * still in the future there: those count as seen.
 */
const seen = (xid: SQL, snapshot: string): SQL =>
  sql`(pg_visible_in_snapshot(${xid}, ${snapshot}::pg_snapshot) or ${xid} >= pg_snapshot_xmax(pg_current_snapshot()))`;

const changedXid = sql`${bc.changedXid}`;
const auditXid = sql`audit.xid`;

/** The changes of this BC that the first page did not see. */
const unseenChanges = (snapshot: string): SQL =>
  sql`from ${auditLog} as audit where audit.odoo_id = ${bc.odooId} and not ${seen(auditXid, snapshot)}`;

/**
 * The JSON of the field a BC is sorted by. On later pages a BC that changed since the first one keeps the value it
 * had then, taken from the audit trail: so it stays where it was, and no page repeats or skips it.
 *
 * Limit: what the mirror stores without an audit row (a save in Odoo that changed nothing but `write_date`) is sorted
 * by its new value.
 */
export function orderJson(field: string, snapshot: string | null): SQL {
  const current = fieldJson(field);
  if (snapshot === null) return current;
  const before = sql`(select coalesce(audit.changes -> 'header' -> ${field}::text -> 'old', 'null')
    ${unseenChanges(snapshot)} and audit.changes -> 'header' ? ${field}::text order by audit.id limit 1)`;
  return sql`(case when ${seen(changedXid, snapshot)} then ${current} else coalesce(${before}, ${current}) end)`;
}

/** A longer text sorts by its beginning, so that no cursor outgrows a URL. */
const KEY_CHARACTERS = 200;

/** What a BC is sorted by, out of the JSON of the field. */
export function orderKey(json: SQL, extract: Extract): SQL {
  const key = typed(json, extract);
  return extract === 'text' || extract === 'name'
    ? sql`left(${key}, ${sql.raw(String(KEY_CHARACTERS))})`
    : key;
}

/** True for the BCs that the first page could have shown. */
export function existed(snapshot: string): SQL {
  return sql`(${seen(changedXid, snapshot)}
    or not exists (select ${unseenChanges(snapshot)} and audit.action = 'created'))`;
}

/** Nulls come last in both directions; BCs with equal keys come by ascending id. */
export function orderBy(key: SQL, { descending, field }: DocumentOrder): SQL {
  const direction = descending ? sql`desc` : sql`asc`;
  return field === null ? sql`${key} ${direction}` : sql`${key} ${direction} nulls last, ${bc.odooId}`;
}

/** True for what comes after a position, in that order. */
export function beyond(key: SQL, { field, extract, descending }: DocumentOrder, after: Position): SQL {
  const further = descending ? sql`<` : sql`>`;
  if (field === null) return sql`${key} ${further} ${after.odooId}`;
  if (after.key === null) return sql`(${key} is null and ${bc.odooId} > ${after.odooId})`;
  const last = parameter(after.key, extract);
  return sql`(${key} ${further} ${last} or ${key} is null or (${key} = ${last} and ${bc.odooId} > ${after.odooId}))`;
}
