import { errorCode, errorMessage } from '../shared/errors.ts';
import { delay, type RetryDecision, type RetryPolicy, retry } from '../shared/retry.ts';
import { OdooUnavailableError, OdooUnreachableError } from './errors.ts';

interface Gate {
  /** Runs `work` when a place is free and the rate allows it; first come, first served. */
  pass<T>(work: () => Promise<T>): Promise<T>;
}

/** Lets `concurrency` works run at once and, where a rate is given, start evenly spaced. */
export function createGate(concurrency: number, callsPerSecond: number | undefined): Gate {
  const waiting: (() => void)[] = [];
  const spacingMs = callsPerSecond === undefined ? 0 : 1000 / callsPerSecond;
  let free = concurrency;
  let nextStart = 0;

  const enter = async () => {
    // A place is handed over directly to the first who waits, so that nobody can slip in between.
    if (free > 0) free--;
    else await new Promise<void>((resolve) => waiting.push(resolve));
  };
  const leave = () => {
    const next = waiting.shift();
    if (next === undefined) free++;
    else next();
  };
  const ownTurn = async () => {
    const now = performance.now();
    const start = Math.max(now, nextStart);
    nextStart = start + spacingMs;
    if (start > now) await delay(start - now);
  };

  return {
    async pass(work) {
      await enter();
      try {
        await ownTurn();
        return await work();
      } finally {
        leave();
      }
    },
  };
}

/** One finished try of one call, for logs and metrics. */
export interface OdooCall {
  readonly method: string;
  /** Absent for `version` and `authenticate`. */
  readonly model: string | undefined;
  readonly ms: number;
  readonly ok: boolean;
  /** The error's code and message when not ok. */
  readonly code: string | undefined;
  readonly message: string | undefined;
  /** It only asked which protocol the server speaks: no answer is an answer. */
  readonly isProbe: boolean;
}

export interface CallLimits {
  readonly concurrency: number;
  readonly callsPerSecond?: number | undefined;
  /** Told of each try. It must not throw. */
  readonly onCall?: ((call: OdooCall) => void) | undefined;
}

const POLICY: RetryPolicy = { tries: 3, firstDelayMs: 200, longestDelayMs: 2000 };
/** A server that asks for more than this is left alone, and the caller told. */
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

/** Every exchange passes here: limits, retries, counting, telling. Signing in is never tried twice. */
export function createCalls({ concurrency, callsPerSecond, onCall }: CallLimits): Calls {
  const gate = createGate(concurrency, callsPerSecond);
  const calls: Calls = {
    count: 0,
    perform({ method, model, isProbe = false }, work) {
      const once = async () => {
        calls.count++;
        const start = performance.now();
        const tell = (code?: string, message?: string) =>
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
          tell();
          return result;
        } catch (error) {
          tell(errorCode(error), errorMessage(error));
          throw error;
        }
      };
      const decide = method === 'authenticate' ? () => false as const : retryDecision;
      return retry(POLICY, decide, () => gate.pass(once));
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
