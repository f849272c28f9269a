import type { JobsOptions } from 'bullmq';

/** Tries of a job, and the pause before the second one in milliseconds; the pause doubles, with jitter. */
export interface RetryPolicy {
  readonly attempts: number;
  readonly backoffMs: number;
}

/** Half of each pause is random, so that jobs that failed together do not come back together. */
const JITTER = 0.5;

/** Few: a completed BC job still holds what it stored. */
const KEEP_COMPLETED = 200;
/** Failed jobs stay visible in bull-board; the ledger in PostgreSQL does not need them. */
const KEEP_FAILED = 10_000;

export function jobOptions(policy: RetryPolicy): JobsOptions {
  return {
    attempts: policy.attempts,
    backoff: { type: 'exponential', delay: policy.backoffMs, jitter: JITTER },
    removeOnComplete: { count: KEEP_COMPLETED },
    removeOnFail: { count: KEEP_FAILED },
  };
}

/** For work that its own schedule, or the watchdog, offers again. */
export const ONE_TRY: JobsOptions = {
  attempts: 1,
  removeOnComplete: { count: KEEP_COMPLETED },
  removeOnFail: { count: KEEP_COMPLETED },
};
