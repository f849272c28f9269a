import { drizzle } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import * as schema from './schema/index.ts';
import type { TraceStatement } from './statement-trace.ts';
import { endingTransactions } from './transactions.ts';

export type Database = ReturnType<typeof openDatabase>['db'];
export type Transaction = Parameters<Parameters<Database['transaction']>[0]>[0];
/** Queries take one of these first, so a transaction is just another database. */
export type Queryable = Database | Transaction;

/** PostgreSQL's type number of `timestamp with time zone`. */
const TIMESTAMPTZ = 1184;

/** `0001-01-01 00:00:00+00` as `0001-01-01T00:00:00+00:00`; anything else as it is. */
function isoMoment(text: string): string {
  return text.replace(/^(\d{4,}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?[+-]\d\d)$/, '$1T$2:00');
}

export interface DatabaseOptions {
  readonly max?: number;
  readonly trace?: TraceStatement | undefined;
  /** Settings of each session, such as `statement_timeout`. */
  readonly session?: Readonly<Record<string, string | number>>;
}

/**
 * Opens a pool of `max` connections; nothing is sent before the first query. The driver's own look-up of array
 * types is off: it can end as an unhandled rejection when the server goes away, and no array column is read.
 */
export function openDatabase(url: string, { max = 10, trace, session }: DatabaseOptions = {}) {
  const client = postgres(url, {
    max,
    fetch_types: false,
    onnotice: () => {},
    // In UTC, PostgreSQL words every moment that the mirror stores without BC and with whole minutes of offset.
    connection: { application_name: 'passerelle', TimeZone: 'UTC', ...session },
  });
  const db = drizzle(endingTransactions(client, trace), { schema });
  // Drizzle leaves moments as text, and `new Date` would take PostgreSQL's wording of the year 1 for 2001.
  client.options.parsers[TIMESTAMPTZ] = isoMoment;
  return { db, client, close: () => client.end({ timeout: 5 }) };
}
