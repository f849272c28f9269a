import { drizzle } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import * as schema from './schema/index.ts';

export type Database = ReturnType<typeof openDatabase>['db'];
export type Transaction = Parameters<Parameters<Database['transaction']>[0]>[0];
/** Queries take one of these first, so a transaction is just another database. */
export type Queryable = Database | Transaction;

/**
 * Opens a pool of `max` connections; nothing is sent before the first query. The driver's own look-up of array
 * types is off: it can end as an unhandled rejection when the server goes away, and no array column is read.
 */
export function openDatabase(url: string, max = 10) {
  const client = postgres(url, {
    max,
    fetch_types: false,
    onnotice: () => {},
    connection: { application_name: 'passerelle' },
  });
  return { db: drizzle(client, { schema }), client, close: () => client.end({ timeout: 5 }) };
}
