import type { Queryable } from './connection.ts';
import { progress } from './ledger.ts';
import type { RunStage } from './run-phase.ts';
import { runStage } from './run-phase.ts';
import { findRun } from './runs.ts';
import type { ItemState } from './schema/ledger.ts';
import type { SyncLogRow } from './schema/sync.ts';

/** A run in progress. Its own counts are written when it ends; `progress`: how many of its BCs are in each state, now. */
export interface CurrentRun extends SyncLogRow, RunStage {
  readonly progress: Partial<Record<ItemState, number>>;
}

/** The run that holds the lease. Null where there is no such run. */
export async function readCurrentRun(db: Queryable, runId: number): Promise<CurrentRun | null> {
  const [run, stage, items] = await Promise.all([
    findRun(db, runId),
    runStage(db, runId),
    progress(db, runId),
  ]);
  return run === null || stage === null ? null : { ...run, ...stage, progress: items };
}
