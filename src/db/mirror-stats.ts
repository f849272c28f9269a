import { and, asc, eq, isNotNull, isNull, sql } from 'drizzle-orm';
import type { Queryable } from './client.ts';
import { EVERY_BC, estimateDocuments } from './documents/queries.ts';
import type { MirrorStore } from './documents/tables.ts';
import { countOpenFailures } from './runs/failures.ts';
import { readState } from './runs/lease.ts';
import { findRun } from './runs/runs.ts';
import { alertIncident, type IncidentKind } from './schema/alerts.ts';
import { syncRunItem } from './schema/ledger.ts';
import { erasedRecord } from './schema/mirrors.ts';
import {
  type RunMode,
  type RunStatus,
  type SyncFailureRow,
  type SyncLogRow,
  syncFailure,
  syncLog,
  syncState,
} from './schema/sync.ts';

/**
 * The state of the mirror in figures. Ages are in seconds, by the clock of PostgreSQL; null: it was never up to date.
 */
interface MirrorFigures {
  readonly key: string;
  readonly lagSeconds: number | null;
  /** A run holds the lease. */
  readonly running: boolean;
  /** BCs of the run that holds the lease: all, and the open ones. 0 without such a run. */
  readonly planned: number;
  readonly open: number;
  readonly openFailures: number;
}

/**
 * One query for all of these mirrors. It counts the index of open items, which takes a tenth of a second for a million
 * of them.
 */
export async function mirrorFigures(db: Queryable, keys: readonly string[]): Promise<MirrorFigures[]> {
  const rows = await db.execute<{
    key: string;
    lag: number | null;
    run: string | null;
    planned: number | null;
    open: number;
    failures: number;
  }>(sql`
    select mirror.key, extract(epoch from clock_timestamp() - state.last_sync)::float8 as lag, run.id as run,
      run.planned,
      (select count(*)::int from ${syncRunItem} where run_id = run.id and state = 'open') as open,
      (select count(*)::int from ${syncFailure} where key = mirror.key and resolved_at is null) as failures
    from unnest(${textArray(keys)}) as mirror(key)
    left join ${syncState} as state on state.key = mirror.key
    left join ${syncLog} as run on run.id = state.lease_run_id and state.lease_expires_at >= clock_timestamp()`);
  return rows.map(({ key, lag, run, planned, open, failures }) => ({
    key,
    lagSeconds: lag,
    running: run !== null,
    planned: planned ?? 0,
    open,
    openFailures: failures,
  }));
}

/** As one parameter. Keys of mirrors have no characters that an array would need in quotes. */
const textArray = (keys: readonly string[]) => sql`${`{${keys.join(',')}}`}::text[]`;

const WHOLE_MIRROR = ['incremental', 'full', 'sweep'] as const;

/** A mirror in a list of all of them. */
export async function mirrorSummary(store: MirrorStore, key: string) {
  const { lastRun, ...summary } = await mirrorSummaryWithRun(store, key);
  // The status of the newest run of the whole mirror that ended; null: no run has ended.
  return { ...summary, lastStatus: lastRun?.status ?? null };
}

/** The same, with the whole row of the newest run of the whole mirror that ended. */
export async function mirrorSummaryWithRun(store: MirrorStore, key: string) {
  const { db } = store;
  const [state, lastRun, openFailures, documents] = await Promise.all([
    readState(db, key),
    newestEnded(db, key, WHOLE_MIRROR),
    countOpenFailures(db, key),
    aboutDocuments(store),
  ]);
  return {
    documents,
    isSyncing: state?.held === true,
    lastSync: state?.lastSync ?? null,
    ageSeconds: state?.ageSeconds ?? null,
    openFailures,
    lastRun,
  };
}

/** Up to this many documents are counted, in a few milliseconds. */
const COUNTED = 10_000;

/** The number of documents; above `COUNTED`, an estimate. PostgreSQL's estimate of an empty table is never 0. */
async function aboutDocuments(store: MirrorStore): Promise<number> {
  const { db, header } = store;
  const some = db
    .select({ one: sql`1` })
    .from(header)
    .where(isNull(header.archivedAt))
    .limit(COUNTED + 1)
    .as('some');
  const counted = await db.$count(some);
  return counted <= COUNTED ? counted : Math.max(counted, await estimateDocuments(store, EVERY_BC));
}

/** The newest run of a mode that was not skipped and has ended. */
interface LastRun {
  readonly key: string;
  readonly mode: RunMode;
  readonly status: RunStatus;
  /** Epoch seconds. */
  readonly endedAt: number;
  readonly durationSeconds: number;
  readonly created: number;
  readonly updated: number;
  readonly unchanged: number;
  readonly archived: number;
  readonly gone: number;
  readonly failed: number;
  readonly late: number;
}

/** One row for each mirror and mode that has ended at least once; skipped runs do not count. One query. */
export async function lastRuns(db: Queryable, keys: readonly string[]): Promise<LastRun[]> {
  const rows = await db.execute<{ [K in keyof LastRun]: LastRun[K] }>(sql`
    select mirror.key, mode.mode, run.status, extract(epoch from run.finished_at)::float8 as "endedAt",
      coalesce(run.duration_ms, 0) / 1000.0::float8 as "durationSeconds", run.created, run.updated, run.unchanged,
      run.archived, run.gone, run.failed, run.late
    from unnest(${textArray(keys)}) as mirror(key)
    cross join unnest('{incremental,full,single,sweep}'::text[]) as mode(mode)
    cross join lateral (
      select * from ${syncLog} where key = mirror.key and sync_log.mode = mode.mode
        and status in ('success', 'partial', 'failed') order by id desc limit 1) as run`);
  return [...rows];
}

interface OpenIncidents {
  readonly kind: IncidentKind;
  /** The key of a mirror; of an incident of the gateway: the user. */
  readonly about: string;
  readonly open: number;
}

/** Open incidents by kind and mirror; kinds without any are missing. */
export async function incidentCounts(db: Queryable): Promise<OpenIncidents[]> {
  // The subject is the key of the mirror, or for its sweeps the key and a word.
  const rows = await db.execute<{ [K in keyof OpenIncidents]: OpenIncidents[K] }>(sql`
    select kind, split_part(subject, ' ', 1) as about, count(*)::int as open from ${alertIncident}
    where resolved_at is null group by 1, 2`);
  return [...rows];
}

/** Connections of all processes of Passerelle to its database, by state. */
export async function connectionCounts(db: Queryable): Promise<{ state: string; connections: number }[]> {
  const rows = await db.execute<{ state: string; connections: number }>(sql`
    select coalesce(state, 'unknown') as state, count(*)::int as connections from pg_stat_activity
    where datname = current_database() and application_name = 'passerelle' group by 1`);
  return [...rows];
}

/** The newest run of these modes that ended and was not skipped. */
export async function newestEnded(
  db: Queryable,
  key: string,
  modes: readonly RunMode[],
): Promise<SyncLogRow | null> {
  // One mode at a time, with the condition of the index `sync_log_ended`: after a run there may be any number of single
  // ones.
  const newest = modes.map(
    (mode) => sql`(select id from ${syncLog} where key = ${key} and mode = ${mode}
      and status in ('success', 'partial', 'failed') order by id desc limit 1)`,
  );
  const [row] = await db.execute<{ id: string | null }>(
    sql`select greatest(${sql.join(newest, sql`, `)}) as id`,
  );
  return row?.id == null ? null : findRun(db, Number(row.id));
}

/** The state of the breaker, from the log of runs. */
interface BreakerState {
  /** The newest run that the breaker stopped, unless a later run shows that all is well. */
  readonly tripped: { readonly runId: number; readonly message: string } | null;
  /** A sweep ended without being stopped by the breaker. */
  readonly isProven: boolean;
}

/**
 * Reads the runs since the last sweep that the breaker did not stop. A full run reads every BC but no deleted ids. It
 * proves that lines are visible again if no sweep had found any hidden ones.
 */
export async function newestBreaker(db: Queryable, key: string): Promise<BreakerState> {
  const isClean = sql`status in ('success', 'partial') and error_code is distinct from 'sweep_breaker'`;
  const [row] = await db.execute<{ clean: string | null; id: string | null; message: string | null }>(sql`
    with clean as (
      select max(id) as id from ${syncLog} where key = ${key} and mode = 'sweep' and ${isClean}),
    tripped as (
      select run.id, run.mode, run.error_message as message from ${syncLog} as run, clean
      where run.key = ${key} and run.id > coalesce(clean.id, 0) and run.status = 'partial'
        and run.error_code = 'sweep_breaker' order by (run.mode = 'sweep') desc, run.id desc limit 1)
    select clean.id as clean, tripped.id, tripped.message from clean left join tripped on tripped.mode = 'sweep'
      or not exists (select from ${syncLog} where key = ${key} and id > tripped.id and mode = 'full' and ${isClean})`);
  const tripped = row?.id == null ? null : { runId: Number(row.id), message: row.message ?? '' };
  return { tripped, isProven: row?.clean != null };
}

/** Open failures whose last attempt was in a run that ended; a run in progress may still resolve them. */
interface EndedFailures {
  readonly count: number;
  /** The newest of those runs. */
  readonly runId: number | null;
  /** The oldest of the failures. */
  readonly first: readonly SyncFailureRow[];
}

export async function endedFailures(db: Queryable, key: string, limit: number): Promise<EndedFailures> {
  const isEnded = sql`not exists (select 1 from ${syncLog} as run
    where run.id = ${syncFailure.runId} and run.status in ('queued', 'running'))`;
  const reported = and(eq(syncFailure.key, key), isNull(syncFailure.resolvedAt), isEnded);
  const [total] = await db
    .select({ count: sql<number>`count(*)::int`, runId: sql<string | null>`max(${syncFailure.runId})` })
    .from(syncFailure)
    .where(reported);
  const first = await db.select().from(syncFailure).where(reported).orderBy(asc(syncFailure.id)).limit(limit);
  return { count: total?.count ?? 0, runId: total?.runId == null ? null : Number(total.runId), first };
}

/** The clock of Odoo's answers and the clock of PostgreSQL, as the newest planned run saw them. */
interface ClockDifference {
  readonly runId: number;
  /** How far the clock of Odoo is ahead at least; negative: behind. */
  readonly aheadMs: number;
}

/**
 * Odoo's time of a run (`now_sync`) was read between its start and the end of its planning, which PostgreSQL's clock
 * timed. A time outside of these limits proves that the clocks differ by at least the distance to the nearer one.
 */
export async function clockDifference(db: Queryable, key: string): Promise<ClockDifference | null> {
  const [row] = await db.execute<{ id: string; ahead: number | null }>(sql`
    select id, 1000 * extract(epoch from now_sync - least(greatest(now_sync, started_at), planned_at))::float8 as ahead
    from ${syncLog} where key = ${key} and planned_at is not null and mode in ('incremental', 'full')
      and status in ('success', 'partial', 'failed')
    order by lease_token desc nulls last limit 1`);
  return row?.ahead == null ? null : { runId: Number(row.id), aheadMs: row.ahead };
}

/** How long the mirror has waited for a run that updates it, by the clock of PostgreSQL. */
interface Wait {
  /**
   * The end of the last such run, or the first request of a run without such an end; null if no run was ever requested.
   */
  readonly since: Date | null;
  readonly lastSuccess: Date | null;
  readonly isLong: boolean;
}

/** @param limitMs longer waits count as late. */
export async function waitForSuccess(db: Queryable, key: string, limitMs: number): Promise<Wait> {
  const [row] = await db.execute<{ since: string | null; success: string | null; long: boolean | null }>(sql`
    select since, success, since < ${ago(limitMs)} as long from (
      select coalesce(success, request) as since, success from (select
        (select finished_at from ${syncLog} where key = ${key} and mode in ('incremental', 'full')
          and status in ('success', 'partial') order by id desc limit 1) as success,
        (select requested_at from ${syncLog} where key = ${key} order by id limit 1) as request) as seen) as wait`);
  return { since: moment(row?.since), lastSuccess: moment(row?.success), isLong: row?.long === true };
}

/**
 * When a run in progress last progressed: its planner made progress, it was planned, or one of its BCs was processed.
 */
interface LastStep {
  readonly at: Date | null;
  readonly isRecent: boolean;
  /**
   * It is still being planned, its planner holds the lease and made progress within the limit, and no run has failed
   * since the last success. The start of the run counts too, because the first step of a planner may take a while.
   */
  readonly isPlanning: boolean;
}

/** Reads the items of that run only. Single runs do not count, because they do not update the rest of the mirror. */
export async function lastStep(db: Queryable, key: string, limitMs: number): Promise<LastStep> {
  const [row] = await db.execute<{ at: string | null; recent: boolean | null; planning: boolean | null }>(sql`
    select greatest(at, case when not failed then step_at end) as at, at >= ${ago(limitMs)} as recent,
      planning and not failed as planning from (
      select ${failedSinceSuccess(key)} as failed, greatest(max(run.planned_at), max(item.closed_at)) as at,
        max(run.last_step_at) as step_at,
        bool_or(run.planned_at is null and state.lease_expires_at > clock_timestamp()
          and coalesce(run.last_step_at, run.started_at) >= ${ago(limitMs)}) as planning
      from ${syncLog} as run left join ${syncState} as state on state.lease_run_id = run.id
        left join lateral (
          select max(closed_at) as closed_at from ${syncRunItem} where run_id = run.id) as item on true
      where run.key = ${key} and run.status = 'running' and run.mode <> 'single') as step`);
  return { at: moment(row?.at), isRecent: row?.recent === true, isPlanning: row?.planning === true };
}

/** Without this, one planner after another would wait for an Odoo that hangs. */
const failedSinceSuccess = (key: string) => sql`exists (
  select 1 from ${syncLog} where key = ${key} and mode <> 'single' and status = 'failed' and id > coalesce((
    select max(id) from ${syncLog} where key = ${key} and mode in ('incremental', 'full')
      and status in ('success', 'partial')), 0))`;

const ago = (ms: number) => sql`clock_timestamp() - ${ms} * interval '1 millisecond'`;
const moment = (text: string | null | undefined) => (text == null ? null : new Date(text));

/** The rows of a mirror. */
interface MirrorContents {
  readonly live: number;
  readonly archived: number;
  /** Archived ones too. */
  readonly lines: number;
  readonly auditEntries: number;
  /** Records that were erased on request. */
  readonly erased: number;
}

/** Exact numbers: it reads whole indexes, which takes seconds for millions of records. */
export async function mirrorContents(
  { db, header, line, audit }: MirrorStore,
  model: string,
): Promise<MirrorContents> {
  const [live, archived, lines, auditEntries, erased] = await Promise.all([
    db.$count(header, isNull(header.archivedAt)),
    db.$count(header, isNotNull(header.archivedAt)),
    db.$count(line),
    db.$count(audit),
    db.$count(erasedRecord, eq(erasedRecord.model, model)),
  ]);
  return { live, archived, lines, auditEntries, erased };
}
