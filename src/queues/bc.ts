import type { Queue } from 'bullmq';
import { z } from 'zod';
import type { OdooRecord } from '../odoo/types.ts';
import type { RetryPolicy } from './policy.ts';
import { jobOptions } from './policy.ts';

/** Stores one BC with its lines. One BC is one job: its own state, attempts and retry button. */
export const BC_QUEUE = 'bc';

const record = z.custom<OdooRecord>(
  (value) => typeof value === 'object' && value !== null && 'id' in value && Number.isSafeInteger(value.id),
  'a record with a whole-number id',
);

/** One BC as it was read: `fetchSeq` orders readings, `fetchedAt` is ISO 8601. */
export const documentPayload = z.object({
  fetchSeq: z.int(),
  fetchedAt: z.string(),
  header: record,
  lines: z.array(record),
});
export type DocumentPayload = z.infer<typeof documentPayload>;

export const bcPayload = z.object({
  runId: z.int(),
  page: z.int(),
  token: z.int().nullable(),
  generation: z.int(),
  odooId: z.int(),
  /** How large `document` is as JSON. */
  bytes: z.int().optional(),
  /** Left out when it is large or could not be read with its page: the job then reads the BC itself. */
  document: documentPayload.optional(),
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
