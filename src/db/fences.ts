import { sql } from 'drizzle-orm';
import { isAnyOf } from './columns.ts';
import type { Queryable } from './connection.ts';
import type { SyncLogRow } from './schema/sync.ts';
import { syncLog } from './schema/sync.ts';

/** What decides whether a job's work still counts for its run. */
export type Fence = Pick<SyncLogRow, 'status' | 'mode' | 'leaseToken'>;

/** The fences of some runs, by id. */
export async function fencesOf(db: Queryable, runIds: readonly number[]): Promise<Map<number, Fence>> {
  const rows = await db.execute<
    Pick<Fence, 'status' | 'mode'> & { id: string; lease_token: string | null }
  >(sql`
    select id, status, mode, lease_token from ${syncLog} where ${isAnyOf(syncLog.id, runIds)}`);
  return new Map(
    rows.map(({ id, status, mode, lease_token: token }) => [
      Number(id),
      { status, mode, leaseToken: token === null ? null : Number(token) },
    ]),
  );
}
