import type { Queue } from 'bullmq';
import { z } from 'zod';
import type { RetryPolicy } from './policy.ts';
import { jobOptions } from './policy.ts';

/** Reads one page of BCs and their lines from Odoo; which ids, the ledger says. */
export const PAGES_QUEUE = 'pages';

export const pagePayload = z.object({
  runId: z.int(),
  page: z.int(),
  /** Fencing token of the run's lease when the page was queued; null for runs without a lease. */
  token: z.int().nullable(),
  generation: z.int(),
});
export type PagePayload = z.infer<typeof pagePayload>;
export type PagesQueue = Queue<PagePayload>;

/** The generation is part of the id: a failed job that is still kept never hides a new one. */
export function pageJobId({ runId, page, generation }: Omit<PagePayload, 'token'>): string {
  return `page-${runId}-${page}-${generation}`;
}

export async function enqueuePages(
  queue: PagesQueue,
  pages: readonly PagePayload[],
  policy: RetryPolicy,
): Promise<void> {
  if (pages.length === 0) return;
  await queue.addBulk(
    pages.map((data) => ({
      name: 'page',
      data,
      opts: { ...jobOptions(policy), jobId: pageJobId(data) },
    })),
  );
}
