import type { Job } from 'bullmq';
import type { BcPayload } from '../src/queues/bc.ts';
import { bcPayload } from '../src/queues/bc.ts';
import type { BcOutcome } from '../src/sync/bc.ts';
import { giveUpBc, processBc } from '../src/sync/bc.ts';
import type { Mirror } from '../src/sync/mirror.ts';
import { attemptOf, lastTry } from './attempt.ts';

/** Stores one BC. One that fails for good fails alone, and its run goes on. */
export async function handleBc(mirror: Mirror, job: Job<BcPayload>): Promise<BcOutcome> {
  const payload = bcPayload.parse(job.data);
  try {
    return await processBc(mirror, payload, attemptOf(job).number);
  } catch (error) {
    throw await lastTry(job, error, async () => {
      await giveUpBc(mirror, payload, job.id ?? null, error);
      // A retry reads Odoo again: what was read then need not stay in Redis.
      const { document: _, ...small } = payload;
      await job.updateData(small);
    });
  }
}
