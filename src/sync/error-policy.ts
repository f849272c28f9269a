import { isBreak, TransactionLostError } from '../db/pool.ts';
import { OdooAccessError, OdooAnswerTooLargeError, OdooApplicationError } from '../odoo/errors.ts';
import { PasserelleError } from '../shared/errors.ts';
import { isModelChange } from './model/document-model.ts';

/**
 * SQLSTATE classes that another attempt may cure: connection, transaction rollback, resources, lock, intervention,
 * system.
 */
const PASSING_SQLSTATE = ['08', '40', '53', '55', '57', '58'];

/** PostgreSQL ended a session that was idle in a transaction, or a transaction that took too long. */
const ENDED_SQLSTATE: readonly string[] = ['25P03', '25P04'];

/** Decides whether a failed job gets another attempt. No other code decides this. */
export function isRetryable(error: unknown): boolean {
  // Fields that disappear during a reading: the next attempt requests the model again.
  if (isModelChange(error)) return true;
  if (error instanceof PasserelleError) return error.retryable;
  const code = sqlState(error);
  // Errors without a SQLSTATE come from sockets, Redis or bugs. Another attempt is harmless, because storing is
  // idempotent.
  return code === null || isPassing(code);
}

const isPassing = (code: string) =>
  PASSING_SQLSTATE.includes(code.slice(0, 2)) || ENDED_SQLSTATE.includes(code);

/**
 * Whether PostgreSQL rejected the data, or this transaction in favour of another one. Then smaller transactions may
 * succeed. If PostgreSQL itself fails, they would fail too.
 */
export function isRejectedByPostgres(error: unknown): boolean {
  const code = sqlState(error);
  return code !== null && (code.startsWith('40') || !isPassing(code));
}

/** PostgreSQL was not available: the stored data are not the cause. */
export function isPostgresUnavailable(error: unknown): boolean {
  return error instanceof PasserelleError ? error instanceof TransactionLostError : isBreak(error);
}

/**
 * SQLSTATE classes that no content of a BC causes: role, database, schema, rights, and a server that is read-only or
 * lacks a feature.
 */
const SERVER_SQLSTATE = ['0A', '25', '28', '3D', '3F', '42'];

/** PostgreSQL may refuse every BC, for a reason that no BC has. A trigger of somebody else may refuse only one. */
export function mayRefuseAll(error: unknown): boolean {
  const code = sqlState(error);
  return code !== null && SERVER_SQLSTATE.includes(code.slice(0, 2)) && !isPassing(code);
}

/** Another session, such as that of a frozen worker, held a lock for too long: the waiting work is not the cause. */
export function isLockTimeout(error: unknown): boolean {
  return sqlState(error) === LOCK_NOT_AVAILABLE;
}

/** A statement took too long, or was cancelled: it may have waited for a lock of a frozen worker. */
export function isCancelled(error: unknown): boolean {
  return sqlState(error) === QUERY_CANCELED;
}

/** SQLSTATE of `statement_timeout` and of a cancelled statement. */
const QUERY_CANCELED = '57014';

/** SQLSTATE of `lock_timeout`. */
const LOCK_NOT_AVAILABLE = '55P03';

/**
 * The SQLSTATE of an error of PostgreSQL. `severity` distinguishes it from a socket error such as `EPIPE`. Drizzle
 * wraps it as `cause`.
 */
function sqlState(error: unknown): string | null {
  if (!(error instanceof Error)) return null;
  if ('severity' in error && 'code' in error && typeof error.code === 'string') return error.code;
  return sqlState(error.cause);
}

/** Odoo refused, or its answer is too large: a record of the request is the cause, or all of them together. */
export function isRefusal(error: unknown): boolean {
  return REFUSALS.some((refusal) => error instanceof refusal);
}

const REFUSALS = [OdooAccessError, OdooApplicationError, OdooAnswerTooLargeError];

/** Odoo gave no usable answer: it has a fault, or one record causes one. */
export function isOutage(error: unknown): boolean {
  return error instanceof PasserelleError && error.retryable && error.code.startsWith('odoo_');
}
