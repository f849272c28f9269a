/**
 * The last success and the last error of Odoo and Tryton, kept in PostgreSQL for the dashboard, metrics and alerts.
 *
 * `odoo.ts` and `tryton.ts` observe the calls of a client and hand them to a recorder. `close` writes the last state.
 * Invariant: recording never delays or fails a call, also while PostgreSQL is down.
 *
 * ```ts
 * const health = new TrytonHealthRecorder(db, target, log);
 * ```
 */
import type { LastSeen } from '../db/upstream-health.ts';
import { errorMessage } from '../shared/errors.ts';
import { resultWithin } from '../shared/timeout.ts';

/** The part of a logger that is used. */
export interface HealthLog {
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
}

interface RecorderParts {
  /** Named in the log. */
  readonly table: string;
  readonly log: HealthLog;
  /** Writes changed values; null means unchanged. Rejects while PostgreSQL is down. */
  readonly write: (news: LastSeen) => Promise<void>;
}

const SUCCESS_EVERY_MS = 5000;
const ERROR_EVERY_MS = 1000;
const CLOSE_LIMIT_MS = 2000;

/**
 * Records the last success and the last error of a server without a write for each call: an error is written within 1
 * s, a success within 5 s, and only the last one in that time. If PostgreSQL is down, the recorder logs it once and
 * writes the last state later.
 */
export class LastSeenRecorder {
  readonly #parts: RecorderParts;
  #seen: LastSeen = { success: null, error: null };
  #stored: LastSeen = this.#seen;
  #writing: Promise<void> | null = null;
  #timer: NodeJS.Timeout | undefined;
  #due = Number.POSITIVE_INFINITY;
  #lastWrite = Number.NEGATIVE_INFINITY;
  #down = false;

  constructor(parts: RecorderParts) {
    this.#parts = parts;
  }

  /** The last state that this process saw. */
  get seen(): LastSeen {
    return this.#seen;
  }

  /** Records a success. Returns at once and never fails. */
  succeeded(method: string): void {
    this.#seen = { ...this.#seen, success: { at: new Date(), method } };
    this.#plan();
  }

  /** Records a failure. The message is for people and contains no secret. */
  failed(method: string, { code, message }: { readonly code: string; readonly message: string }): void {
    this.#seen = { ...this.#seen, error: { at: new Date(), method, code, message } };
    this.#plan();
  }

  /** Writes the last state, if PostgreSQL answers in time. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    await resultWithin(() => this.#finish(), CLOSE_LIMIT_MS);
  }

  async #finish(): Promise<void> {
    await this.#writing;
    clearTimeout(this.#timer);
    if (this.#seen !== this.#stored) await this.#write();
  }

  /** Schedules the next write; an error is written sooner than a success. */
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
    const { table, log, write } = this.#parts;
    try {
      await write({
        success: seen.success === this.#stored.success ? null : seen.success,
        error: seen.error === this.#stored.error ? null : seen.error,
      });
      this.#stored = seen;
      if (this.#down) log.info({}, `${table} can be written again`);
      this.#down = false;
    } catch (error) {
      if (!this.#down) log.warn({ reason: errorMessage(error) }, `${table} cannot be written for now`);
      this.#down = true;
    }
  }
}
