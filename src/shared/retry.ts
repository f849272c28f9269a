import { setMaxListeners } from 'node:events';

/** How often and how fast failed work is repeated. */
export interface RetryPolicy {
  /** All attempts, including the first. */
  readonly tries: number;
  readonly firstDelayMs: number;
  readonly longestDelayMs: number;
}

/**
 * The delay after failure number `failures` (1 is the first). It doubles up to the maximum. The upper half is random,
 * so that callers that failed together do not retry together.
 */
export function backoffMs(policy: RetryPolicy, failures: number, random: () => number = Math.random): number {
  const whole = Math.min(policy.longestDelayMs, policy.firstDelayMs * 2 ** (failures - 1));
  return Math.round(whole / 2 + (whole / 2) * random());
}

/** `Retry-After` (seconds, or an HTTP date) as milliseconds from `now`; undefined when absent or unreadable. */
export function retryAfterMs(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined;
  if (/^\s*\d+\s*$/.test(header)) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

/** Calls `stop` when the signal is aborted, at once if it already is. The returned function removes the listener. */
export function onAbort(signal: AbortSignal | undefined, stop: () => void): () => void {
  if (signal === undefined) return () => {};
  if (signal.aborted) stop();
  // Many calls may share a signal. Node warns of a leak above ten listeners.
  setMaxListeners(0, signal);
  signal.addEventListener('abort', stop, { once: true });
  return () => signal.removeEventListener('abort', stop);
}

/** Resolves after `ms`; rejects at once with the signal's reason when it is aborted. */
export function delay(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(signal.reason);
    const release = onAbort(signal, () => {
      clearTimeout(timer);
      reject(signal?.reason);
    });
    const timer = setTimeout(() => {
      release();
      resolve();
    }, ms);
  });
}

/** No further attempt, or one after that pause; an undefined pause uses the policy. */
export type RetryDecision = false | { readonly afterMs: number | undefined };

interface RetryLimits {
  /** Ends a pause, with its reason. */
  readonly signal?: AbortSignal | undefined;
  /** In the time of `performance.now()`: a pause that would end later is not started. */
  readonly until?: number;
}

/**
 * Repeats `work` while it fails, attempts are left and `decide` allows it. `work` gets the number of the attempt, from
 * 1. Throws the last error.
 */
export async function retry<T>(
  policy: RetryPolicy,
  decide: (error: unknown) => RetryDecision,
  work: (attempt: number) => Promise<T>,
  { signal, until = Number.POSITIVE_INFINITY }: RetryLimits = {},
): Promise<T> {
  for (let failures = 1; ; failures++) {
    try {
      return await work(failures);
    } catch (error) {
      const decision = failures < policy.tries && decide(error);
      if (decision === false) throw error;
      const pause = decision.afterMs ?? backoffMs(policy, failures);
      if (performance.now() + pause >= until) throw error;
      await delay(pause, signal);
    }
  }
}
