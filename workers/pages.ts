import type { Job } from 'bullmq';
import type { PagePayload } from '../src/queues/pages.ts';
import { pagePayload } from '../src/queues/pages.ts';
import { giveUpPage } from '../src/sync/give-up.ts';
import type { Mirror } from '../src/sync/mirror.ts';
import { processPage } from '../src/sync/page.ts';
import { attemptOf, lastTry } from './attempt.ts';
import { deathsOf, isDeadly } from './deaths.ts';

/** Reads one page. One that fails for good ends its run. */
export async function handlePage(mirror: Mirror, job: Job<PagePayload>): Promise<number | 'superseded'> {
  const payload = pagePayload.parse(job.data);
  try {
    return await processPage(mirror, payload, { ...attemptOf(job), deadly: isDeadly(deathsOf(job)) });
  } catch (error) {
    throw await lastTry(job, error, () => giveUpPage(mirror, payload, error));
  }
}
