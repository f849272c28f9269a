import type { Database } from '../db/client.ts';
import { findTrytonHealth, type LastSeen, recordTrytonHealth } from '../db/upstream-health.ts';
import { TrytonError } from '../tryton/errors.ts';
import { isServerMethod } from '../tryton/methods.ts';
import type { TrytonLogger } from '../tryton/types.ts';
import { LastSeenRecorder } from './recorder.ts';

/** A call to Tryton that has ended. */
interface Outcome {
  readonly method: string;
  readonly error: Error | null;
}

/** Errors caused by the call itself. They do not affect the health of Tryton. */
const CALLERS_OWN: ReadonlySet<string> = new Set([
  'tryton_user_error',
  'tryton_user_warning',
  'tryton_concurrency',
  'tryton_method_not_allowed',
  'answer_too_large',
  'too_many_answers',
]);

/**
 * Records in `tryton_health` how Tryton was last seen; see `recorder.ts` for the times of writing.
 *
 * A success is a call with a session that returned a result; a server that reports its version may still refuse every
 * login. An error is a fault of Tryton or of the network. User errors, warnings, concurrency errors, methods that are
 * not offered and cancelled calls are not errors.
 */
export class TrytonHealthRecorder {
  readonly #db: Database;
  readonly #target: string;
  readonly #recorder: LastSeenRecorder;

  /** @param target the key of the row: `admin@https://erp.example/tryton/`. */
  constructor(db: Database, target: string, log: TrytonLogger) {
    this.#db = db;
    this.#target = target;
    const write = (news: LastSeen) => recordTrytonHealth(db, target, news);
    this.#recorder = new LastSeenRecorder({ table: 'tryton_health', log, write });
  }

  /** Records a call. Returns at once and never fails. */
  observe({ method, error }: Outcome): void {
    if (error === null && !isServerMethod(method)) this.#recorder.succeeded(method);
    if (isFault(error)) this.#recorder.failed(method, error);
  }

  /** The last success and the last error, of all processes. Rejects while PostgreSQL is down. */
  async read(): Promise<LastSeen> {
    const stored = await findTrytonHealth(this.#db, this.#target);
    const { success, error } = this.#recorder.seen;
    return { success: later(stored.success, success), error: later(stored.error, error) };
  }

  /** Writes the last state, if PostgreSQL answers in time. */
  close(): Promise<void> {
    return this.#recorder.close();
  }
}

function isFault(error: Error | null): error is TrytonError {
  return error instanceof TrytonError && !CALLERS_OWN.has(error.code);
}

function later<T extends { readonly at: Date }>(one: T | null, other: T | null): T | null {
  if (one === null || other === null) return one ?? other;
  return one.at > other.at ? one : other;
}
