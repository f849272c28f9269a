import { sql } from 'drizzle-orm';
import type { Database, Transaction } from './connection.ts';

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
