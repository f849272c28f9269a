import type { Job } from 'bullmq';
import { UnrecoverableError } from 'bullmq';
import { errorMessage } from '../src/errors.ts';
import { worthAnotherTry } from '../src/sync/again.ts';

export interface Attempt {
  /** From 1; a job that was delivered again after a crash counts on. */
  readonly number: number;
  readonly last: boolean;
}

export function attemptOf(job: Job): Attempt {
  return { number: Math.max(1, job.attemptsStarted), last: job.attemptsMade + 1 >= (job.opts.attempts ?? 1) };
}

/**
 * What to throw so that BullMQ does the right thing: the error itself while another try is worth it, else, after
 * `giveUp` has put the failure on record, one that stops the retries. When even that fails (PostgreSQL is away, say)
 * the item stays owed and the watchdog queues it again.
 */
export async function lastTry(job: Job, error: unknown, giveUp: () => Promise<void>): Promise<Error> {
  const original = error instanceof Error ? error : new Error(String(error));
  if (worthAnotherTry(error) && !attemptOf(job).last) return plain(original);
  try {
    await giveUp();
  } catch (trouble) {
    return plain(trouble instanceof Error ? trouble : original);
  }
  return new UnrecoverableError(shortMessage(original));
}

/** Thousands of failed jobs are kept in Redis; the whole message stands in `sync_failure` and `sync_log`. */
const LONGEST_MESSAGE = 1000;

/** BullMQ stores message and stack with the job; only the message is for people. */
function plain(error: Error): Error {
  return new Error(shortMessage(error), { cause: error });
}

function shortMessage(error: Error): string {
  const message = errorMessage(error);
  return message.length > LONGEST_MESSAGE ? `${message.slice(0, LONGEST_MESSAGE)}…` : message;
}
