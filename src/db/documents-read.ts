import type { SQL } from 'drizzle-orm';
import { and, asc, eq, getTableColumns, gt, isNull, sql } from 'drizzle-orm';
import { isAnyOf } from './columns.ts';
import type { Queryable } from './connection.ts';
import type { DocumentFilter } from './documents-filter.ts';
import { filterSql } from './documents-filter.ts';
import type { DocumentOrder, Position } from './documents-order.ts';
import { beyond, existed, orderBy, orderJson, orderKey } from './documents-order.ts';
import type { BcLineRow, BcRow } from './schema/documents.ts';
import { bc, bcLine } from './schema/documents.ts';

export interface DocumentQuery {
  readonly filter: DocumentFilter;
  readonly order: DocumentOrder;
  readonly after: Position | null;
  readonly limit: number;
  /** The fields to answer; null is all of them. */
  readonly pick: readonly string[] | null;
}

export type ListedDocument = BcRow & Position;

/** One page of BCs, each with the position that a page after it starts from. */
export async function listDocuments(db: Queryable, query: DocumentQuery): Promise<ListedDocument[]> {
  const { filter, order, after, limit, pick } = query;
  const snapshot = after?.snapshot ?? null;
  const sorted = order.field === null ? null : sortedBy(order.field, snapshot);
  const key = sorted === null ? sql`${bc.odooId}` : orderKey(sql`sorted.json`, order.extract);
  const rows = db
    .select({
      ...getTableColumns(bc),
      fields: picked(pick),
      key: sql<string | null>`${key}::text`,
      snapshot: snapshot === null ? sql<string>`pg_current_snapshot()::text` : sql<string>`${snapshot}::text`,
    })
    .from(bc)
    .where(
      and(
        filterSql(filter),
        sorted === null || snapshot === null ? undefined : existed(snapshot),
        after === null ? undefined : beyond(key, order, after),
      ),
    )
    .orderBy(orderBy(key, order))
    .limit(limit)
    .$dynamic();
  return sorted === null ? rows : rows.crossJoinLateral(sorted);
}

/** The sort key's JSON, worked out once for each BC: `offset 0` keeps PostgreSQL from repeating the expression. */
function sortedBy(field: string, snapshot: string | null): SQL {
  return sql`(select ${orderJson(field, snapshot)} as json offset 0) as sorted`;
}

function picked(pick: readonly string[] | null): SQL<BcRow['fields']> {
  if (pick === null) return sql<BcRow['fields']>`${bc.fields}`;
  return sql<
    BcRow['fields']
  >`(select coalesce(jsonb_object_agg(key, value), '{}') from jsonb_each(${bc.fields})
    where key in (select jsonb_array_elements_text(${JSON.stringify(pick)}::jsonb)))`;
}

export async function countDocuments(db: Queryable, filter: DocumentFilter): Promise<number> {
  return db.$count(bc, filterSql(filter));
}

/** One BC, archived or not. */
export async function findDocument(
  db: Queryable,
  odooId: number,
  pick: readonly string[] | null,
): Promise<BcRow | null> {
  const rows = await db
    .select({ ...getTableColumns(bc), fields: picked(pick) })
    .from(bc)
    .where(eq(bc.odooId, odooId));
  return rows[0] ?? null;
}

/** The lines of some BCs in one query, by ascending id; archived ones only where asked for. */
export async function linesOf(
  db: Queryable,
  odooIds: readonly number[],
  archived: boolean,
): Promise<Map<number, BcLineRow[]>> {
  const lines = new Map<number, BcLineRow[]>(odooIds.map((odooId) => [odooId, []]));
  if (odooIds.length === 0) return lines;
  const rows = await db
    .select()
    .from(bcLine)
    .where(and(isAnyOf(bcLine.bcOdooId, odooIds), archived ? undefined : isNull(bcLine.archivedAt)))
    .orderBy(asc(bcLine.odooId));
  for (const row of rows) lines.get(row.bcOdooId)?.push(row);
  return lines;
}

/** One page of the lines of a BC, by ascending id; `after` is exclusive. */
export async function listLines(
  db: Queryable,
  odooId: number,
  page: { readonly after: number; readonly limit: number; readonly archived: boolean },
): Promise<BcLineRow[]> {
  return db
    .select()
    .from(bcLine)
    .where(
      and(
        eq(bcLine.bcOdooId, odooId),
        gt(bcLine.odooId, page.after),
        page.archived ? undefined : isNull(bcLine.archivedAt),
      ),
    )
    .orderBy(asc(bcLine.odooId))
    .limit(page.limit);
}
