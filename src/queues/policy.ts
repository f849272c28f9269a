import type { JobsOptions, WorkerOptions } from 'bullmq';

/** Tries of a job, and the pause before the second one in milliseconds; the pause doubles, with jitter. */
export interface RetryPolicy {
  readonly attempts: number;
  readonly backoffMs: number;
}

/** Half of each pause is random, so that jobs that failed together do not come back together. */
const JITTER = 0.5;

export function jobOptions(policy: RetryPolicy): JobsOptions {
  return {
    attempts: policy.attempts,
    backoff: { type: 'exponential', delay: policy.backoffMs, jitter: JITTER },
    // Of the last attempt: each would be kept with the job.
    stackTraceLimit: 1,
  };
}

/** For work that its own schedule, or the watchdog, offers again. */
export const ONE_TRY: JobsOptions = { attempts: 1 };

/** Ended jobs that each queue keeps for people to look at; the ledger in PostgreSQL does not need them. */
export interface Kept {
  readonly keepCompleted: number;
  readonly keepFailed: number;
}

/** Said by the worker and not with each job, so that it holds for jobs of any age. 0 keeps none. */
export function keptJobs({
  keepCompleted,
  keepFailed,
}: Kept): Pick<WorkerOptions, 'removeOnComplete' | 'removeOnFail'> {
  return { removeOnComplete: { count: keepCompleted }, removeOnFail: { count: keepFailed } };
}
