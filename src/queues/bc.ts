import type { Queue } from 'bullmq';
import { z } from 'zod';
import type { RetryPolicy } from './policy.ts';
import { jobOptions } from './policy.ts';

/** Stores one BC with its lines. One BC is one job: its own state, attempts and retry button. */
export const BC_QUEUE = 'bc';

export const bcPayload = z.object({
  runId: z.int(),
  page: z.int(),
  token: z.int().nullable(),
  generation: z.int(),
  odooId: z.int(),
  /** How large the reading is that its page kept for it; left out where there is none: the job then reads the BC itself. */
  bytes: z.int().optional(),
  /** Contents of binaries are to be read for it, so it is not stored with the others. */
  apart: z.literal(true).optional(),
  /** Deaths of workers that an earlier giving up has told of already. */
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
  jobs: readonly BcPayload[],
  policy: RetryPolicy,
): Promise<void> {
  if (jobs.length === 0) return;
  const options = jobOptions(policy);
  await queue.addBulk(jobs.map((data) => ({ name: 'bc', data, opts: { ...options, jobId: bcJobId(data) } })));
}
