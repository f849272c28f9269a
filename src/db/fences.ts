import { sql } from 'drizzle-orm';
import { isAnyOf } from './columns.ts';
import type { Queryable } from './connection.ts';
import type { SyncLogRow } from './schema/sync.ts';
import { syncLog } from './schema/sync.ts';

/** What decides whether a job's work still counts for its run. */
export type Fence = Pick<SyncLogRow, 'status' | 'mode' | 'leaseToken'>;

export interface Fences {
  /** By id; a run that is not in the log is left out. */
  readonly runs: ReadonlyMap<number, Fence>;
  /**
   * The newest reading that may be of one of these runs; 0 where none is in the log. A restored database knows neither
   * all runs nor all readings that Redis still has jobs of, and goes on counting from where its dump was.
   */
  readonly newestSeq: number;
}

/** A sequence that was set or made, and not asked since, gives `last_value` itself as its next number. */
const newestSeq = sql`(select last_value - (not is_called)::int from fetch_seq)`;

/** What holds for work of some runs, as of now. */
export async function fencesOf(db: Queryable, runIds: readonly number[]): Promise<Fences> {
  const rows = await db.execute<
    Pick<Fence, 'status' | 'mode'> & { id: string; lease_token: string | null; newest: string }
  >(sql`
    select id, status, mode, lease_token, ${newestSeq} as newest from ${syncLog}
    where ${isAnyOf(syncLog.id, runIds)}`);
  return {
    runs: new Map(
      rows.map(({ id, status, mode, lease_token: token }) => [
        Number(id),
        { status, mode, leaseToken: token === null ? null : Number(token) },
      ]),
    ),
    newestSeq: Number(rows[0]?.newest ?? 0),
  };
}
