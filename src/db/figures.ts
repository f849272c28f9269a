import { sql } from 'drizzle-orm';
import type { Queryable } from './connection.ts';
import { alertIncident } from './schema/alerts.ts';
import { syncRunItem } from './schema/ledger.ts';
import type { RunMode, RunStatus } from './schema/sync.ts';
import { syncFailure, syncLog, syncState } from './schema/sync.ts';

/** How the mirror stands, in figures. Ages are in seconds, by PostgreSQL's clock; null: it was never brought up to date. */
export interface MirrorFigures {
  readonly lagSeconds: number | null;
  /** A run holds the lease. */
  readonly running: boolean;
  /** Of the run that holds the lease: BCs it owes in all, and those it still owes. 0 where there is none. */
  readonly planned: number;
  readonly open: number;
  readonly openFailures: number;
}

/** One query: the ledger's index of open items is counted, which for a million of them takes a tenth of a second. */
export async function mirrorFigures(db: Queryable, key: string): Promise<MirrorFigures> {
  const holder = sql`(select id from ${syncState} as state join ${syncLog} as run on run.id = state.lease_run_id
    where state.key = ${key} and state.lease_expires_at >= clock_timestamp())`;
  const [row] = await db.execute<{
    lag: number | null;
    run: string | null;
    planned: number | null;
    open: number;
    failures: number;
  }>(sql`
    select
      (select extract(epoch from clock_timestamp() - last_sync)::float8 from ${syncState} where key = ${key}) as lag,
      ${holder} as run,
      (select planned from ${syncLog} where id = ${holder}) as planned,
      (select count(*)::int from ${syncRunItem} where run_id = ${holder} and state = 'open') as open,
      (select count(*)::int from ${syncFailure} where key = ${key} and resolved_at is null) as failures`);
  return {
    lagSeconds: row?.lag ?? null,
    running: (row?.run ?? null) !== null,
    planned: row?.planned ?? 0,
    open: row?.open ?? 0,
    openFailures: row?.failures ?? 0,
  };
}

/** The newest run of one mode that came to an end of its own. */
export interface LastRun {
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

/** One row for each mode that has ever ended; skipped runs do not count. */
export async function lastRuns(db: Queryable, key: string): Promise<LastRun[]> {
  const rows = await db.execute<{ [K in keyof LastRun]: LastRun[K] }>(sql`
    select mode.mode, run.status, extract(epoch from run.finished_at)::float8 as "endedAt",
      coalesce(run.duration_ms, 0) / 1000.0::float8 as "durationSeconds", run.created, run.updated, run.unchanged,
      run.archived, run.gone, run.failed, run.late
    from unnest('{incremental,full,single,sweep}'::text[]) as mode
    cross join lateral (
      select * from ${syncLog} where key = ${key} and sync_log.mode = mode.mode
        and status in ('success', 'partial', 'failed') order by id desc limit 1) as run`);
  return [...rows];
}

/** Open incidents by kind; kinds without any are left out. */
export async function incidentCounts(db: Queryable): Promise<{ kind: string; open: number }[]> {
  const rows = await db.execute<{ kind: string; open: number }>(sql`
    select kind, count(*)::int as open from ${alertIncident} where resolved_at is null group by kind`);
  return [...rows];
}

/** Connections of Passerelle to its database, all processes together, by what they are doing. */
export async function connectionCounts(db: Queryable): Promise<{ state: string; connections: number }[]> {
  const rows = await db.execute<{ state: string; connections: number }>(sql`
    select coalesce(state, 'unknown') as state, count(*)::int as connections from pg_stat_activity
    where datname = current_database() and application_name = 'passerelle' group by 1`);
  return [...rows];
}
