import { inArray } from 'drizzle-orm';
import type { Queryable } from './connection.ts';
import type { SyncLogRow } from './schema/sync.ts';
import { syncLog } from './schema/sync.ts';

/** What decides whether a job's work still counts for its run. */
export type Fence = Pick<SyncLogRow, 'id' | 'status' | 'mode' | 'leaseToken'>;

/** The fences of some runs, by id. */
export async function fencesOf(db: Queryable, runIds: readonly number[]): Promise<Map<number, Fence>> {
  const rows = await db
    .select({ id: syncLog.id, status: syncLog.status, mode: syncLog.mode, leaseToken: syncLog.leaseToken })
    .from(syncLog)
    .where(inArray(syncLog.id, [...runIds]));
  return new Map(rows.map((row) => [row.id, row]));
}
