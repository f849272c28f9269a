import type { JobsOptions, Queue, WorkerOptions } from 'bullmq';
import { z } from 'zod';
import { RUN_MODES, RUN_TRIGGERS } from '../db/schema/sync.ts';

/** Attempts of a job, and the pause before the second one in milliseconds. The pause doubles, with jitter. */
interface RetryPolicy {
  readonly attempts: number;
  readonly backoffMs: number;
}

/** Half of each delay is random, so that jobs that failed together do not retry together. */
const JITTER = 0.5;

function jobOptions(policy: RetryPolicy): JobsOptions {
  return {
    attempts: policy.attempts,
    backoff: { type: 'exponential', delay: policy.backoffMs, jitter: JITTER },
    // Only the stack of the last attempt: BullMQ keeps each one with the job.
    stackTraceLimit: 1,
  };
}

/** For work that its schedule or the watchdog queues again. */
export const ONE_TRY: JobsOptions = { attempts: 1 };

/** Ended jobs that each queue keeps for people; the ledger in PostgreSQL does not need them. */
export interface Kept {
  readonly keepCompleted: number;
  readonly keepFailed: number;
}

/** Set on the worker and not on each job, so that it applies to jobs of any age. 0 keeps none. */
export function keptJobs({
  keepCompleted,
  keepFailed,
}: Kept): Pick<WorkerOptions, 'removeOnComplete' | 'removeOnFail'> {
  return { removeOnComplete: { count: keepCompleted }, removeOnFail: { count: keepFailed } };
}

/**
 * The installation that queued the job. Two installations may share the keys of Redis by mistake, or until one of them
 * stops. Their run ids and pages are equal, so the job of one would change the mirror of the other. The jobs of schedules
 * and webhooks name none, because they only request a run; nor do jobs of the previous release.
 */
const mirror = z.string().optional();

const named = z.object({ mirror });

/** Whether another installation than `own` queued the job. */
export function isForeign(data: object, own: string): boolean {
  const { mirror: owner = own } = named.parse(data);
  return owner !== own;
}

/** Stores one BC with its lines. One BC is one job: its own state, attempts and retry button. */
export const BC_QUEUE = 'bc';

export const bcPayload = z.object({
  mirror,
  runId: z.int(),
  page: z.int(),
  token: z.int().nullable(),
  generation: z.int(),
  odooId: z.int(),
  /** Size of the fetched document that waits in Redis. Without it, the job fetches the BC itself. */
  bytes: z.int().optional(),
  /** The contents of binaries must be read for it, so it is not stored together with other BCs. */
  apart: z.literal(true).optional(),
  /** Worker crashes that an earlier failure of this job already reported. */
  deaths: z.int().optional(),
});
export type BcPayload = z.infer<typeof bcPayload>;
export type BcQueue = Queue<BcPayload>;

/** The run and the generation are part of the id: a failed job that is still kept never hides a new one. */
export function bcJobId(job: Pick<BcPayload, 'runId' | 'odooId' | 'generation'>): string {
  return `bc-${job.runId}-${job.odooId}-${job.generation}`;
}

export async function enqueueBcs(
  queue: BcQueue,
  mirror: string,
  jobs: readonly BcPayload[],
  policy: RetryPolicy,
): Promise<void> {
  if (jobs.length === 0) return;
  const options = jobOptions(policy);
  await queue.addBulk(
    jobs.map((job) => ({ name: 'bc', data: { ...job, mirror }, opts: { ...options, jobId: bcJobId(job) } })),
  );
}

/** Reads one page of BCs and their lines from Odoo. The ledger has the ids. */
export const PAGES_QUEUE = 'pages';

export const pagePayload = z.object({
  mirror,
  runId: z.int(),
  page: z.int(),
  /** Fencing token of the run's lease when the page was queued; null for runs without a lease. */
  token: z.int().nullable(),
  generation: z.int(),
});
export type PagePayload = z.infer<typeof pagePayload>;
export type PagesQueue = Queue<PagePayload>;

/** The generation is part of the id: a failed job that is still kept never hides a new one. */
export function pageJobId({
  runId,
  page,
  generation,
}: Pick<PagePayload, 'runId' | 'page' | 'generation'>): string {
  return `page-${runId}-${page}-${generation}`;
}

export async function enqueuePages(
  queue: PagesQueue,
  mirror: string,
  pages: readonly PagePayload[],
  policy: RetryPolicy,
): Promise<void> {
  if (pages.length === 0) return;
  await queue.addBulk(
    pages.map((page) => ({
      name: 'page',
      data: { ...page, mirror },
      opts: { ...jobOptions(policy), jobId: pageJobId(page) },
    })),
  );
}

/** Plans runs: one job is one run that is started or skipped, or a webhook batch that requests a run. */
export const SYNC_QUEUE = 'sync';

export const syncPayload = z.object({
  mirror,
  mode: z.enum(RUN_MODES),
  trigger: z.enum(RUN_TRIGGERS),
  /** Absent on a job of a schedule: the worker then creates the run itself. */
  runId: z.int().optional(),
});
export type SyncPayload = z.infer<typeof syncPayload>;
export type SyncQueue = Queue<SyncPayload | HooksPayload>;

/** Queues the planning of a run of `sync_log`. Repeating it is harmless: the job id is derived from the run id. */
export async function enqueueRun(queue: SyncQueue, run: Required<SyncPayload>): Promise<string> {
  const jobId = `run-${run.runId}`;
  await queue.add('run', run, { ...ONE_TRY, jobId });
  return jobId;
}

/** Scheduled maintenance jobs. */
export const UPKEEP_QUEUE = 'upkeep';

export const upkeepPayload = z.object({ task: z.literal('prune') });
export type UpkeepPayload = z.infer<typeof upkeepPayload>;
export type UpkeepQueue = Queue<UpkeepPayload>;

/** The name of the jobs in the `sync` queue that process webhook batches. */
export const HOOKS_JOB = 'hooks';

export const hooksPayload = z.object({ batch: z.int() });

export type HooksPayload = z.infer<typeof hooksPayload>;

/** Queues the reading of a batch after `delayMs`. Repeating it is harmless: the job id is the id of the batch. */
export async function enqueueHooks(
  queue: SyncQueue,
  batch: number,
  delayMs: number,
  policy: RetryPolicy,
): Promise<void> {
  const jobId = `${HOOKS_JOB}-${batch}`;
  await queue.add(HOOKS_JOB, { batch }, { ...jobOptions(policy), jobId, delay: delayMs });
}
