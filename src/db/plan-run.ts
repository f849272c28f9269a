import { sql } from 'drizzle-orm';
import type { Queryable } from './connection.ts';
import { durationMs } from './run-duration.ts';
import { syncRunItem, syncRunPage } from './schema/ledger.ts';
import type { SyncLogRow } from './schema/sync.ts';
import { syncLog, syncState } from './schema/sync.ts';

/** A run in a planner's hands. */
export interface Planned {
  readonly id: number;
  readonly leaseToken: number;
}

/** How a run is planned, as its log tells it. */
export type PlanNotes = Pick<
  SyncLogRow,
  'mode' | 'since' | 'continues' | 'nowSync' | 'modelChange' | 'protocol' | 'odooVersion'
>;

/** Every statement here is fenced by it: the run is still this planner's, and its plan is not finished. */
const mine = ({ id, leaseToken }: Planned) =>
  sql`id = ${id} and status = 'running' and lease_token = ${leaseToken} and planned_at is null`;

const text = (moment: Date | null) => moment?.toISOString() ?? null;

/** Notes how a run is planned, and forgets a ledger that was only half written. False: the run is another's. */
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

/** Notes that the planner made progress. Nothing happens when the run is another's. */
export async function noteStep(db: Queryable, run: Planned): Promise<void> {
  await db.execute(sql`update ${syncLog} set last_step_at = clock_timestamp() where ${mine(run)}`);
}

/**
 * Ends a run that owes nothing from the start, and gives its lease back with how far it got: one statement, since this
 * is what most runs are.
 *
 * @returns how long it took, in milliseconds; null: the run is another's.
 */
export async function endEmptyPlan(
  db: Queryable,
  key: string,
  run: Planned,
  reached: { readonly lastSync: Date; readonly modelRead?: number; readonly rpcCalls: number },
): Promise<number | null> {
  const [row] = await db.execute<{ ms: number }>(sql`
    with ended as (
      update ${syncLog} set status = 'success', planned = 0, rpc_calls = ${reached.rpcCalls},
        planned_at = clock_timestamp(), finished_at = clock_timestamp(), error_code = null, error_message = null,
        duration_ms = ${durationMs}
      where ${mine(run)} returning id, duration_ms),
    released as (
      update ${syncState} set is_syncing = false, lease_run_id = null, lease_expires_at = null,
        last_sync = ${text(reached.lastSync)}, model_read = coalesce(${reached.modelRead ?? null}, model_read)
      from ended where key = ${key} and lease_run_id = ended.id and lease_token = ${run.leaseToken})
    select duration_ms as ms from ended`);
  return row?.ms ?? null;
}
