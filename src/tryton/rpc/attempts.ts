import type { RetryDecision, RetryPolicy } from '../../shared/retry.ts';
import { retry } from '../../shared/retry.ts';
import { withTimeout } from '../../shared/timeout.ts';
import { TrytonTimeoutError, TrytonUnavailableError, TrytonUnreachableError } from '../errors.ts';
import type { CallOutcome } from '../options.ts';
import type { CallSite, TrytonLogger } from '../types.ts';

const PAUSES = { firstDelayMs: 200, longestDelayMs: 5000 };

export interface AttemptOptions {
  readonly site: CallSite;
  /** After the first. */
  readonly retries: number;
  /** For all tries, the pauses between them and whatever else they wait for. */
  readonly deadlineMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** One try of a call. */
export interface Attempt {
  /** From 1. */
  readonly number: number;
  readonly signal: AbortSignal | undefined;
  /** By `performance.now()`: the end of all tries. */
  readonly until: number;
  /** Waits for something that others wait for too: only this caller gives up, in time or when its signal says so. */
  wait<T>(shared: Promise<T>): Promise<T>;
}

/**
 * Tries a call again, after a growing pause, while it has found no connection, no answer in time, or a proxy that
 * cannot reach the server. (A write fails in these ways only when it was not sent: see TrytonUnknownFateError.) A login
 * that failed on the way is not tried again here.
 *
 * Throws the error of the last try, or TrytonTimeoutError naming the deadline when that cut it.
 */
export async function attempts<T>(
  options: AttemptOptions,
  work: (attempt: Attempt) => Promise<T>,
): Promise<T> {
  const { site, signal, deadlineMs } = options;
  signal?.throwIfAborted();
  const until = performance.now() + deadlineMs;
  const policy: RetryPolicy = { tries: options.retries + 1, ...PAUSES };
  const left = () => until - performance.now();
  const late = (cause?: unknown) => new TrytonTimeoutError(site, deadlineMs, { cause });
  const once = async (number: number) => {
    const attempt: Attempt = {
      number,
      signal,
      until,
      wait: (shared) => withTimeout(shared, left(), late, signal),
    };
    try {
      return await work(attempt);
    } catch (error) {
      // A timer may be early by a fraction of a millisecond.
      throw error instanceof TrytonTimeoutError && left() <= 1 ? late(error) : error;
    }
  };
  return retry(policy, (error) => again(error, site), once, { signal, until });
}

function again(error: unknown, { method }: CallSite): RetryDecision {
  if (error instanceof TrytonUnavailableError && error.method === method)
    return { afterMs: error.retryAfterMs };
  const passing = error instanceof TrytonUnreachableError || error instanceof TrytonTimeoutError;
  return passing && error.method === method && { afterMs: undefined };
}

/** Runs `work` and reports its outcome to a listener, whose errors are ignored. */
export async function withOutcomeListener<T>(
  listener: (outcome: CallOutcome) => void,
  logger: TrytonLogger,
  method: string,
  work: () => Promise<T>,
): Promise<T> {
  const start = performance.now();
  const tell = (error: Error | null) => {
    try {
      listener({ method, ms: performance.now() - start, error });
    } catch {
      logger.warn({ method }, 'onOutcome failed; its error is ignored');
    }
  };
  try {
    const answer = await work();
    tell(null);
    return answer;
  } catch (error) {
    tell(error instanceof Error ? error : new Error('given up by the caller'));
    throw error;
  }
}
