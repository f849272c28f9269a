import type { Job } from 'bullmq';
import { DelayedError } from 'bullmq';
import { withIds } from '../src/logger.ts';
import type { WorkedOn } from '../src/metrics/jobs.ts';
import type { Mirror } from '../src/sync/mirror.ts';

export type Handle<Payload> = (mirror: Mirror, job: Job<Payload>, token?: string) => Promise<unknown>;

/** The ids that a job's payload may have. */
const IDS = ['runId', 'page', 'odooId'] as const;

/** What a line about a job is found by. */
export function idsOf(job: Job<object>): object {
  const payload = new Map<string, unknown>(Object.entries(job.data));
  const ids = IDS.filter((name) => payload.has(name)).map((name) => [name, payload.get(name)]);
  return { queue: job.queueName, jobId: job.id, ...Object.fromEntries(ids) };
}

/**
 * A handler whose lines name its job, and whose attempts are told to `worked`. One that was put back for later is no
 * attempt.
 */
export function observed<Payload extends object>(
  mirror: Mirror,
  handle: Handle<Payload>,
  worked: ((job: WorkedOn) => void) | undefined,
): (job: Job<Payload>, token?: string) => Promise<unknown> {
  return async (job, token) => {
    const start = performance.now();
    const tell = (outcome: WorkedOn['outcome']) =>
      worked?.({ queue: job.queueName, outcome, ms: performance.now() - start });
    try {
      const result = await handle({ ...mirror, log: withIds(mirror.log, () => idsOf(job)) }, job, token);
      tell('completed');
      return result;
    } catch (error) {
      if (!(error instanceof DelayedError)) tell('failed');
      throw error;
    }
  };
}
