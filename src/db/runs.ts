import { and, desc, eq, inArray, isNotNull, lt, sql } from 'drizzle-orm';
import type { Queryable } from './connection.ts';
import type { EndedRun } from './ended-run.ts';
import { durationMs } from './run-duration.ts';
import { syncRunItem, syncRunPage } from './schema/ledger.ts';
import type { RunMode, RunStatus, RunTrigger, SyncLogRow } from './schema/sync.ts';
import { syncLog } from './schema/sync.ts';

export interface NewRun {
  readonly key: string;
  readonly mode: RunMode;
  readonly trigger: RunTrigger;
  readonly odooIds?: readonly number[];
  /** A sweep that the breaker does not stop. */
  readonly force?: boolean;
  /** A full run that need not start over: the failed one that it may carry on. */
  readonly continues?: number;
}

/** Writes a run into the log, `queued`, before anything else knows of it. */
export async function createRun(db: Queryable, run: NewRun): Promise<SyncLogRow> {
  const [row] = await db
    .insert(syncLog)
    .values({ ...run, odooIds: run.odooIds === undefined ? null : [...run.odooIds], status: 'queued' })
    .returning();
  if (row === undefined) throw new Error('insert into sync_log returned no row');
  return row;
}

export async function findRun(db: Queryable, id: number): Promise<SyncLogRow | null> {
  const rows = await db.select().from(syncLog).where(eq(syncLog.id, id));
  return rows[0] ?? null;
}

/** The newest runs first; `before` is an exclusive id. */
export async function listRuns(
  db: Queryable,
  filter: {
    readonly limit: number;
    readonly before?: number;
    readonly status?: RunStatus;
    readonly mode?: RunMode;
  },
): Promise<SyncLogRow[]> {
  return db
    .select()
    .from(syncLog)
    .where(
      and(
        filter.before === undefined ? undefined : lt(syncLog.id, filter.before),
        filter.status === undefined ? undefined : eq(syncLog.status, filter.status),
        filter.mode === undefined ? undefined : eq(syncLog.mode, filter.mode),
      ),
    )
    .orderBy(desc(syncLog.id))
    .limit(filter.limit);
}

/**
 * The last run that went by a window or read everything, was planned to its end, and is over. Tokens tell the order:
 * they grow with each grant of the lease, whichever worker's clock says what.
 */
export async function newestPlanned(db: Queryable, key: string): Promise<SyncLogRow | null> {
  const rows = await db
    .select()
    .from(syncLog)
    .where(
      and(
        eq(syncLog.key, key),
        // In the words of the index `sync_log_planned`: there may be years of runs.
        sql`${syncLog.mode} in ('incremental', 'full') and ${syncLog.status} in ('success', 'partial', 'failed')`,
        isNotNull(syncLog.plannedAt),
      ),
    )
    .orderBy(desc(syncLog.leaseToken))
    .limit(1);
  return rows[0] ?? null;
}

/** Runs that are not over: `queued` or `running`, oldest first. */
export async function openRuns(db: Queryable, key: string): Promise<SyncLogRow[]> {
  return db
    .select()
    .from(syncLog)
    .where(and(eq(syncLog.key, key), inArray(syncLog.status, ['queued', 'running'])))
    .orderBy(syncLog.id);
}

export async function updateRun(db: Queryable, id: number, values: Partial<SyncLogRow>): Promise<void> {
  await db.update(syncLog).set(values).where(eq(syncLog.id, id));
}

/** Locks the run's row until the transaction ends: one advance or finish at a time. */
export async function lockRun(db: Queryable, id: number): Promise<SyncLogRow | null> {
  const rows = await db.select().from(syncLog).where(eq(syncLog.id, id)).for('update');
  return rows[0] ?? null;
}

/** A token for a run that needs no lease: greater than any given before. */
export async function nextRunToken(db: Queryable): Promise<number> {
  const [row] = await db.execute<{ token: string }>(sql`select nextval('fetch_seq') as token`);
  return Number(row?.token);
}

/**
 * Ends a run that nobody took up, `failed` or `skipped`, with the reason. One that runs meanwhile stays as it is: its
 * job was delivered twice, or Redis had it in spite of an error.
 */
export async function closeRun(
  db: Queryable,
  id: number,
  status: 'failed' | 'skipped',
  reason: { readonly code: string; readonly message: string },
): Promise<void> {
  await db
    .update(syncLog)
    .set({ status, errorCode: reason.code, errorMessage: reason.message, ...ended })
    .where(and(eq(syncLog.id, id), eq(syncLog.status, 'queued')));
}

const ended = { finishedAt: sql<Date>`clock_timestamp()`, durationMs: 0 };

/**
 * Ends a run with the account of its ledger. Without a status of its own it is `partial` where an item failed or
 * something was refused, else `success`. What a failed run still owes is not counted as seen.
 */
export async function settleRun(
  db: Queryable,
  id: number,
  reason: { readonly code: string; readonly message: string } | null,
  status: 'failed' | null = null,
): Promise<EndedRun> {
  const items = sql`(select count(*) filter (where state <> 'open') as seen,
      count(*) filter (where state = 'created') as created, count(*) filter (where state = 'updated') as updated,
      count(*) filter (where state = 'unchanged') as unchanged, count(*) filter (where state = 'gone') as gone,
      count(*) filter (where state = 'archived') as archived,
      count(*) filter (where late and state in ('created', 'updated')) as late,
      count(*) filter (where state = 'failed') as failed, coalesce(sum(lines_seen), 0) as lines_seen,
      coalesce(sum(lines_removed), 0) as lines_removed, coalesce(sum(rpc_calls), 0) as rpc_calls
    from ${syncRunItem} where run_id = ${id})`;
  const pages = sql`(select coalesce(sum(rpc_calls), 0) as rpc_calls from ${syncRunPage} where run_id = ${id})`;
  const [row] = await db.execute<{ [K in keyof EndedRun]: EndedRun[K] }>(sql`
    update ${syncLog} as run set
      status = coalesce(${status}, case when items.failed > 0 or ${reason !== null} then 'partial' else 'success' end),
      seen = items.seen, created = items.created, updated = items.updated, unchanged = items.unchanged,
      gone = items.gone, archived = items.archived, failed = items.failed, late = items.late,
      error_code = ${reason?.code ?? null}, error_message = ${reason?.message ?? null},
      lines_seen = items.lines_seen, lines_removed = items.lines_removed,
      rpc_calls = run.rpc_calls + items.rpc_calls + pages.rpc_calls,
      finished_at = clock_timestamp(),
      duration_ms = ${durationMs}
    from ${items} as items, ${pages} as pages
    where run.id = ${id}
    returning run.mode, run.status, run.duration_ms as "durationMs", run.created, run.updated, run.unchanged,
      run.archived, run.gone, run.failed, run.late, run.lines_seen as "linesSeen",
      run.lines_removed as "linesRemoved"`);
  if (row === undefined) throw new Error(`run ${id} is not in sync_log`);
  return row;
}
