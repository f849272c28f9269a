import type { RetryDecision, RetryPolicy } from '../../shared/retry.ts';
import { retry } from '../../shared/retry.ts';
import { withTimeout } from '../../shared/timeout.ts';
import { TrytonTimeoutError, TrytonUnavailableError, TrytonUnreachableError } from '../errors.ts';
import type { CallOutcome } from '../options.ts';
import type { CallSite, TrytonLogger } from '../types.ts';

const PAUSES = { firstDelayMs: 200, longestDelayMs: 5000 };

export interface AttemptOptions {
  readonly site: CallSite;
  /** Attempts after the first. */
  readonly retries: number;
  /** Limit of all attempts, with their pauses and other waits. */
  readonly deadlineMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** One attempt of a call. */
export interface Attempt {
  /** From 1. */
  readonly number: number;
  readonly signal: AbortSignal | undefined;
  /** The end of all attempts, in the time of `performance.now()`. */
  readonly until: number;
  /** Waits for shared work. Only this caller stops waiting, at its deadline or when its signal is aborted. */
  wait<T>(shared: Promise<T>): Promise<T>;
}

/**
 * Repeats a call after growing pauses if there was no connection, no answer in time, or a proxy that cannot reach the
 * server. (A write fails in these ways only if it was not sent: see TrytonUnknownFateError.) A failed login is not
 * repeated here.
 *
 * Throws the error of the last attempt, or TrytonTimeoutError with the deadline if that ended it.
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
      // A timer may fire a fraction of a millisecond early.
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
  const report = (error: Error | null) => {
    try {
      listener({ method, ms: performance.now() - start, error });
    } catch {
      logger.warn({ method }, 'onOutcome failed; its error is ignored');
    }
  };
  try {
    const answer = await work();
    report(null);
    return answer;
  } catch (error) {
    report(error instanceof Error ? error : new Error('given up by the caller'));
    throw error;
  }
}
