import { DelayedError, type Job, UnrecoverableError } from 'bullmq';
import { errorMessage, PasserelleError } from '../src/shared/errors.ts';
import { isRetryable } from '../src/sync/error-policy.ts';

/** `number` starts at 1. A delivery after a crash counts as the next attempt. */
export function attemptOf(job: Job) {
  return { number: Math.max(1, job.attemptsStarted), last: job.attemptsMade + 1 >= (job.opts.attempts ?? 1) };
}

/**
 * Returns the error to throw to BullMQ. If another attempt may help, it is the error itself. Otherwise `giveUp` records
 * the failure, and the returned error stops the retries. If `giveUp` fails too, for example because PostgreSQL is down,
 * the item stays open and the watchdog queues it again.
 */
export async function toBullmqError(job: Job, error: unknown, giveUp: () => Promise<void>): Promise<Error> {
  const original = error instanceof Error ? error : new Error(String(error));
  if (isRetryable(error) && !attemptOf(job).last) return plain(original);
  try {
    await giveUp();
  } catch (trouble) {
    return plain(trouble instanceof Error ? trouble : original);
  }
  return new UnrecoverableError(shortMessage(original));
}

/** Redis keeps thousands of failed jobs. `sync_failure` and `sync_log` have the whole message. */
const MAX_MESSAGE = 1000;

/** BullMQ stores message and stack with the job; only the message is useful there. */
function plain(error: Error): Error {
  return new Error(shortMessage(error), { cause: error });
}

function shortMessage(error: Error): string {
  const message = errorMessage(error);
  return message.length > MAX_MESSAGE ? `${message.slice(0, MAX_MESSAGE)}…` : message;
}

/**
 * Some crashes are not caused by the job, such as a deployment or a power failure. A crash caused by the job repeats
 * each time.
 */
const MAX_DEATHS = 5;

/**
 * Workers crashed or stalled several times while they processed this job.
 *
 * @fix Check the workers for out-of-memory kills, and give them more memory. The job is retried later. `passerelle
 * retry --all` retries failed BCs at once.
 */
export class JobStalledError extends PasserelleError {
  readonly code = 'worker_died';
  constructor(what: string, deaths: number) {
    super(
      `${what}: the worker crashed or stalled ${deaths} times while processing this job. ` +
        'Check the worker for out-of-memory kills. The job is retried later.',
    );
  }
}

/** How often a worker crashed or stalled with this job, minus the `forgiven` ones. */
export function stalledCount(job: Job, forgiven = 0): number {
  return job.stalledCounter - forgiven;
}

/** The limit of BullMQ would end the job without its handler, so the ledger would not be updated. */
export const NO_LIMIT = Number.MAX_SAFE_INTEGER;

export function exceedsStallLimit(deaths: number): boolean {
  return deaths > MAX_DEATHS;
}

const PAUSE_MS = 5000;

/** Postpones a job, which does not count as an attempt. @throws DelayedError always, as BullMQ requires. */
export async function postponeJob(job: Job, token: string | undefined): Promise<never> {
  await job.moveToDelayed(Date.now() + PAUSE_MS, token);
  throw new DelayedError();
}
