import type { Job } from 'bullmq';
import { DelayedError } from 'bullmq';

/** A job that cannot be taken up now comes back after this pause. */
const PAUSE_MS = 5000;

/** Puts a job back; it counts as no attempt. @throws DelayedError always: BullMQ's sign that the job is not done. */
export async function comeBack(job: Job, token: string | undefined): Promise<never> {
  await job.moveToDelayed(Date.now() + PAUSE_MS, token);
  throw new DelayedError();
}
