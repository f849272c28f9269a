import { sql } from 'drizzle-orm';
import type postgres from 'postgres';

const MARK = '/* prepared */';

/**
 * Begins a statement that runs so often that each connection is to parse and plan it once. Its text must always be the
 * same, since a connection keeps every one: whatever varies, lists included, belongs into parameters.
 *
 * Only for what looks nothing up in a table: a plan that was made while the table was small reads all of it, and is kept.
 */
export const PREPARED = sql.raw(MARK);

/** `unsafe` of the driver, which prepares what is marked. Drizzle (0.45) has no way to ask for it. */
export function preparing(client: postgres.Sql | postgres.TransactionSql): postgres.Sql['unsafe'] {
  return (query, parameters, options) =>
    client.unsafe(query, parameters, query.startsWith(MARK) ? { ...options, prepare: true } : options);
}
