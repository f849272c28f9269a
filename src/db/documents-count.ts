import { sql } from 'drizzle-orm';
import type { Queryable } from './connection.ts';
import type { DocumentFilter } from './documents-filter.ts';
import { filterSql } from './documents-filter.ts';
import { bc } from './schema/documents.ts';

export async function countDocuments(db: Queryable, filter: DocumentFilter): Promise<number> {
  return db.$count(bc, filterSql(filter));
}

interface Explained {
  readonly Plan: { readonly 'Plan Rows': number };
}

/** What PostgreSQL expects to find, from its statistics: at once, however many BCs there are. */
export async function estimateDocuments(db: Queryable, filter: DocumentFilter): Promise<number> {
  const condition = filterSql(filter) ?? sql`true`;
  const [row] = await db.execute<{ 'QUERY PLAN': readonly Explained[] }>(
    sql`explain (format json) select from ${bc} where ${condition}`,
  );
  return Math.round(row?.['QUERY PLAN'][0]?.Plan['Plan Rows'] ?? 0);
}
