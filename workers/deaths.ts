import type { Job } from 'bullmq';
import { PasserelleError } from '../src/errors.ts';

/**
 * Some deaths are accidents: machines are switched off, deployments kill. Whoever dies of the job itself does so
 * each time.
 */
const MOST_DEATHS = 5;

/** Workers died while they were at it, or lost its lock, so often that it may be the cause. */
export class WorkerDiedError extends PasserelleError {
  override readonly name = 'WorkerDiedError';
  readonly code = 'worker_died';
  constructor(what: string, deaths: number) {
    super(
      `${what}: workers died or stood still ${deaths} times while they were at it. Look for what ended them ` +
        '(out of memory?); it is tried again later.',
    );
  }
}

/** How often a worker died while it had the job, not counting those of before `forgiven`. */
export function deathsOf(job: Job, forgiven = 0): number {
  return job.stalledCounter - forgiven;
}

/** BullMQ's own limit would end the job without its handler, and so without a word in the ledger. */
export const NO_LIMIT = Number.MAX_SAFE_INTEGER;

export function isDeadly(deaths: number): boolean {
  return deaths > MOST_DEATHS;
}
