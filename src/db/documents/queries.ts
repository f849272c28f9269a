import { eq, type SQL, sql } from 'drizzle-orm';
import type { AnyPgColumn } from 'drizzle-orm/pg-core';
import type { Queryable } from '../client.ts';
import { fieldsVersionSql } from '../odoo-model/fields.ts';
import { isAnyOf } from '../schema/columns.ts';
import { type HeaderTable, headerTable, type LineTable } from '../schema/documents.ts';
import { typed } from './field-expressions.ts';
import { type DocumentFilter, fieldJson, filterSql } from './filters.ts';
import { type DocumentOrder, type Position, pageOfIds, pageOrder } from './keyset-pagination.ts';
import type { MirrorStore, MirrorTables } from './tables.ts';

/**
 * The lines that are returned with a BC. `whole`: the lines that an archived BC had when it was archived. Lines that
 * left their BC earlier are never returned.
 */
export type LinesWanted = 'none' | 'live' | 'whole';

/** The parts of a BC in an answer. */
export interface Choice {
  /** The fields of the header; null: all. */
  readonly pick: readonly string[] | null;
  readonly lines: LinesWanted;
  /** The fields of each line; null: all. */
  readonly linePick: readonly string[] | null;
  readonly included?: readonly IncludedRecord[];
  /** The records that are included in each line. */
  readonly lineIncluded?: readonly IncludedRecord[];
}

/** The record that a many2one field refers to, from the mirror of its model. */
export interface IncludedRecord {
  readonly field: string;
  /** The headers of that mirror. */
  readonly table: HeaderTable;
  /** The fields of the record; null: all. */
  readonly pick: readonly string[] | null;
}

/** The columns of a BC's JSON in the API, for a query on the table. */
export function documentColumns(tables: MirrorTables, choice: Choice): SQL {
  const bc = tables.header;
  const { lines } = choice;
  const own = sql`${headerColumns(bc, choice.pick)}${includedColumn(bc, choice.included)}`;
  return lines === 'none' ? own : sql`${own}, (${linesOfBc(tables, lines, choice)}) as "lines"`;
}

const headerColumns = (table: HeaderTable, pick: readonly string[] | null): SQL =>
  sql`${recordColumns(table, picked(table, pick))}, ${moment(table.changedAt)} as "changedAt"`;

/**
 * The included records as one more column. They are part of the statement of the page: one lookup by index for each
 * field and item, and no further query. So they are of the same moment as the page, and count towards its size.
 */
function includedColumn(from: HeaderTable | LineTable, included: readonly IncludedRecord[] = []): SQL {
  if (included.length === 0) return sql``;
  const records = included.map((one) => sql`(${includedRecord(from, one)}) as ${sql.identifier(one.field)}`);
  return sql`, (select row_to_json(included) from (select ${sql.join(records, sql`, `)}) as included) as "included"`;
}

/** The headers of an included mirror under another name, because a field may refer to its own model. */
const related = headerTable('related');

function includedRecord(from: HeaderTable | LineTable, { field, table, pick }: IncludedRecord): SQL {
  const id = sql`passerelle_many2one_id(${from.fields} -> ${field}::text)`;
  return sql`select row_to_json(record) from (
    select ${headerColumns(related, pick)} from ${table} as related where ${related.odooId} = ${id}) as record`;
}

/** A live line, or a line that an archived BC had until the end. */
const isOfDocument = ({
  header: bc,
  line: bcLine,
}: MirrorTables): SQL => sql`(${bcLine.archivedAt} is null or (
  ${bc.archivedAt} is not null and ${bcLine.archiveReason} is distinct from 'removed'))`;

/** The columns of a line's JSON. */
export const lineColumns = (bcLine: LineTable, pick: readonly string[] | null): SQL =>
  sql`${recordColumns(bcLine, picked(bcLine, pick))}, ${bcLine.bcOdooId} as "bcOdooId"`;

function recordColumns(table: HeaderTable | LineTable, fields: SQL): SQL {
  return sql`${table.odooId} as "odooId", ${fields} as "fields", ${moment(table.odooCreateDate)} as "createDate",
    ${moment(table.odooWriteDate)} as "writeDate", ${moment(table.syncedAt)} as "syncedAt",
    ${moment(table.archivedAt)} as "archivedAt", ${table.archiveReason} as "archiveReason",
    ${table.contentHash} as "contentHash"`;
}

/** ISO 8601 in UTC with milliseconds, as JavaScript writes it. */
function moment(column: AnyPgColumn): SQL {
  return sql`to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
}

function picked(table: HeaderTable | LineTable, pick: readonly string[] | null): SQL {
  if (pick === null) return sql`${table.fields}`;
  return sql`(select coalesce(jsonb_object_agg(key, value), '{}') from jsonb_each(${table.fields})
    where key in (select jsonb_array_elements_text(${JSON.stringify(pick)}::jsonb)))`;
}

function linesOfBc(
  tables: MirrorTables,
  wanted: Exclude<LinesWanted, 'none'>,
  { linePick, lineIncluded }: Choice,
): SQL {
  const { header: bc, line: bcLine } = tables;
  const columns = sql`${lineColumns(bcLine, linePick)}${includedColumn(bcLine, lineIncluded)}`;
  const which = wanted === 'live' ? sql`and ${bcLine.archivedAt} is null` : sql`and ${isOfDocument(tables)}`;
  // Without the blanks that PostgreSQL writes in arrays.
  const array = sql`'[' || coalesce(string_agg(row_to_json(line)::text, ',' order by line."odooId"), '') || ']'`;
  return sql`select (${array})::json from (
    select ${columns} from ${bcLine} where ${bcLine.bcOdooId} = ${bc.odooId} ${which}) as line`;
}

/**
 * Maximum size of a page without its last item, in bytes of JSON. PostgreSQL and the API hold it several times, for
 * several concurrent requests.
 */
export const PAGE_BYTES = 8 * 1024 * 1024;

interface Wanted {
  /** Returns one `bigint[]`: the ids of items, in order. */
  readonly ids: SQL;
  /** Returns the columns of the item of an id. */
  readonly item: (odooId: SQL) => SQL;
  readonly bytes: number;
}

/**
 * A part of `with recursive`: `weighed` contains the items as JSON with their `place`, from 1. It ends with the item
 * that reaches the maximum size. Place 0 is not an item.
 *
 * It adds one item after another, because only the written text has a known size. For a stored value PostgreSQL knows
 * the compressed size, up to ninety times less. It does not know the size of selected fields or of lines.
 */
export const weighedItems = ({ ids, item, bytes }: Wanted): SQL => sql`weighed as (
  select 0 as place, null::text as json, 0::bigint as bytes
  union all
  select weighed.place + 1, item.json, weighed.bytes + octet_length(item.json)
  from weighed cross join lateral (
    select row_to_json(item)::text as json from (${item(sql`(${ids})[weighed.place + 1]`)}) as item limit 1) as item
  where weighed.bytes < ${bytes})`;

/** The ids of a `page` up to the row with that place. */
export const idsOfPage = (limit: number): SQL =>
  sql`select array_agg(odoo_id order by place) from page where place <= ${limit}`;

/** One row of `weighed`: `items` as one JSON array, and the position of the last one; null if the page is empty. */
export const listedItems: SQL = sql`select max(place) as kept,
  '[' || coalesce(string_agg(json, ',' order by place), '') || ']' as items from weighed where place > 0`;

export interface DocumentQuery extends Choice {
  readonly filter: DocumentFilter;
  readonly order: DocumentOrder;
  readonly after: Position | null;
  /** Fewer if they are large: see `PAGE_BYTES`. */
  readonly limit: number;
}

/** The version of the fields that a query used; see `fieldsVersion`. */
interface Versioned {
  readonly fieldsVersion: string;
}

/** A page as text from PostgreSQL. */
interface JsonPage<Next> {
  /** A JSON array. */
  readonly items: string;
  /** The start of the next page; null after the last one. */
  readonly next: Next | null;
}

/** One page of BCs, with their lines if requested. One query, and no row is parsed in JavaScript. */
export async function readDocuments(
  { db, ...tables }: MirrorStore,
  query: DocumentQuery,
): Promise<JsonPage<Position> & Versioned> {
  const bc = tables.header;
  const { order, after, limit } = query;
  const ids = pageOfIds({ tables, order, after, filter: filterSql(bc, query.filter), limit: limit + 1 });
  const item = (id: SQL) =>
    sql`select ${documentColumns(tables, query)} from ${bc} where ${bc.odooId} = ${id}`;
  const page = { ids, order: pageOrder(order), item, limit, version: fieldsVersionSql };
  const { items, last, version } = await readPage(db, page);
  if (last === null) return { items, next: null, fieldsVersion: version };
  const snapshot = order.field === null ? '' : (after?.snapshot ?? last.snapshot);
  return { items, next: { ...last, snapshot }, fieldsVersion: version };
}

/** One BC as JSON, archived or not; null if it is not in the mirror. */
export async function readDocument(
  { db, ...tables }: MirrorStore,
  odooId: number,
  choice: Choice,
): Promise<{ readonly item: string | null } & Versioned> {
  const bc = tables.header;
  const [row] = await db.execute<{ item: string | null; version: string }>(sql`
    select (select row_to_json(item)::text from (
      select ${documentColumns(tables, choice)} from ${bc} where ${bc.odooId} = ${odooId}) as item) as item,
      ${fieldsVersionSql} as version`);
  return { item: row?.item ?? null, fieldsVersion: row?.version ?? '' };
}

/** The names of a BC for people. Null: Odoo has no value. */
export interface BcLabel {
  /** The field `name`. */
  readonly number: string | null;
  /** The name in `partner_id`. */
  readonly supplier: string | null;
}

/** The labels of those BCs that are in the mirror, by id. */
export async function readLabels(
  { db, header: bc }: MirrorStore,
  odooIds: readonly number[],
): Promise<Map<number, BcLabel>> {
  const rows = await db
    .select({
      odooId: bc.odooId,
      number: sql<string | null>`${typed(fieldJson(bc, 'name'), 'text')}`,
      supplier: sql<string | null>`${typed(fieldJson(bc, 'partner_id'), 'name')}`,
    })
    .from(bc)
    .where(isAnyOf(bc.odooId, odooIds));
  return new Map(rows.map(({ odooId, ...label }) => [odooId, label]));
}

export async function hasDocument({ db, header: bc }: MirrorStore, odooId: number): Promise<boolean> {
  const rows = await db.select({ odooId: bc.odooId }).from(bc).where(eq(bc.odooId, odooId));
  return rows.length > 0;
}

interface LineQuery {
  /** Exclusive. */
  readonly after: number;
  readonly limit: number;
  /** Includes archived lines. An archived BC always shows them. */
  readonly archived: boolean;
  /** The returned fields; null: all. */
  readonly pick: readonly string[] | null;
}

/** One page of the lines of a BC, by ascending id. */
export async function readLines(
  { db, ...tables }: MirrorStore,
  odooId: number,
  { after, limit, archived, pick }: LineQuery,
): Promise<JsonPage<number> & Versioned> {
  const { header: bc, line: bcLine } = tables;
  const wanted = archived ? sql`` : sql`and ${isOfDocument(tables)}`;
  const ids = sql`select ${bcLine.odooId}, null as key from ${bcLine}
    join ${bc} on ${bc.odooId} = ${bcLine.bcOdooId}
    where ${bcLine.bcOdooId} = ${odooId} and ${bcLine.odooId} > ${after} ${wanted}
    order by ${bcLine.odooId} limit ${limit + 1}`;
  const item = (id: SQL) =>
    sql`select ${lineColumns(bcLine, pick)} from ${bcLine} where ${bcLine.odooId} = ${id}`;
  const page = { ids, order: sql`odoo_id`, item, limit, version: fieldsVersionSql };
  const { items, last, version } = await readPage(db, page);
  return { items, next: last?.odooId ?? null, fieldsVersion: version };
}

interface PageParts {
  /** Returns `odoo_id` and `key`. One row more than the page shows that there is a next page. */
  readonly ids: SQL;
  readonly order: SQL;
  /** Returns the columns of the item of an id. */
  readonly item: (odooId: SQL) => SQL;
  readonly limit: number;
  readonly version: SQL;
}

/** The page as JSON, and its last row if another page follows. */
async function readPage(db: Queryable, { ids, order, item, limit, version: versionSql }: PageParts) {
  const [row] = await db.execute<{
    items: string;
    key: string | null;
    odoo_id: string | null;
    snapshot: string;
    version: string;
  }>(sql`
    with recursive page as materialized (
      select odoo_id, key, row_number() over (order by ${order}) as place from (${ids}) as found),
    ${weighedItems({ ids: idsOfPage(limit), item, bytes: PAGE_BYTES })}
    select listed.items, last.key::text as key, last.odoo_id, pg_current_snapshot()::text as snapshot,
      ${versionSql} as version
    from (${listedItems}) as listed
    left join page as last on last.place = listed.kept and exists (select from page where place > listed.kept)`);
  if (row === undefined) return { items: '[]', last: null, version: '' };
  const { items, key, odoo_id: odooId, snapshot, version } = row;
  return { items, last: odooId === null ? null : { key, odooId: Number(odooId), snapshot }, version };
}

/** Every BC that is not archived. */
export const EVERY_BC: DocumentFilter = {
  conditions: [],
  search: null,
  changedSince: null,
  archived: 'exclude',
};

export async function countDocuments(
  { db, header: bc }: MirrorStore,
  filter: DocumentFilter,
): Promise<number> {
  return db.$count(bc, filterSql(bc, filter));
}

interface Explained {
  readonly Plan: { readonly 'Plan Rows': number };
}

/** The estimate of PostgreSQL, from its statistics. It takes the same time for any number of BCs. */
export async function estimateDocuments(
  { db, header: bc }: MirrorStore,
  filter: DocumentFilter,
): Promise<number> {
  const condition = filterSql(bc, filter) ?? sql`true`;
  const [row] = await db.execute<{ 'QUERY PLAN': readonly Explained[] }>(
    sql`explain (format json) select from ${bc} where ${condition}`,
  );
  return Math.round(row?.['QUERY PLAN'][0]?.Plan['Plan Rows'] ?? 0);
}
