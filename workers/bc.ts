import type { Job } from 'bullmq';
import type { BcPayload } from '../src/queues/bc.ts';
import { bcPayload } from '../src/queues/bc.ts';
import type { BcOutcome } from '../src/sync/bc.ts';
import { processBc } from '../src/sync/bc.ts';
import { giveUpBc } from '../src/sync/give-up.ts';
import type { Mirror } from '../src/sync/mirror.ts';
import { attemptOf, lastTry } from './attempt.ts';
import { deathsOf, isDeadly, WorkerDiedError } from './deaths.ts';

/** Stores one BC. One that fails for good fails alone, and its run goes on. */
export async function handleBc(mirror: Mirror, job: Job<BcPayload>): Promise<BcOutcome> {
  const payload = bcPayload.parse(job.data);
  const deaths = deathsOf(job, payload.deaths);
  try {
    if (isDeadly(deaths)) throw new WorkerDiedError(`BC ${payload.odooId}`, deaths);
    return await processBc(mirror, payload, attemptOf(job).number);
  } catch (error) {
    throw await lastTry(job, error, async () => {
      await giveUpBc(mirror, payload, job.id ?? null, error);
      // Who retries it by hand gets as many tries again.
      await job.updateData({ ...payload, deaths: job.stalledCounter });
    });
  }
}
