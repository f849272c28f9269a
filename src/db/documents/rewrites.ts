import { type SQL, sql } from 'drizzle-orm';
import type { OdooRecord } from '../../odoo/types.ts';
import type { DocumentChanges } from '../schema/audit.ts';
import { isAnyOf } from '../schema/columns.ts';
import { arrayText } from './field-expressions.ts';
import type { MirrorStore } from './tables.ts';

/** Rows with a many2one that refers to one of these ids, or with one of the other fields. */
export interface Referring {
  readonly ids: readonly number[];
  readonly others: readonly string[];
}

/** The rows whose values may have to be rewritten. */
export interface RewriteFilter {
  /** Rows that have one of these fields. */
  readonly fields: readonly string[];
  /** Only these of them. The names of `others` are among `fields`. */
  readonly referring?: Referring;
}

type Part = 'header' | 'line';

/** A row that may have to be rewritten. */
export interface RewriteCandidate {
  /** The position in the order of the scan. */
  readonly id: number;
  readonly bytes: number;
}

/** Rows that one statement lists. Their contents are read in smaller groups. */
const LISTED = 500;

const has = (record: SQL, names: readonly string[]) => sql`${record} ?| ${arrayText(names)}::text[]`;

function rowCondition({ fields, referring }: RewriteFilter): SQL {
  if (referring === undefined) return has(sql`fields`, fields);
  const { ids, others } = referring;
  const references = fields
    .filter((field) => !others.includes(field))
    .map((field) => isAnyOf(sql`passerelle_many2one_id(fields -> ${field}::text)`, ids));
  return sql.join([has(sql`fields`, others), ...references], sql` or `);
}

/** The next headers or lines, by ascending id of Odoo. */
export async function rowCandidates(
  store: MirrorStore,
  of: Part,
  filter: RewriteFilter,
  after: number,
): Promise<RewriteCandidate[]> {
  const rows = await store.db.execute<{ odoo_id: string; bytes: number }>(sql`
    select odoo_id, pg_column_size(fields) as bytes from ${store[of]}
    where odoo_id > ${after} and (${rowCondition(filter)}) order by odoo_id limit ${LISTED}`);
  return rows.map(({ odoo_id: id, bytes }) => ({ id: Number(id), bytes }));
}

/** The contents of some headers or lines, by ascending id. */
export async function rowsToRewrite(
  store: MirrorStore,
  of: Part,
  odooIds: readonly number[],
): Promise<OdooRecord[]> {
  const { db, [of]: table } = store;
  const rows = await db.select({ fields: table.fields }).from(table).where(isAnyOf(table.odooId, odooIds));
  return rows.map(({ fields }) => fields);
}

/** A row with other contents. */
export interface RewrittenRow {
  readonly odooId: number;
  readonly json: string;
  readonly contentHash: string;
}

/**
 * Replaces the contents of headers or lines. Readers of the change feed get their documents again, because their copies
 * have the old values. `changed_at` stays: the document did not change in Odoo, and has no new audit entry.
 */
export async function replaceRows(
  store: MirrorStore,
  of: Part,
  rows: readonly RewrittenRow[],
): Promise<void> {
  if (rows.length === 0) return;
  const { db, header, line, [of]: table } = store;
  const isHeader = of === 'header';
  await db.execute(sql`
    update ${table} as stored set fields = r.fields::jsonb, content_hash = r."contentHash",
      ${isHeader ? sql`changed_xid = pg_current_xact_id(),` : sql``}
      binary_sizes = (select coalesce(jsonb_object_agg(key, value), '{}') from jsonb_each(stored.binary_sizes)
        where r.fields::jsonb ? key)
    from json_to_recordset(${JSON.stringify(rows.map(({ json: fields, ...row }) => ({ ...row, fields })))}::text::json)
      as r("odooId" bigint, fields text, "contentHash" text)
    where stored.odoo_id = r."odooId"`);
  if (isHeader) return;
  const ids = rows.map(({ odooId }) => odooId);
  await db.execute(sql`
    update ${header} as owner set changed_xid = pg_current_xact_id()
    where owner.odoo_id in (select bc_odoo_id from ${line} where ${isAnyOf(line.odooId, ids)})
      and owner.changed_xid is distinct from pg_current_xact_id()`);
}

const anyLike = (text: SQL, patterns: readonly string[]) =>
  sql`${text} like any(${arrayText(patterns)}::text[])`;

/** The next audit entries, by ascending id. A few of them have nothing to rewrite. */
export async function auditCandidates(
  { db, audit }: MirrorStore,
  { fields, referring }: RewriteFilter,
  after: number,
): Promise<RewriteCandidate[]> {
  const text = sql`changes::text`;
  const named = (names: readonly string[]) => names.map((name) => `%"${name}": %`);
  const isReferring =
    referring === undefined
      ? sql`true`
      : anyLike(text, [...referring.ids.map((id) => `%[${id}, %`), ...named(referring.others)]);
  const rows = await db.execute<{ id: string; bytes: number }>(sql`
    select id, pg_column_size(changes) as bytes from ${audit}
    where id > ${after} and ${anyLike(text, named(fields))} and ${isReferring} order by id limit ${LISTED}`);
  return rows.map(({ id, bytes }) => ({ id: Number(id), bytes }));
}

/** An audit entry with its changes. */
export interface AuditedChanges {
  readonly id: number;
  readonly changes: DocumentChanges;
}

export async function changesToRewrite(
  { db, audit }: MirrorStore,
  ids: readonly number[],
): Promise<AuditedChanges[]> {
  return db.select({ id: audit.id, changes: audit.changes }).from(audit).where(isAnyOf(audit.id, ids));
}

export async function replaceChanges(
  { db, audit }: MirrorStore,
  entries: readonly AuditedChanges[],
): Promise<void> {
  if (entries.length === 0) return;
  await db.execute(sql`
    update ${audit} as entry set changes = r.changes
    from json_to_recordset(${JSON.stringify(entries)}::text::json) as r(id bigint, changes jsonb)
    where entry.id = r.id`);
}

/** Counts the headers or lines that a removal of labels would change, at most. */
export async function countReferring(store: MirrorStore, of: Part, filter: RewriteFilter): Promise<number> {
  const { db, [of]: table } = store;
  const [row] = await db.execute<{ rows: number }>(sql`
    select count(*)::int as rows from ${table} where ${rowCondition(filter)}`);
  return row?.rows ?? 0;
}
