import { drizzle } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import { ConnectionPool } from './pool.ts';
import * as schema from './schema/index.ts';
import type { TraceStatement } from './statement-trace.ts';

export type Database = ReturnType<typeof openDatabase>['db'];
export type Transaction = Parameters<Parameters<Database['transaction']>[0]>[0];
/** Queries take one of these first, so a transaction is just another database. */
export type Queryable = Database | Transaction;

/** Parameters of PostgreSQL's sessions, by their PostgreSQL names. Times are in milliseconds. */
export type SessionSettings = Readonly<Record<string, string | number>>;

export interface DatabaseOptions {
  /** Connections. */
  readonly max?: number;
  readonly trace?: TraceStatement | undefined;
  readonly session?: SessionSettings;
}

/** PostgreSQL's type numbers of `timestamp with time zone`, of the other dates and times, and of JSON. */
const TIMESTAMPTZ = 1184;
const DATES_AND_TIMES = [1082, 1083, 1114, 1115, 1182, 1185, 1231];
const JSON_TYPES = [114, 3802];

/** `0001-01-01 00:00:00+00` as `0001-01-01T00:00:00+00:00`; anything else as it is. */
function isoMoment(text: string): string {
  return text.replace(/^(\d{4,}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?[+-]\d\d)$/, '$1T$2:00');
}

const asText = (value: unknown) => value;

/**
 * Opens a client of the driver; it connects with its first query. The driver's own look-up of array types is off: it can
 * end as an unhandled rejection if the server goes away, and no array column is read.
 */
export function openClient(url: string, max: number, session: SessionSettings = {}): postgres.Sql {
  const client = postgres(url, {
    max,
    fetch_types: false,
    onnotice: () => {},
    // In UTC, PostgreSQL words every moment that the mirror stores without BC and with whole minutes of offset.
    connection: { application_name: 'passerelle', TimeZone: 'UTC', ...session },
  });
  const { parsers, serializers } = client.options;
  // Dates stay text, and Drizzle writes JSON itself. `new Date` would take PostgreSQL's wording of the year 1 for 2001.
  for (const type of DATES_AND_TIMES) parsers[type] = asText;
  parsers[TIMESTAMPTZ] = isoMoment;
  for (const type of [TIMESTAMPTZ, ...DATES_AND_TIMES, ...JSON_TYPES]) serializers[type] = asText;
  return client;
}

/** Opens a pool of connections; nothing is sent before the first query. */
export function openDatabase(url: string, { max = 10, trace, session }: DatabaseOptions = {}) {
  const pool = new ConnectionPool(() => openClient(url, 1, session), max);
  // Drizzle asks for the driver's whole client and uses what the pool has.
  const db = drizzle(pool.client(trace) as postgres.Sql, { schema });
  return { db, close: () => pool.end(5) };
}
