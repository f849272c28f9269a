import { and, eq, isNull, lt, or, sql } from 'drizzle-orm';
import type { Queryable } from '../client.ts';
import { newestSeq } from '../documents/fetch-sequence.ts';
import { isAnyOf } from '../schema/columns.ts';
import { type SyncLogRow, type SyncStateRow, syncLog, syncState } from '../schema/sync.ts';
import { finishedMove } from './source.ts';

/** The clock of the database plus `leaseMs`. Leases are only compared with the clock of PostgreSQL. */
const expiry = (leaseMs: number) => sql`clock_timestamp() + ${leaseMs} * interval '1 millisecond'`;

/**
 * Grants the lease of `key` to a run if it is free, or if it has expired and its run has ended or is this one. An
 * unfinished run is resumed before another one starts.
 *
 * @returns the new fencing token, or null while another run holds the lease.
 */
export async function grantLease(
  db: Queryable,
  key: string,
  runId: number,
  leaseMs: number,
): Promise<number | null> {
  await db.insert(syncState).values({ key }).onConflictDoNothing();
  const rows = await db
    .update(syncState)
    .set({
      isSyncing: true,
      leaseRunId: runId,
      leaseToken: sql`${syncState.leaseToken} + 1`,
      leaseExpiresAt: expiry(leaseMs),
      leaseHeartbeatAt: sql`clock_timestamp()`,
    })
    .where(
      and(
        eq(syncState.key, key),
        or(
          isNull(syncState.leaseRunId),
          and(
            lt(syncState.leaseExpiresAt, sql`clock_timestamp()`),
            sql`not exists (
              select from ${syncLog} as holder where holder.id = ${syncState.leaseRunId}
                and holder.id <> ${runId} and holder.status = 'running')`,
          ),
        ),
      ),
    )
    .returning({ token: syncState.leaseToken });
  return rows[0]?.token ?? null;
}

/**
 * Starts a queued run if no run holds the lease or left it behind. One statement for run and lease, because most runs
 * start this way. It locks the row of the run first, as all code does.
 *
 * @returns `takenAt`, by the clock of PostgreSQL; null if the case needs a closer check.
 */
export async function startWhileFree(
  db: Queryable,
  key: string,
  runId: number,
  leaseMs: number,
): Promise<{ readonly leaseToken: number; readonly startedAt: Date; readonly takenAt: Date } | null> {
  const [row] = await db.execute<{ token: string; started: string; now: string }>(sql`
    with run as (
      select id from ${syncLog} where id = ${runId} and status = 'queued' and mode <> 'single' for update),
    lease as (
      update ${syncState} set is_syncing = true, lease_run_id = run.id, lease_token = lease_token + 1,
        lease_expires_at = ${expiry(leaseMs)}, lease_heartbeat_at = clock_timestamp()
      from run where key = ${key} and lease_run_id is null returning lease_token)
    update ${syncLog} set status = 'running', lease_token = lease.lease_token,
      started_at = coalesce(started_at, clock_timestamp())
    from lease where ${syncLog.id} = ${runId}
    returning ${syncLog.leaseToken} as token, started_at as started, clock_timestamp() as now`);
  if (row === undefined) return null;
  const { token, started, now } = row;
  return { leaseToken: Number(token), startedAt: new Date(started), takenAt: new Date(now) };
}

/** Extends a valid lease. False: it expired, or a newer token has it; only a new grant returns it. */
export async function heartbeat(
  db: Queryable,
  key: string,
  token: number,
  leaseMs: number,
): Promise<boolean> {
  const rows = await db
    .update(syncState)
    .set({ leaseExpiresAt: expiry(leaseMs), leaseHeartbeatAt: sql`clock_timestamp()` })
    .where(
      and(
        eq(syncState.key, key),
        eq(syncState.leaseToken, token),
        sql`${syncState.leaseExpiresAt} >= clock_timestamp()`,
      ),
    )
    .returning({ key: syncState.key });
  return rows.length > 0;
}

/** The state of the mirror after a run; omitted members stay unchanged. */
export interface Progress {
  readonly lastSync?: Date;
  readonly modelRead?: number;
  readonly listed?: Listed;
  /** All of a new source was read. */
  readonly hasMoved?: boolean;
}

/** The records that a run listed in Odoo: all of them, or the changes of a window. */
export interface Listed {
  readonly everything: boolean;
  readonly newestWrite: Date | null;
}

/**
 * Odoo takes `write_date` from its own PostgreSQL, whose clock may be behind the `Date` header. All records up to
 * `newest_write` were visible when a run began to list, so the window after that run begins there at the latest.
 */
export const seenAfter = ({ everything, newestWrite }: Listed) => ({
  seenUntil: everything ? newestWrite : sql<Date | null>`${syncState.newestWrite}`,
  newestWrite: sql<Date | null>`greatest(${syncState.newestWrite}, ${newestWrite?.toISOString() ?? null}::timestamptz)`,
});

/** Releases the lease of a run and stores how far it got. Does nothing with an old token. */
export async function releaseLease(
  db: Queryable,
  key: string,
  holder: { readonly runId: number; readonly token: number },
  { listed, hasMoved, ...reached }: Progress,
): Promise<void> {
  await db
    .update(syncState)
    .set({
      isSyncing: false,
      leaseRunId: null,
      leaseExpiresAt: null,
      ...reached,
      ...(listed && seenAfter(listed)),
      ...(hasMoved && { source: finishedMove }),
    })
    .where(
      and(
        eq(syncState.key, key),
        eq(syncState.leaseRunId, holder.runId),
        eq(syncState.leaseToken, holder.token),
      ),
    );
}

/** The state for people. */
interface ShownState extends SyncStateRow {
  /** False after the lease has expired, whatever the flag says. */
  readonly held: boolean;
  /**
   * Since `lastSync`, which is a time of Odoo, by the clock of PostgreSQL. Below 0 if the clock of Odoo is ahead; null
   * before the first sync.
   */
  readonly ageSeconds: number | null;
}

export async function readState(db: Queryable, key: string): Promise<ShownState | null> {
  const rows = await db
    .select({
      state: syncState,
      held: sql<boolean>`coalesce(${syncState.leaseExpiresAt} >= clock_timestamp(), false)`,
      ageSeconds: sql<number | null>`extract(epoch from clock_timestamp() - ${syncState.lastSync})::int`,
    })
    .from(syncState)
    .where(eq(syncState.key, key));
  const [row] = rows;
  if (row === undefined) return null;
  return { ...row.state, held: row.held, ageSeconds: row.ageSeconds };
}

/** The state that decides whether the work of a job still counts for its run. */
export type Fence = Pick<SyncLogRow, 'status' | 'mode' | 'leaseToken'>;

interface Fences {
  /** By id; a run that is not in the log is missing. */
  readonly runs: ReadonlyMap<number, Fence>;
  /**
   * The newest reading that may belong to one of these runs; 0 if none is in the log. A restored database lacks some of
   * the runs and readings that Redis still has jobs of, and counts from the state of its dump.
   */
  readonly newestSeq: number;
  /** The number of `fetch_seq` that was taken last, by any run. */
  readonly sequence: number;
}

/** The current state of some runs. */
export async function getFencingState(db: Queryable, runIds: readonly number[]): Promise<Fences> {
  const rows = await db.execute<
    Pick<Fence, 'status' | 'mode'> & { id: string | null; lease_token: string | null; newest: string }
  >(sql`
    select run.id, run.status, run.mode, run.lease_token, newest
    from (select ${newestSeq} as newest) as sequence left join ${syncLog} as run on ${isAnyOf(sql`run.id`, runIds)}`);
  const runs = new Map<number, Fence>();
  for (const { id, status, mode, lease_token: token } of rows) {
    if (id !== null)
      runs.set(Number(id), { status, mode, leaseToken: token === null ? null : Number(token) });
  }
  const sequence = Number(rows[0]?.newest);
  return { runs, newestSeq: runs.size === 0 ? 0 : sequence, sequence };
}
