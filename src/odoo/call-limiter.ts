import { errorCode, errorMessage } from '../shared/errors.ts';
import { delay, type RetryDecision, type RetryPolicy, retry } from '../shared/retry.ts';
import { Semaphore } from '../shared/semaphore.ts';
import { OdooUnavailableError, OdooUnreachableError } from './errors.ts';

/**
 * Runs calls within the limits of concurrency and rate, in the order of arrival. With a rate, starts are evenly spaced.
 */
export function createCallLimiter(concurrency: number, callsPerSecond: number | undefined) {
  const semaphore = new Semaphore(concurrency);
  const spacingMs = callsPerSecond === undefined ? 0 : 1000 / callsPerSecond;
  let nextStart = 0;
  return <T>(call: () => Promise<T>): Promise<T> =>
    semaphore.run(1, async () => {
      const now = performance.now();
      const start = Math.max(now, nextStart);
      nextStart = start + spacingMs;
      if (start > now) await delay(start - now);
      return call();
    });
}

/** One attempt of one call, for logs and metrics. */
export interface OdooCall {
  readonly method: string;
  /** Absent for `version` and `authenticate`. */
  readonly model: string | undefined;
  readonly ms: number;
  readonly ok: boolean;
  /** The error's code and message when not ok. */
  readonly code: string | undefined;
  readonly message: string | undefined;
  /** The call only asked which protocol the server speaks, so a failure is a normal answer. */
  readonly isProbe: boolean;
}

export interface CallLimits {
  readonly concurrency: number;
  readonly callsPerSecond?: number | undefined;
  /** Called for each attempt. It must not throw. */
  readonly onCall?: ((call: OdooCall) => void) | undefined;
}

const POLICY: RetryPolicy = { tries: 3, firstDelayMs: 200, longestDelayMs: 2000 };
/** If a server requests a longer delay, the call fails instead. */
const MAX_WAIT_MS = 10_000;

interface Performed {
  readonly method: string;
  readonly model?: string;
  readonly isProbe?: boolean;
}

export interface Calls {
  count: number;
  perform<T>(what: Performed, work: () => Promise<T>): Promise<T>;
}

/** Runs every call: limits, retries, counters. A login is never retried. */
export function createCalls({ concurrency, callsPerSecond, onCall }: CallLimits): Calls {
  const limited = createCallLimiter(concurrency, callsPerSecond);
  const calls: Calls = {
    count: 0,
    perform({ method, model, isProbe = false }, work) {
      const once = async () => {
        calls.count++;
        const start = performance.now();
        const report = (code?: string, message?: string) =>
          onCall?.({
            method,
            model,
            ms: performance.now() - start,
            ok: code === undefined,
            code,
            message,
            isProbe,
          });
        try {
          const result = await work();
          report();
          return result;
        } catch (error) {
          report(errorCode(error), errorMessage(error));
          throw error;
        }
      };
      const decide = method === 'authenticate' ? () => false as const : retryDecision;
      return retry(POLICY, decide, () => limited(once));
    },
  };
  return calls;
}

function retryDecision(error: unknown): RetryDecision {
  if (error instanceof OdooUnreachableError) return { afterMs: undefined };
  if (!(error instanceof OdooUnavailableError)) return false;
  const { retryAfterMs } = error;
  return (retryAfterMs ?? 0) <= MAX_WAIT_MS && { afterMs: retryAfterMs };
}
