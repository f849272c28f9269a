import { grantLease, readState } from '../db/lease.ts';
import { closeRun, findRun, updateRun } from '../db/runs.ts';
import type { SyncLogRow } from '../db/schema/sync.ts';
import { advanceRun, failRun } from './advance.ts';
import type { Mirror } from './mirror.ts';
import { LeaseLostError, planRun } from './plan.ts';
import { resumeRun } from './resume.ts';

/**
 * Starts a run that stands in the log: takes the lease, plans, queues the first pages.
 *
 * While another run holds the lease this one ends as `skipped`. Where the holder's lease ran out, its run is
 * resumed and this one skipped. Single runs need no lease: each BC is guarded by itself.
 */
export async function startRun(mirror: Mirror, run: SyncLogRow): Promise<void> {
  const token = run.mode === 'single' ? null : await takeLease(mirror, run);
  if (run.mode !== 'single' && token === null) return;
  // Delivered again after a crash: what was done stays done.
  if (run.status === 'running') return resumeRun(mirror, run, token);
  try {
    await updateRun(mirror.db, run.id, { status: 'running', startedAt: new Date(), leaseToken: token });
    await planRun(mirror, run, token);
    await advanceRun(mirror, run.id);
  } catch (error) {
    // The run goes on elsewhere under a newer token: it is not this one's to end.
    if (!(error instanceof LeaseLostError)) await failRun(mirror, run.id, error);
    throw error;
  }
}

async function takeLease(mirror: Mirror, run: SyncLogRow): Promise<number | null> {
  const { db, definition, settings } = mirror;
  const abandoned = await abandonedRun(mirror, run.id);
  const token = await grantLease(db, definition.key, abandoned?.id ?? run.id, settings.leaseMs);
  if (token === null) {
    const holder = (await readState(db, definition.key))?.leaseRunId ?? null;
    if (holder === run.id) throw new LeaseLostError(run.id);
    await skip(mirror, run.id, `Run ${holder ?? 'before'} is still in progress.`);
    return null;
  }
  if (abandoned === null) return token;
  await skip(mirror, run.id, `Run ${abandoned.id} had been left unfinished; it was resumed instead.`);
  await resumeRun(mirror, abandoned, token);
  return null;
}

/** The run, other than the `asking` one, whose lease ran out before its end, if any. */
export async function abandonedRun(
  { db, definition }: Mirror,
  asking: number | null = null,
): Promise<SyncLogRow | null> {
  const state = await readState(db, definition.key);
  if (state === null || state.held || state.leaseRunId === null || state.leaseRunId === asking) return null;
  const run = await findRun(db, state.leaseRunId);
  return run?.status === 'running' ? run : null;
}

async function skip({ db, log }: Mirror, runId: number, message: string): Promise<void> {
  await closeRun(db, runId, 'skipped', { code: 'run_in_progress', message });
  log.info({ runId, reason: message }, 'run skipped');
}
