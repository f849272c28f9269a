import postgres from 'postgres';
import { PasserelleError } from '../errors.ts';
import { preparing } from './prepared.ts';
import type { TraceStatement } from './statement-trace.ts';

/** The connection of a transaction went away; what the transaction did is undone. */
export class TransactionLostError extends PasserelleError {
  override readonly name = 'TransactionLostError';
  readonly code = 'transaction_lost';
  override readonly retryable = true;
  constructor() {
    super(
      'PostgreSQL closed the connection in the middle of a transaction, which is undone; it can be tried again.',
    );
  }
}

/** A connection that broke is closed by then. */
const CLOSED_AFTER_MS = 1000;

/**
 * Runs a transaction that ends when its connection does.
 *
 * The driver (postgres 3.4.9) goes on after that: it sends what is left of the transaction, or its `rollback`, over a
 * connection that is closed, which ends the process (porsager/postgres#1208), or that was opened again for the next caller,
 * whose transaction it would end.
 *
 * @param onReleased called once, when the driver is done with the connection, with the error if the transaction failed.
 */
export function beginOn(
  client: postgres.Sql,
  work: (tx: postgres.TransactionSql) => Promise<unknown>,
  trace: TraceStatement | undefined,
  onReleased: (error?: unknown) => void,
): Promise<unknown> {
  let over = false;
  let closed = false;
  return new Promise((resolve, reject) => {
    const whole = client.begin(
      (tx) =>
        // Left unsettled once the connection is gone: the driver then sends nothing more.
        new Promise((commit, rollBack) => {
          work(whileAlive(tx, () => !over, trace)).then(
            (result) => over || commit(result),
            (error: unknown) => {
              if (over) return;
              over = isBreak(error);
              if (!over) return rollBack(error);
              reject(error);
              // It may have been another connection that broke, or Redis: this one would stay in its transaction.
              setTimeout(() => closed || rollBack(error), CLOSED_AFTER_MS);
            },
          );
        }),
    );
    whole.then(resolve, (error: unknown) => {
      over = true;
      closed = true;
      reject(error);
    });
    whole.then(() => onReleased(), onReleased);
  });
}

function whileAlive(
  tx: postgres.TransactionSql,
  isAlive: () => boolean,
  trace: TraceStatement | undefined,
): postgres.TransactionSql {
  return new Proxy(tx, {
    get: (target, name): unknown => {
      if (!isAlive()) throw new TransactionLostError();
      return name === 'unsafe' ? preparing(target, trace) : Reflect.get(target, name);
    },
  });
}

/** The driver's own codes, and those of the socket. */
const BREAKS = [
  ...['CONNECTION_CLOSED', 'CONNECTION_DESTROYED', 'CONNECTION_ENDED', 'CONNECT_TIMEOUT'],
  ...['ECONNRESET', 'ECONNREFUSED', 'ECONNABORTED', 'EPIPE', 'ETIMEDOUT'],
];

/** The connection is gone, or PostgreSQL is about to close it. */
export function isBreak(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error instanceof TransactionLostError) return true;
  if (error instanceof postgres.PostgresError) return ['FATAL', 'PANIC'].includes(error.severity);
  if ('code' in error && BREAKS.includes(String(error.code))) return true;
  return isBreak(error.cause);
}
