import { sql } from 'drizzle-orm';
import type { Queryable } from './connection.ts';
import { elapsedMs } from './run-duration.ts';
import { syncRunItem, syncRunPage } from './schema/ledger.ts';
import { syncLog } from './schema/sync.ts';

/**
 * How far a run is, by its ledger. `planning`: it is not known yet what it owes. `fetching`: Odoo has not been asked
 * for every page yet. `storing`: BCs that were read are not stored yet. `finishing`: nothing is owed any more; it
 * archives what is gone, and ends.
 */
export const RUN_PHASES = ['planning', 'fetching', 'storing', 'finishing'] as const;
export type RunPhase = (typeof RUN_PHASES)[number];

export interface RunStage {
  readonly phase: RunPhase;
  /** Since it started, by PostgreSQL's clock. */
  readonly elapsedMs: number;
}

/** The stage of a run that has not ended. Null where there is no such run. */
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
