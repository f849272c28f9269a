import { and, desc, eq, inArray, isNotNull, lt, sql } from 'drizzle-orm';
import type { Queryable } from '../client.ts';
import { syncRunItem, syncRunPage } from '../schema/ledger.ts';
import {
  type RunMode,
  type RunStatus,
  type RunTrigger,
  type SyncLogRow,
  syncLog,
  syncState,
} from '../schema/sync.ts';
import { type Listed, type Progress, seenAfter } from './lease.ts';

/**
 * Milliseconds since a run of `sync_log` began, or was requested, by the clock of PostgreSQL, which may be set back.
 */
export const elapsedMs = sql`greatest(0, extract(epoch from clock_timestamp() - coalesce(started_at, requested_at)) * 1000)`;

/** The same, limited to what `duration_ms` can hold (24.8 days): workers may have been stopped for longer. */
const durationMs = sql`least(${elapsedMs}, 2147483647)::int`;

export interface NewRun {
  readonly key: string;
  readonly mode: RunMode;
  readonly trigger: RunTrigger;
  readonly odooIds?: readonly number[];
  /** A sweep that the breaker does not stop. */
  readonly force?: boolean;
  /** A forced sweep that reads every BC again and may move the mirror to another source. */
  readonly newSource?: boolean;
  /** A full run that may continue a failed one instead of starting over. */
  readonly continues?: number;
}

/** Writes a run into the log as `queued`, before anything else refers to it. */
export async function createRun(db: Queryable, run: NewRun): Promise<SyncLogRow> {
  const force = run.force === true || run.newSource === true;
  const [row] = await db
    .insert(syncLog)
    .values({ ...run, force, odooIds: run.odooIds === undefined ? null : [...run.odooIds], status: 'queued' })
    .returning();
  if (row === undefined) throw new Error('insert into sync_log returned no row');
  return row;
}

export async function findRun(db: Queryable, id: number): Promise<SyncLogRow | null> {
  const rows = await db.select().from(syncLog).where(eq(syncLog.id, id));
  return rows[0] ?? null;
}

/** Runs, newest first; `before` is an exclusive id. */
export async function listRuns(
  db: Queryable,
  filter: {
    readonly limit: number;
    readonly before?: number;
    readonly statuses?: readonly RunStatus[];
    readonly mode?: RunMode;
    /** The key of a mirror; unset: the runs of all mirrors. */
    readonly key?: string;
  },
): Promise<SyncLogRow[]> {
  return db
    .select()
    .from(syncLog)
    .where(
      and(
        filter.before === undefined ? undefined : lt(syncLog.id, filter.before),
        filter.statuses === undefined ? undefined : inArray(syncLog.status, [...filter.statuses]),
        filter.key === undefined ? undefined : eq(syncLog.key, filter.key),
        filter.mode === undefined ? undefined : eq(syncLog.mode, filter.mode),
      ),
    )
    .orderBy(desc(syncLog.id))
    .limit(filter.limit);
}

/**
 * The last run that used a window or read everything, was planned completely, and ended. Lease tokens define the order,
 * because they grow with each grant, whatever the clocks of workers.
 */
export async function newestPlanned(db: Queryable, key: string): Promise<SyncLogRow | null> {
  const rows = await db
    .select()
    .from(syncLog)
    .where(
      and(
        eq(syncLog.key, key),
        // With the condition of the index `sync_log_planned`, because there may be years of runs.
        sql`${syncLog.mode} in ('incremental', 'full') and ${syncLog.status} in ('success', 'partial', 'failed')`,
        isNotNull(syncLog.plannedAt),
      ),
    )
    .orderBy(desc(syncLog.leaseToken))
    .limit(1);
  return rows[0] ?? null;
}

/** Runs that have not ended: `queued` or `running`, oldest first. */
export async function openRuns(db: Queryable, key: string): Promise<SyncLogRow[]> {
  return db
    .select()
    .from(syncLog)
    .where(and(eq(syncLog.key, key), inArray(syncLog.status, ['queued', 'running'])))
    .orderBy(syncLog.id);
}

/** The runs of all mirrors that are in progress. */
export async function runningRuns(db: Queryable): Promise<Pick<SyncLogRow, 'id' | 'key'>[]> {
  return db.select({ id: syncLog.id, key: syncLog.key }).from(syncLog).where(eq(syncLog.status, 'running'));
}

export async function updateRun(db: Queryable, id: number, values: Partial<SyncLogRow>): Promise<void> {
  await db.update(syncLog).set(values).where(eq(syncLog.id, id));
}

/** Locks the row of the run until the transaction ends: one step or end at a time. */
export async function lockRun(db: Queryable, id: number): Promise<SyncLogRow | null> {
  const rows = await db.select().from(syncLog).where(eq(syncLog.id, id)).for('update');
  return rows[0] ?? null;
}

/** A token for a run that needs no lease: greater than all earlier ones. */
export async function nextRunToken(db: Queryable): Promise<number> {
  const [row] = await db.execute<{ token: string }>(sql`select nextval('fetch_seq') as token`);
  return Number(row?.token);
}

/**
 * Ends a run that was never started as `failed` or `skipped`, with the reason. A run that was started meanwhile stays
 * unchanged: its job was delivered twice, or Redis had accepted it in spite of an error.
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
 * Ends a run with the counts of its ledger. Without a given status it is `partial` if an item failed or a breaker kept
 * something, otherwise `success`. Open items of a failed run do not count as seen.
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

/** A run that a planner holds. */
interface Planned {
  readonly id: number;
  readonly leaseToken: number;
}

/** The plan of a run, as stored in `sync_log`. */
export type PlanNotes = Pick<
  SyncLogRow,
  'mode' | 'since' | 'continues' | 'nowSync' | 'modelChange' | 'protocol' | 'odooVersion'
>;

/** Fences every statement here: the planner still holds the run, and its plan is not finished. */
const mine = ({ id, leaseToken }: Planned) =>
  sql`id = ${id} and status = 'running' and lease_token = ${leaseToken} and planned_at is null`;

const text = (moment: Date | null) => moment?.toISOString() ?? null;

/** Stores how a run is planned, and deletes a half-written ledger. False: another planner has the run. */
export async function beginPlan(db: Queryable, run: Planned, notes: PlanNotes): Promise<boolean> {
  const rows = await db.execute(sql`
    with mine as (
      update ${syncLog} set mode = ${notes.mode}, since = ${text(notes.since)}, continues = ${notes.continues},
        now_sync = ${text(notes.nowSync)}, model_change = ${notes.modelChange}, protocol = ${notes.protocol},
        odoo_version = ${notes.odooVersion}, lines_gone = 0 where ${mine(run)} returning id),
    items as (delete from ${syncRunItem} using mine where run_id = mine.id),
    pages as (delete from ${syncRunPage} using mine where run_id = mine.id)
    select id from mine`);
  return rows.length > 0;
}

/** Records that the planner made progress. Does nothing if another planner has the run. */
export async function noteStep(db: Queryable, run: Planned): Promise<void> {
  await db.execute(sql`update ${syncLog} set last_step_at = clock_timestamp() where ${mine(run)}`);
}

/**
 * Ends a run that has no items, releases its lease and stores how far it got. One statement, because most runs are like
 * this.
 *
 * @returns its duration in milliseconds; null: another planner has the run.
 */
export async function endEmptyPlan(
  db: Queryable,
  key: string,
  run: Planned,
  reached: Progress & { readonly lastSync: Date; readonly listed: Listed; readonly rpcCalls: number },
): Promise<number | null> {
  const { seenUntil, newestWrite } = seenAfter(reached.listed);
  const [row] = await db.execute<{ ms: number }>(sql`
    with ended as (
      update ${syncLog} set status = 'success', planned = 0, rpc_calls = ${reached.rpcCalls},
        planned_at = clock_timestamp(), finished_at = clock_timestamp(), error_code = null, error_message = null,
        duration_ms = ${durationMs}
      where ${mine(run)} returning id, duration_ms),
    released as (
      update ${syncState} set is_syncing = false, lease_run_id = null, lease_expires_at = null,
        last_sync = ${text(reached.lastSync)}, newest_write = ${newestWrite},
        seen_until = ${seenUntil instanceof Date ? text(seenUntil) : seenUntil}, model_read = coalesce(${reached.modelRead ?? null}, model_read)
      from ended where key = ${key} and lease_run_id = ended.id and lease_token = ${run.leaseToken})
    select duration_ms as ms from ended`);
  return row?.ms ?? null;
}

type Counts =
  | 'created'
  | 'updated'
  | 'unchanged'
  | 'archived'
  | 'gone'
  | 'failed'
  | 'late'
  | 'linesSeen'
  | 'linesRemoved';

/** The result of a run that ended. */
export interface EndedRun extends Pick<SyncLogRow, Counts | 'mode'> {
  readonly status: Exclude<RunStatus, 'queued' | 'running'>;
  readonly durationMs: number;
}

/** A run without work: it found nothing to do, or was not allowed to start. */
export function idleRun(run: Pick<EndedRun, 'mode' | 'status' | 'durationMs'>): EndedRun {
  const documents = { created: 0, updated: 0, unchanged: 0, archived: 0, gone: 0, failed: 0, late: 0 };
  return { ...run, ...documents, linesSeen: 0, linesRemoved: 0 };
}
