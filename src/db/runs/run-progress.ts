import { and, asc, eq, isNull, sql } from 'drizzle-orm';
import type { Queryable } from '../client.ts';
import type { MirrorStore } from '../documents/tables.ts';
import type { AuditLogRow } from '../schema/audit.ts';
import { type ItemState, syncRunItem, syncRunPage } from '../schema/ledger.ts';
import { type SyncLogRow, syncFailure, syncLog } from '../schema/sync.ts';
import { progress } from './ledger.ts';
import { elapsedMs, findRun } from './runs.ts';

/**
 * The phase of a run, by its ledger. `planning`: the ids are not listed yet. `fetching`: some pages are not fetched
 * yet. `storing`: some fetched BCs are not stored yet. `finishing`: no item is open; the run archives deleted BCs and
 * ends.
 */
export const RUN_PHASES = ['planning', 'fetching', 'storing', 'finishing'] as const;
type RunPhase = (typeof RUN_PHASES)[number];

interface RunStage {
  readonly phase: RunPhase;
  /** Since its start, by the clock of PostgreSQL. */
  readonly elapsedMs: number;
}

/** The phase of a run that has not ended. Null if there is no such run. */
export async function runStage(db: Queryable, runId: number): Promise<RunStage | null> {
  const [row] = await db.execute<{ phase: RunPhase; elapsed: number }>(sql`
    select case
        when planned_at is null then 'planning'
        when exists (select 1 from ${syncRunPage} where run_id = run.id
          and (state = 'planned' or (state = 'queued' and rpc_calls = 0))) then 'fetching'
        when exists (select 1 from ${syncRunItem} where run_id = run.id and state = 'open') then 'storing'
        else 'finishing' end as phase,
      ${elapsedMs}::float8 as elapsed
    from ${syncLog} as run where id = ${runId}`);
  return row === undefined ? null : { phase: row.phase, elapsedMs: Math.round(row.elapsed) };
}

/**
 * A run in progress. Its own counts are written at its end; `progress` is the present number of its BCs in each state.
 */
export interface CurrentRun extends SyncLogRow, RunStage {
  readonly progress: Partial<Record<ItemState, number>>;
}

/** The run that holds the lease. Null if no run holds it. */
export async function readCurrentRun(db: Queryable, runId: number): Promise<CurrentRun | null> {
  const [run, stage, items] = await Promise.all([
    findRun(db, runId),
    runStage(db, runId),
    progress(db, runId),
  ]);
  return run === null || stage === null ? null : { ...run, ...stage, progress: items };
}

/** The outcome of each BC of a run, by ascending id. */
export async function runOutcomes(
  db: Queryable,
  runId: number,
): Promise<{ odooId: number; state: ItemState }[]> {
  return db
    .select({ odooId: syncRunItem.odooId, state: syncRunItem.state })
    .from(syncRunItem)
    .where(eq(syncRunItem.runId, runId))
    .orderBy(asc(syncRunItem.odooId));
}

/** The first BCs that failed in a run, by ascending id. Later runs may have stored them. */
export async function failedItems(db: Queryable, runId: number, limit: number): Promise<number[]> {
  const rows = await db
    .select({ odooId: syncRunItem.odooId })
    .from(syncRunItem)
    .where(and(eq(syncRunItem.runId, runId), eq(syncRunItem.state, 'failed')))
    .orderBy(asc(syncRunItem.odooId))
    .limit(limit);
  return rows.map(({ odooId }) => odooId);
}

/** The changes of a run, in order. */
export async function runChanges({ db, audit }: MirrorStore, runId: number): Promise<AuditLogRow[]> {
  return db.select().from(audit).where(eq(audit.runId, runId)).orderBy(asc(audit.id));
}

/** The first open failures whose last attempt was in this run, by ascending Odoo id. */
export async function runFailures(
  db: Queryable,
  runId: number,
  limit: number,
): Promise<{ odooId: number; code: string; message: string }[]> {
  return db
    .select({ odooId: syncFailure.odooId, code: syncFailure.code, message: syncFailure.message })
    .from(syncFailure)
    .where(and(eq(syncFailure.runId, runId), isNull(syncFailure.resolvedAt)))
    .orderBy(asc(syncFailure.odooId))
    .limit(limit);
}
