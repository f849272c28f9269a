import { heartbeat } from '../../db/runs/lease.ts';
import { noteStep } from '../../db/runs/runs.ts';
import { errorMessage } from '../../shared/errors.ts';
import type { SyncContext } from '../context.ts';
import { type LeasedRun, LeaseLostError } from '../runs/run-lease.ts';

/** A planner without progress for this time loses its lease: it waits for a lock, or PostgreSQL hangs. */
const PATIENCE_LEASES = 3;

/** A short lease is renewed more often. */
const MAX_PAUSE_MS = 5000;

/** The progress of one planner: answers of Odoo and stored slices. */
export class PlannerProgress {
  readonly #runId: number;
  readonly #limitMs: number;
  #movedAt = performance.now();
  #calls = 0;
  #steps = 0;
  #isCounting = false;
  #stall: LeaseLostError | null = null;

  constructor(runId: number, leaseMs: number) {
    this.#runId = runId;
    this.#limitMs = PATIENCE_LEASES * leaseMs;
  }

  /** Steps since the ledger was begun. */
  get steps(): number {
    return this.#steps;
  }

  /**
   * Each planner of a run repeats the steps before the ledger, so they do not prove that the run progresses. Otherwise
   * planners that block one after another at the same lock would silence `mirror_stale`.
   */
  ledgerBegun(): void {
    this.#isCounting = true;
  }

  /** @throws LeaseLostError if the planner was given up meanwhile. */
  step(): void {
    this.#moved();
    this.check();
  }

  /**
   * A call to Odoo. It counts as progress while it lasts, because ODOO_TIMEOUT_MS and its retries limit it: a slow Odoo
   * does not cost the lease.
   *
   * @throws LeaseLostError if the planner was given up meanwhile.
   */
  async during<T>(call: Promise<T>): Promise<T> {
    this.#calls += 1;
    try {
      return await call;
    } finally {
      this.#calls -= 1;
      this.#moved();
      this.check();
    }
  }

  /** Milliseconds without progress beyond the allowed time; negative while the planner keeps its lease. */
  overdueMs(): number {
    if (this.#calls > 0) return -this.#limitMs;
    return performance.now() - this.#movedAt - this.#limitMs;
  }

  giveUp(): LeaseLostError {
    const seconds = Math.round(this.#limitMs / 1000);
    this.#stall ??= new LeaseLostError(
      this.#runId,
      `The plan of run ${this.#runId} made no progress for ${seconds} s, so its lease ran out. ` +
        'The run is planned again. Look in pg_stat_activity for a session that holds locks.',
    );
    return this.#stall;
  }

  check(): void {
    if (this.#stall !== null) throw this.#stall;
  }

  #moved(): void {
    this.#movedAt = performance.now();
    if (this.#isCounting) this.#steps += 1;
  }
}

/**
 * Extends the lease of a run while its planner makes progress. Without progress the lease expires, and the planner is
 * given up one lease later: its job fails, and the watchdog of any worker queues the run again. The fencing token stops
 * every later write of a planner that was given up.
 *
 * A single run has no lease, but its planner is given up too.
 *
 * @throws LeaseLostError if the planner was given up, or the error of `work`.
 */
export async function withPlannerLease<T>(
  mirror: SyncContext,
  run: LeasedRun,
  work: (progress: PlannerProgress) => Promise<T>,
): Promise<T> {
  const { log, settings } = mirror;
  const progress = new PlannerProgress(run.id, settings.leaseMs);
  const tick = ticker(mirror, run, progress);
  let timer: NodeJS.Timeout | undefined;
  const stalled = new Promise<never>((_, reject) => {
    timer = setInterval(
      () => {
        if (progress.overdueMs() > settings.leaseMs) reject(progress.giveUp());
        else tick();
      },
      Math.min(MAX_PAUSE_MS, settings.leaseMs / 3),
    );
  });
  const working = work(progress);
  try {
    return await Promise.race([working, stalled]);
  } catch (error) {
    // Only after a stall is `working` still pending: nothing waits for it any more.
    working.catch((late: unknown) => {
      if (late !== error) log.warn({ runId: run.id, reason: errorMessage(late) }, 'a planner given up ended');
    });
    throw error;
  } finally {
    clearInterval(timer);
  }
}

/** Extends the lease and records the last step. While a statement waits, no second one is sent. */
function ticker(
  { db, definition, settings, log }: SyncContext,
  run: LeasedRun,
  progress: PlannerProgress,
): () => void {
  let noted = 0;
  const renew = oneAtATime(() => heartbeat(db, definition.key, run.leaseToken, settings.leaseMs));
  const note = oneAtATime(() => noteStep(db, run));
  function oneAtATime(work: () => Promise<unknown>): () => void {
    let isWorking = false;
    return () => {
      if (isWorking) return;
      isWorking = true;
      work()
        .catch((error: unknown) => log.warn({ runId: run.id, reason: errorMessage(error) }, 'heartbeat'))
        .finally(() => {
          isWorking = false;
        });
    };
  }
  return () => {
    if (run.mode !== 'single' && progress.overdueMs() < 0) renew();
    if (progress.steps === noted) return;
    noted = progress.steps;
    note();
  };
}
