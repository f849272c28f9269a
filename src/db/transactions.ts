import { sql } from 'drizzle-orm';
import postgres from 'postgres';
import { PasserelleError } from '../shared/errors.ts';
import { type Database, preparing, type TraceStatement, type Transaction } from './client.ts';

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

export interface Cancelling {
  /** Aborted when the result is not needed any more. */
  readonly signal: AbortSignal;
  /** Sends the cancellation. A pool of its own: the statements to cancel may hold all connections of the other one. */
  readonly canceller: Database;
}

type Options = Parameters<Database['transaction']>[1];

/**
 * Runs `work` in a transaction. An aborted signal cancels its statement in PostgreSQL, or prevents its start.
 *
 * In a transaction, because `pg_cancel_backend` takes a process, not a statement: until the transaction ends, the
 * process runs no statement of another request.
 *
 * @throws the reason of the signal if it was aborted, else what `work` threw.
 */
export async function cancellable<Result>(
  db: Database,
  { signal, canceller }: Cancelling,
  work: (tx: Transaction) => Promise<Result>,
  options?: Options,
): Promise<Result> {
  signal.throwIfAborted();
  return db.transaction(async (tx) => {
    signal.throwIfAborted();
    // Not awaited: it travels together with the first statement of `work`.
    const pid = tx
      .execute<{ pid: number }>(sql`select pg_backend_pid() as pid`)
      .then(([row]) => row?.pid ?? 0);
    const stopped = stopWith(signal, canceller, pid);
    try {
      return await work(tx);
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    } finally {
      // The cancellation must end before the connection serves another request.
      await stopped();
    }
  }, options);
}

/** @returns a function that ends the watch after a cancellation in progress has arrived. */
function stopWith(signal: AbortSignal, canceller: Database, pid: Promise<number>): () => Promise<void> {
  let cancelled: Promise<unknown> = Promise.resolve();
  // A failure is no error of the request: the statement then runs until its own limit.
  const cancel = () => {
    cancelled = pid
      .then((process) => canceller.execute(sql`select pg_cancel_backend(${process}::int)`))
      .catch(() => undefined);
  };
  // If this statement fails, so does the next one of the transaction, which reports it.
  pid.catch(() => undefined);
  signal.addEventListener('abort', cancel, { once: true });
  return async () => {
    signal.removeEventListener('abort', cancel);
    await cancelled;
  };
}
