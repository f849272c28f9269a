import type { Database } from '../db/connection.ts';
import type { TrytonSightings } from '../db/tryton-health.ts';
import { findTrytonHealth, recordTrytonHealth } from '../db/tryton-health.ts';
import { errorMessage } from '../errors.ts';
import { TrytonError } from '../tryton/errors.ts';
import { isServerMethod } from '../tryton/methods.ts';
import type { TrytonLogger } from '../tryton/types.ts';

/** A call to Tryton that has ended. */
export interface Outcome {
  readonly method: string;
  readonly error: Error | null;
}

const SUCCESS_EVERY_MS = 5000;
const ERROR_EVERY_MS = 1000;
const CLOSE_LIMIT_MS = 2000;

/** Tryton is well and says no: what these tell of is the call. */
const CALLERS_OWN: ReadonlySet<string> = new Set([
  'tryton_user_error',
  'tryton_user_warning',
  'tryton_concurrency',
  'tryton_method_not_allowed',
]);

/**
 * Keeps in `tryton_health` how Tryton was last seen, without a write for each call: an error is written within 1 s, a
 * success within 5 s, and of several in that time only the last one. PostgreSQL down disturbs nobody: it is logged
 * once, and what was seen last is written when it is back.
 *
 * A success is a call with the session that gave a result (a server that tells its version may still let nobody in).
 * An error is one that Tryton, or the way to it, is to blame for: not a user
 * error, a warning, a concurrency error or a method that is not offered, nor a call that its caller gave up.
 */
export class Health {
  readonly #db: Database;
  readonly #target: string;
  readonly #log: TrytonLogger;
  #seen: TrytonSightings = { success: null, error: null };
  #stored: TrytonSightings = this.#seen;
  #writing: Promise<void> | null = null;
  #timer: NodeJS.Timeout | undefined;
  #due = Number.POSITIVE_INFINITY;
  #lastWrite = Number.NEGATIVE_INFINITY;
  #down = false;

  /** @param target the row's key: `admin@https://erp.example/tryton/`. */
  constructor(db: Database, target: string, log: TrytonLogger) {
    this.#db = db;
    this.#target = target;
    this.#log = log;
  }

  /** Takes note of a call. Returns at once and never fails. */
  observe({ method, error }: Outcome): void {
    const at = new Date();
    if (error === null && !isServerMethod(method)) this.#seen = { ...this.#seen, success: { at, method } };
    if (isFault(error)) {
      const { code, message } = error;
      this.#seen = { ...this.#seen, error: { at, method, code, message } };
    }
    this.#plan();
  }

  /** The last success and the last error, of whichever process. Rejects while PostgreSQL is down. */
  async read(): Promise<TrytonSightings> {
    const stored = await findTrytonHealth(this.#db, this.#target);
    return {
      success: later(stored.success, this.#seen.success),
      error: later(stored.error, this.#seen.error),
    };
  }

  /** Writes what is left to write, if PostgreSQL takes it in time. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    let limit: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      limit = setTimeout(resolve, CLOSE_LIMIT_MS);
    });
    await Promise.race([this.#finish(), late]);
    clearTimeout(limit);
  }

  async #finish(): Promise<void> {
    await this.#writing;
    clearTimeout(this.#timer);
    if (this.#seen !== this.#stored) await this.#write();
  }

  /** Sees to it that what is unwritten is written in its time, an error sooner than a success. */
  #plan(): void {
    if (this.#writing !== null || this.#seen === this.#stored) return;
    const soon = this.#seen.error !== this.#stored.error && !this.#down;
    const due = Math.max(performance.now(), this.#lastWrite + (soon ? ERROR_EVERY_MS : SUCCESS_EVERY_MS));
    if (due >= this.#due) return;
    this.#due = due;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#flush(), due - performance.now()).unref();
  }

  #flush(): void {
    this.#due = Number.POSITIVE_INFINITY;
    this.#lastWrite = performance.now();
    this.#writing = this.#write().finally(() => {
      this.#writing = null;
      this.#plan();
    });
  }

  async #write(): Promise<void> {
    const seen = this.#seen;
    try {
      await recordTrytonHealth(this.#db, this.#target, {
        success: seen.success === this.#stored.success ? null : seen.success,
        error: seen.error === this.#stored.error ? null : seen.error,
      });
      this.#stored = seen;
      if (this.#down) this.#log.info({}, 'tryton_health can be written again');
      this.#down = false;
    } catch (error) {
      const reason = errorMessage(error);
      if (!this.#down) this.#log.warn({ reason }, 'tryton_health cannot be written for now');
      this.#down = true;
    }
  }
}

function isFault(error: Error | null): error is TrytonError {
  return error instanceof TrytonError && !CALLERS_OWN.has(error.code);
}

function later<T extends { readonly at: Date }>(one: T | null, other: T | null): T | null {
  if (one === null || other === null) return one ?? other;
  return one.at > other.at ? one : other;
}
