import { errorCode, errorMessage } from '../shared/errors.ts';
import { delay, type RetryDecision, type RetryPolicy, retry } from '../shared/retry.ts';
import { OdooQuotingError, OdooUnavailableError, OdooUnreachableError } from './errors.ts';

/** Runs a call when the limits allow it. */
type Limited = <T>(call: () => Promise<T>) => Promise<T>;

interface Lane {
  running: number;
  readonly waiting: (() => void)[];
}

/**
 * Limits the calls to one server by concurrency and rate. Each mirror has a lane, and lanes take turns; calls of one
 * lane run in the order of arrival. With a rate, starts are evenly spaced.
 *
 * With several lanes, the last free place is for a lane without a running call: a mirror whose calls hang does not stop
 * the others.
 */
export class CallLimiter {
  readonly #lanes: Lane[] = [];
  readonly #spacingMs: number;
  #free: number;
  #nextStart = 0;

  constructor(concurrency: number, callsPerSecond: number | undefined) {
    this.#free = concurrency;
    this.#spacingMs = callsPerSecond === undefined ? 0 : 1000 / callsPerSecond;
  }

  lane(): Limited {
    const lane: Lane = { running: 0, waiting: [] };
    this.#lanes.push(lane);
    return async (call) => {
      await this.#enter(lane);
      try {
        await this.#turn();
        return await call();
      } finally {
        lane.running -= 1;
        this.#free += 1;
        this.#admit();
      }
    };
  }

  #enter(lane: Lane): Promise<void> {
    return new Promise((enter) => {
      lane.waiting.push(enter);
      this.#admit();
    });
  }

  #admit(): void {
    for (;;) {
      const at = this.#lanes.findIndex((lane) => lane.waiting.length > 0 && this.#hasPlace(lane));
      const [lane] = at < 0 ? [] : this.#lanes.splice(at, 1);
      if (lane === undefined) return;
      this.#lanes.push(lane);
      lane.running += 1;
      this.#free -= 1;
      lane.waiting.shift()?.();
    }
  }

  #hasPlace({ running }: Lane): boolean {
    const isLast = this.#free === 1 && this.#lanes.length > 1;
    return this.#free > 0 && (!isLast || running === 0);
  }

  async #turn(): Promise<void> {
    const now = performance.now();
    const start = Math.max(now, this.#nextStart);
    this.#nextStart = start + this.#spacingMs;
    if (start > now) await delay(start - now);
  }
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
  /** The message without texts of Odoo, which may quote values of records. */
  readonly unquoted: string | undefined;
  /** The call only asked which protocol the server speaks, so a failure is a normal answer. */
  readonly isProbe: boolean;
}

/** Called for each attempt. It must not throw. */
type OnCall = (call: OdooCall) => void;

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
export function createCalls(limited: Limited, onCall: OnCall | undefined): Calls {
  const calls: Calls = {
    count: 0,
    perform({ method, model, isProbe = false }, work) {
      const once = async () => {
        calls.count++;
        const start = performance.now();
        const report = (code?: string, message?: string, unquoted?: string) =>
          onCall?.({
            method,
            model,
            ms: performance.now() - start,
            ok: code === undefined,
            code,
            message,
            unquoted,
            isProbe,
          });
        try {
          const result = await work();
          report();
          return result;
        } catch (error) {
          const unquoted = error instanceof OdooQuotingError ? error.withoutQuote() : error;
          report(errorCode(error), errorMessage(error), errorMessage(unquoted));
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
