import { databaseClock } from '../../db/client.ts';
import type { MirrorStore } from '../../db/documents/tables.ts';
import { grantLease, startWhileFree } from '../../db/runs/lease.ts';
import { reopenGone } from '../../db/runs/ledger.ts';
import { lockRun, nextRunToken, updateRun } from '../../db/runs/runs.ts';
import type { SyncLogRow } from '../../db/schema/sync.ts';
import { PasserelleError } from '../../shared/errors.ts';
import type { SyncContext } from '../context.ts';

/**
 * Another worker took the lease of the run, or the planner of the run made no progress.
 *
 * @fix Nothing: a worker plans the run again. If the planner made no progress, search `pg_stat_activity` for a session
 * that holds locks.
 */
export class LeaseLostError extends PasserelleError {
  readonly code = 'lease_lost';
  constructor(runId: number, message = `Run ${runId} went to another worker, which carries on with it.`) {
    super(message);
  }
}

/** A run whose lease this worker holds. Every write that changes its state checks the fencing token. */
export type LeasedRun = SyncLogRow & {
  readonly leaseToken: number;
  /** In the time of PostgreSQL. */
  readonly takenAt: Date;
};

/** Takes a new run if no other run is open. Otherwise null, and `acquireRun` decides. */
export async function tryAcquireIdle(
  { db, definition, settings }: SyncContext,
  run: SyncLogRow,
): Promise<LeasedRun | null> {
  if (run.status !== 'queued' || run.mode === 'single') return null;
  const taken = await startWhileFree(db, definition.key, run.id, settings.leaseMs);
  return taken && { ...run, status: 'running', ...taken };
}

/**
 * Gives a run to this worker, `queued` or left `running` by another, with a token that fences off all earlier holders.
 * Lease and run change together, and items that a sweep found gone are reopened.
 *
 * @returns null if the run has ended, or while another run (or a living holder of this one) has the lease.
 */
export async function acquireRun(mirror: SyncContext, runId: number): Promise<LeasedRun | null> {
  const { db, definition, settings } = mirror;
  return db.transaction(async (tx) => {
    const run = await lockRun(tx, runId);
    if (run === null || (run.status !== 'queued' && run.status !== 'running')) return null;
    const leaseToken =
      run.mode === 'single'
        ? await nextRunToken(tx)
        : await grantLease(tx, definition.key, runId, settings.leaseMs);
    if (leaseToken === null) return null;
    const takenAt = await databaseClock(tx);
    const held = { status: 'running' as const, startedAt: run.startedAt ?? takenAt, leaseToken };
    await updateRun(tx, runId, held);
    // With the run locked, because another holder may have ended it meanwhile.
    if (run.mode === 'sweep' && run.plannedAt !== null) await reopenGone(tx, runId);
    return { ...run, ...held, takenAt };
  });
}

/**
 * Runs one step of planning while this holder still has the run: its row is locked meanwhile.
 *
 * @throws LeaseLostError if another worker has the run, or if the plan is already finished.
 */
export async function whilePlanning<T>(
  mirror: SyncContext,
  { id, leaseToken }: LeasedRun,
  work: (store: MirrorStore) => Promise<T>,
): Promise<T> {
  return mirror.db.transaction(async (db) => {
    const run = await lockRun(db, id);
    const mine = run?.status === 'running' && run.leaseToken === leaseToken && run.plannedAt === null;
    if (!mine) throw new LeaseLostError(id);
    return work({ ...mirror, db });
  });
}
