import type { SQL } from 'drizzle-orm';
import { eq, sql } from 'drizzle-orm';
import type { Queryable } from './connection.ts';
import type { DocumentFilter } from './documents-filter.ts';
import { filterSql } from './documents-filter.ts';
import type { Choice } from './documents-json.ts';
import { documentColumns, isOfDocument, lineColumns } from './documents-json.ts';
import type { DocumentOrder, Position } from './documents-order.ts';
import { pageOfIds, pageOrder } from './documents-order.ts';
import { idsOfPage, listedItems, PAGE_BYTES, weighedItems } from './documents-weight.ts';
import { fieldsVersionSql } from './fields.ts';
import { bc, bcLine } from './schema/documents.ts';

export interface DocumentQuery extends Choice {
  readonly filter: DocumentFilter;
  readonly order: DocumentOrder;
  readonly after: Position | null;
  /** Fewer come where they weigh much: see `PAGE_BYTES`. */
  readonly limit: number;
}

/** What a query was made of; see `fieldsVersion`. */
interface Versioned {
  readonly fieldsVersion: string;
}

/** A page as PostgreSQL wrote it. */
export interface JsonPage<Next> {
  /** A JSON array. */
  readonly items: string;
  /** Where the next page begins; null after the last one. */
  readonly next: Next | null;
}

/** One page of BCs, with their lines where wanted: one query, and no row passes through JavaScript. */
export async function readDocuments(
  db: Queryable,
  query: DocumentQuery,
): Promise<JsonPage<Position> & Versioned> {
  const { order, after, limit } = query;
  const ids = pageOfIds({ order, after, filter: filterSql(query.filter), limit: limit + 1 });
  const item = (id: SQL) => sql`select ${documentColumns(query)} from ${bc} where ${bc.odooId} = ${id}`;
  const page = { ids, order: pageOrder(order), item, limit, version: fieldsVersionSql };
  const { items, last, version } = await readPage(db, page);
  if (last === null) return { items, next: null, fieldsVersion: version };
  const snapshot = order.field === null ? '' : (after?.snapshot ?? last.snapshot);
  return { items, next: { ...last, snapshot }, fieldsVersion: version };
}

/** One BC as JSON, archived or not; null where the mirror has none. */
export async function readDocument(
  db: Queryable,
  odooId: number,
  choice: Choice,
): Promise<{ readonly item: string | null } & Versioned> {
  const [row] = await db.execute<{ item: string | null; version: string }>(sql`
    select (select row_to_json(item)::text from (
      select ${documentColumns(choice)} from ${bc} where ${bc.odooId} = ${odooId}) as item) as item,
      ${fieldsVersionSql} as version`);
  return { item: row?.item ?? null, fieldsVersion: row?.version ?? '' };
}

export async function hasDocument(db: Queryable, odooId: number): Promise<boolean> {
  const rows = await db.select({ odooId: bc.odooId }).from(bc).where(eq(bc.odooId, odooId));
  return rows.length > 0;
}

export interface LineQuery {
  /** Exclusive. */
  readonly after: number;
  readonly limit: number;
  /** Also those that are gone; a BC that is gone shows them anyway. */
  readonly archived: boolean;
  /** The fields to answer; null is all of them. */
  readonly pick: readonly string[] | null;
}

/** One page of the lines of a BC, by ascending id. */
export async function readLines(
  db: Queryable,
  odooId: number,
  { after, limit, archived, pick }: LineQuery,
): Promise<JsonPage<number> & Versioned> {
  const wanted = archived ? sql`` : sql`and ${isOfDocument}`;
  const ids = sql`select ${bcLine.odooId}, null as key from ${bcLine}
    join ${bc} on ${bc.odooId} = ${bcLine.bcOdooId}
    where ${bcLine.bcOdooId} = ${odooId} and ${bcLine.odooId} > ${after} ${wanted}
    order by ${bcLine.odooId} limit ${limit + 1}`;
  const item = (id: SQL) => sql`select ${lineColumns(pick)} from ${bcLine} where ${bcLine.odooId} = ${id}`;
  const page = { ids, order: sql`odoo_id`, item, limit, version: fieldsVersionSql };
  const { items, last, version } = await readPage(db, page);
  return { items, next: last?.odooId ?? null, fieldsVersion: version };
}

interface PageParts {
  /** Gives `odoo_id` and `key`: a row more than the page holds tells that there is a next one. */
  readonly ids: SQL;
  readonly order: SQL;
  /** Gives the columns of the item of an id. */
  readonly item: (odooId: SQL) => SQL;
  readonly limit: number;
  readonly version: SQL;
}

/** The page as JSON, and its last row where another page follows. */
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
