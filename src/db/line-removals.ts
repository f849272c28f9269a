import { sql } from 'drizzle-orm';
import { isAnyOf } from './columns.ts';
import type { Queryable } from './connection.ts';
import { LOCK_FAMILIES } from './locks.ts';
import { bcLine } from './schema/documents.ts';
import { syncRunItem } from './schema/ledger.ts';
import { syncLog } from './schema/sync.ts';

/** The lines that a run removed so far, and its limits. */
export interface LineAccount {
  /** The breakers do not hold for it. */
  readonly force: boolean;
  /** Lines that its sweep did not find in Odoo. */
  readonly gone: number;
  readonly removed: number;
}

/**
 * Until the transaction ends, no other one can count the removed lines of these runs and add its own: the limit is exact.
 * Locked in one order, so that transactions with several runs do not deadlock.
 */
export async function lockLineAccounts(db: Queryable, runIds: readonly number[]): Promise<void> {
  await db.execute(sql`
    select pg_advisory_xact_lock(${LOCK_FAMILIES.lineRemovals}, hash) from (
      select distinct hashint8(id) as hash
      from unnest(${`{${runIds.join(',')}}`}::bigint[]) as run (id) order by hash) as hashes`);
}

/** The accounts of some runs, by id. */
export async function lineAccounts(
  db: Queryable,
  runIds: readonly number[],
): Promise<ReadonlyMap<number, LineAccount>> {
  const rows = await db.execute<{ id: string; force: boolean; gone: number; removed: number }>(sql`
    select id, force, lines_gone as gone, (select coalesce(sum(lines_removed), 0)::int from ${syncRunItem} as item
      where item.run_id = run.id and (item.lines_removed > 0 or item.lines_kept > 0)) as removed
    from ${syncLog} as run where ${isAnyOf(sql`run.id`, runIds)}`);
  return new Map(rows.map(({ id, ...account }) => [Number(id), account]));
}

/** Lines of the mirror that are not archived, counted up to `limit` (null: all of them). */
export async function countLiveLines(db: Queryable, limit: number | null): Promise<number> {
  const [row] = await db.execute<{ lines: number }>(sql`
    select count(*)::int as lines from (
      select from ${bcLine} where ${bcLine.archivedAt} is null limit ${limit}::bigint) as live`);
  return row?.lines ?? 0;
}

/** Lines that a run kept although Odoo no longer shows them. */
export interface KeptLines {
  readonly lines: number;
  readonly documents: number;
}

export async function countKeptLines(db: Queryable, runId: number): Promise<KeptLines> {
  const [row] = await db.execute<{ lines: number; documents: number }>(sql`
    select coalesce(sum(lines_kept), 0)::int as lines, count(*)::int as documents
    from ${syncRunItem} where run_id = ${runId} and lines_kept > 0`);
  return row ?? { lines: 0, documents: 0 };
}
