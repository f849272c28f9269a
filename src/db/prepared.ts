import { sql } from 'drizzle-orm';
import type postgres from 'postgres';
import type { TraceStatement } from './statement-trace.ts';

const MARK = '/* prepared */';

/**
 * Begins a statement that runs so often that each connection is to parse and plan it once. Its text must always be the
 * same, since a connection keeps every one: whatever varies, lists included, belongs into parameters.
 *
 * Only for what looks nothing up in a table: a plan that was made while the table was small reads all of it, and is kept.
 */
export const PREPARED = sql.raw(MARK);

/** `unsafe` of the driver, which prepares what is marked. Drizzle (0.45) has no way to ask for it. */
export function preparing(
  client: postgres.Sql | postgres.TransactionSql,
  trace?: TraceStatement,
): postgres.Sql['unsafe'] {
  return (query, parameters, options) => {
    const marked = query.startsWith(MARK) ? { ...options, prepare: true } : options;
    return traced(client.unsafe(query, parameters, marked), query, trace);
  };
}

function traced<Pending extends PromiseLike<unknown>>(
  pending: Pending,
  query: string,
  trace: TraceStatement | undefined,
): Pending {
  if (trace === undefined) return pending;
  const ended = trace(query);
  // The driver sends it in the next microtask: who called may still say in what form the rows are wanted.
  pending.then(() => ended(), ended);
  return pending;
}
