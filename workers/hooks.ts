import type { Job } from 'bullmq';
import type { HooksPayload } from '../src/queues/hooks.ts';
import { hooksPayload } from '../src/queues/hooks.ts';
import { requestHooked } from '../src/sync/hooked.ts';
import type { Mirror } from '../src/sync/mirror.ts';
import { comeBack } from './come-back.ts';

/**
 * Has a batch of what Odoo told of read. Delivered again after a crash it may ask for the same run twice, which costs
 * a reading and changes nothing.
 *
 * @returns the run that reads it; null where nothing is to be read.
 */
export async function handleHooks(
  mirror: Mirror,
  job: Job<HooksPayload>,
  token: string | undefined,
): Promise<number | null> {
  const { hooks } = mirror.queues;
  const { batch } = hooksPayload.parse(job.data);
  const run = await requestHooked(mirror, await hooks.take(batch));
  if (run === 'later') return comeBack(job, token);
  await hooks.drop(batch);
  return run;
}
