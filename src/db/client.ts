/**
 * PostgreSQL: connections, tables and queries, one file or folder for each aggregate (documents, runs, model, keys,
 * alerts).
 *
 * `openDatabase` opens a pool; its caller closes it. Every function takes a `Queryable` first, so it works in a
 * transaction too. Invariants: a connection serves one query or transaction at a time; a transaction ends with its
 * connection; each session has time limits, so that a frozen process releases its locks. Rows are typed by `schema/`.
 *
 * ```ts
 * const { db, close } = openDatabase(config.databaseUrl);
 * await db.transaction((tx) => createRun(tx, run));
 * ```
 */
import { sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import { ConnectionPool, type TraceStatement } from './pool.ts';
import * as schema from './schema/index.ts';

export type Database = ReturnType<typeof openDatabase>['db'];
export type Transaction = Parameters<Parameters<Database['transaction']>[0]>[0];
/** The first parameter of all queries: a database or a transaction. */
export type Queryable = Database | Transaction;

/** The name of our sessions in `pg_stat_activity`. */
export const APPLICATION_NAME = 'passerelle';

interface DatabaseOptions {
  /** Maximum of connections; 10 by default. */
  readonly max?: number;
  /** Maximum of queries and transactions that wait for a connection; more are refused. 100,000 by default. */
  readonly maxWaiting?: number;
  /** Called around each statement. */
  readonly trace?: TraceStatement | undefined;
  /** The timeouts of each session; `TIMEOUTS` by default. */
  readonly timeouts?: SessionTimeouts;
}

/** In milliseconds. Null: the setting is not sent, and the value of the server applies. */
export interface SessionTimeouts {
  /** Shorter than the lease of a run: a frozen process releases its locks before another one takes its run. */
  readonly idleInTransactionMs: number | null;
  /** Longer than `idleInTransactionMs`: the lock of a frozen process is released before the waiting ones fail. */
  readonly lockMs: number | null;
  /** After this time without an answer, both ends close the connection. */
  readonly peerMs: number | null;
  /** The maximum duration of a statement. */
  readonly statementMs?: number | null;
}

export const TIMEOUTS: SessionTimeouts = { idleInTransactionMs: 30_000, lockMs: 60_000, peerMs: 60_000 };

/** Keepalive probes without an answer after which a connection counts as lost. */
const PROBES = 3;

/** A sixth of `peerMs` passes between two probes, and two sixths before the first: all have failed within `peerMs`. */
const probeSeconds = (ms: number) => Math.max(1, Math.floor(ms / (2 * PROBES) / 1000));

/** Startup parameters. PostgreSQL ignores the TCP ones on a Unix socket, and on systems that do not support them. */
function sessionSettings({
  idleInTransactionMs,
  lockMs,
  peerMs,
  statementMs = null,
}: SessionTimeouts): Record<string, string> {
  return {
    ...(idleInTransactionMs !== null && {
      idle_in_transaction_session_timeout: String(idleInTransactionMs),
    }),
    ...(lockMs !== null && { lock_timeout: String(lockMs) }),
    ...(statementMs !== null && { statement_timeout: String(statementMs) }),
    ...(peerMs !== null && {
      tcp_keepalives_idle: String(probeSeconds(2 * peerMs)),
      tcp_keepalives_interval: String(probeSeconds(peerMs)),
      tcp_keepalives_count: String(PROBES),
      tcp_user_timeout: String(peerMs),
    }),
  };
}

/** Type numbers of PostgreSQL: `timestamp with time zone`, the other dates and times, and JSON. */
const TIMESTAMPTZ = 1184;
const DATES_AND_TIMES = [1082, 1083, 1114, 1115, 1182, 1185, 1231];
const JSON_TYPES = [114, 3802];

/** `0001-01-01 00:00:00+00` as `0001-01-01T00:00:00+00:00`; other texts are unchanged. */
function isoMoment(text: string): string {
  return text.replace(/^(\d{4,}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?[+-]\d\d)$/, '$1T$2:00');
}

const asText = (value: unknown) => value;

/**
 * Opens a client of the driver; it connects with its first query. The driver's own look-up of array types is off: it
 * can end as an unhandled rejection if the server closes the connection, and no array column is read.
 */
export function openClient(url: string, max: number, timeouts: SessionTimeouts = TIMEOUTS): postgres.Sql {
  const client = postgres(url, {
    max,
    fetch_types: false,
    onnotice: () => {},
    // In UTC, PostgreSQL writes every stored time without BC and with whole minutes of offset.
    connection: { application_name: APPLICATION_NAME, TimeZone: 'UTC', ...sessionSettings(timeouts) },
    // In seconds. Node sends the first probe then; the system sends the others.
    ...(timeouts.peerMs !== null && { keep_alive: probeSeconds(2 * timeouts.peerMs) }),
  });
  const { parsers, serializers } = client.options;
  // Dates stay text, and Drizzle parses JSON itself. `new Date` would read PostgreSQL's text of the year 1 as 2001.
  for (const type of DATES_AND_TIMES) parsers[type] = asText;
  parsers[TIMESTAMPTZ] = isoMoment;
  for (const type of [TIMESTAMPTZ, ...DATES_AND_TIMES, ...JSON_TYPES]) serializers[type] = asText;
  limitAttempts(client, max);
  return client;
}

/**
 * Lets a connection fail if the server closes it before its login is complete, as a TCP proxy without a backend does.
 * The driver (postgres 3.4.9) would connect again at once, without an end, and its query would wait for ever.
 *
 * The driver reads the startup parameters for each attempt, and stores the parameters that the server sends at login.
 */
function limitAttempts({ options, parameters }: postgres.Sql, max: number): void {
  const { connection } = options;
  let attempts = 0;
  Object.defineProperty(options, 'connection', {
    get: () => {
      const names = Object.keys(parameters);
      attempts = names.length === 0 ? attempts + 1 : 1;
      for (const name of names) delete parameters[name];
      if (attempts > max) throw closedAtLogin();
      return connection;
    },
  });
}

/** It has the code that the driver uses for a server that closes the connection. */
const closedAtLogin = () =>
  Object.assign(new Error('PostgreSQL, or a proxy before it, closed the connection before the login.'), {
    code: 'CONNECTION_CLOSED',
  });

/** 5 KB each. */
const MAX_WAITING = 100_000;

/** Opens a pool of connections. Nothing is sent before the first query. */
export function openDatabase(
  url: string,
  { max = 10, maxWaiting = MAX_WAITING, trace, timeouts }: DatabaseOptions = {},
) {
  const pool = new ConnectionPool(() => openClient(url, 1, timeouts), max, maxWaiting);
  // Drizzle expects the client of the driver, but uses only what the pool has.
  const db = drizzle(pool.client(trace) as postgres.Sql, { schema });
  return { db, close: () => pool.end(5) };
}

/** The clock of PostgreSQL, which all processes share. */
export async function databaseClock(db: Queryable): Promise<Date> {
  const [row] = await db.execute<{ now: string }>(sql`select clock_timestamp() as now`);
  return new Date(row?.now ?? Number.NaN);
}

export interface Cancelling {
  /** Aborted when the result is no longer needed. */
  readonly signal: AbortSignal;
  /**
   * Sends the cancellation. It is another pool, because the statements to cancel may hold all connections of the first.
   */
  readonly canceller: Database;
}

type Options = Parameters<Database['transaction']>[1];

/**
 * Runs `work` in a transaction. An aborted signal cancels its statement in PostgreSQL, or prevents its start.
 *
 * It needs a transaction, because `pg_cancel_backend` names a process, not a statement. Until the transaction ends, the
 * process runs no statement of another request.
 *
 * @throws the reason of the signal if it was aborted, otherwise the error of `work`.
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
    // Not awaited: it is sent together with the first statement of `work`.
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
  // This failure does not fail the request: the statement runs until its own limit.
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
