import { readState } from '../../db/runs/lease.ts';
import { renewPages } from '../../db/runs/ledger.ts';
import { closeRun, findRun, idleRun } from '../../db/runs/runs.ts';
import type { SyncLogRow } from '../../db/schema/sync.ts';
import type { SyncContext } from '../context.ts';
import { isCancelled, isLockTimeout, isPostgresUnavailable } from '../error-policy.ts';
import { planRun } from '../planning/plan-run.ts';
import { advanceRun, failRun, queuePages } from './advance-run.ts';
import { acquireRun, type LeasedRun, LeaseLostError, tryAcquireIdle } from './run-lease.ts';

/**
 * Starts a run of `sync_log`: takes the lease, plans, queues the first pages. If the job is delivered again after a
 * crash, it continues.
 *
 * If another run holds the lease, this one ends as `skipped`. If the lease of the holder expired, its run is resumed
 * and this one is skipped. Single runs need no lease, because each BC is protected by itself.
 */
export async function startRun(mirror: SyncContext, run: SyncLogRow): Promise<void> {
  const free = await tryAcquireIdle(mirror, run);
  if (free !== null) return carryOn(mirror, free);
  const abandoned = run.mode === 'single' ? null : await abandonedRun(mirror, run.id);
  const held = await acquireRun(mirror, abandoned?.id ?? run.id);
  if (abandoned !== null && held !== null) {
    await skip(mirror, run, `Run ${abandoned.id} had been left unfinished; it was resumed instead.`);
  } else if (held === null && run.status === 'queued') {
    const holder = (await readState(mirror.db, mirror.definition.key))?.leaseRunId ?? null;
    await skip(mirror, run, `Run ${holder ?? 'before'} is still in progress.`);
  }
  if (held !== null) await carryOn(mirror, held);
}

/** The run whose lease expired before its end, if any. */
export async function abandonedRun(
  { db, definition }: SyncContext,
  asking?: number,
): Promise<SyncLogRow | null> {
  const state = await readState(db, definition.key);
  if (state === null || state.held || state.leaseRunId === null || state.leaseRunId === asking) return null;
  const run = await findRun(db, state.leaseRunId);
  return run?.status === 'running' ? run : null;
}

async function skip(
  { db, log, onRunEnded }: SyncContext,
  { id: runId, mode }: SyncLogRow,
  message: string,
): Promise<void> {
  await closeRun(db, runId, 'skipped', { code: 'run_in_progress', message });
  log.info({ runId, reason: message }, 'run skipped');
  onRunEnded(idleRun({ mode, status: 'skipped', durationMs: 0 }));
}

/** Continues a run: plans it if its plan is not finished, otherwise queues its open pages. */
export async function carryOn(mirror: SyncContext, run: LeasedRun): Promise<void> {
  try {
    if (run.plannedAt === null) {
      if ((await planRun(mirror, run)) === 'ended') return;
    } else {
      await queuePages(mirror, run.id, run.leaseToken, await renewPages(mirror.db, run.id, 'all'));
    }
    await advanceRun(mirror, run.id);
  } catch (error) {
    // The run continues: elsewhere with a newer token, or after PostgreSQL is back and its lease has expired.
    const goesOn =
      error instanceof LeaseLostError ||
      isPostgresUnavailable(error) ||
      isLockTimeout(error) ||
      isCancelled(error);
    if (!goesOn) await failRun(mirror, run.id, run.leaseToken, error);
    throw error;
  }
}
