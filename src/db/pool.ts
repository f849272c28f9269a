import { sql } from 'drizzle-orm';
import postgres from 'postgres';
import { PasserelleError } from '../shared/errors.ts';

type Row = Record<string, unknown>;
type Rows = postgres.RowList<Row[]>;

/** The part of the driver's client that Drizzle uses. */
type PooledClient = Pick<postgres.Sql, 'begin' | 'unsafe' | 'options'>;

/**
 * Too many queries wait for a connection of this process to PostgreSQL. Nothing was sent.
 *
 * @fix Try again after `Retry-After`. If it repeats, start more processes, or search `pg_stat_activity` for slow
 * queries.
 */
class DatabaseBusyError extends PasserelleError {
  readonly code = 'database_busy';
  override readonly retryable = true;
  constructor(waiting: number) {
    super(
      `${waiting} queries wait for a connection to PostgreSQL, which is the maximum; try again in a moment.`,
    );
  }
}

/**
 * A pool of connections in front of the driver. Each connection serves one caller at a time, for a query or a whole
 * transaction. Further callers wait in order of arrival, and are refused if too many wait. The wait ends, because
 * PostgreSQL limits every session (`SessionTimeouts`). If PostgreSQL cannot be reached at all, all who wait fail at once:
 * one after the other, each would wait for its own timeout.
 *
 * The pool of the driver (postgres 3.4.9) can send a `begin` on a connection that has other queries in flight, and does
 * not reserve that connection. It happens if 100 queries are in its pipeline or its socket has to drain
 * (porsager/postgres#1189, #1204, #1207). The transaction then fails as unsafe, or shares its connection with other
 * queries; in a pool of one, a `TypeError` ends the process. A late `drain` event even reuses a connection in the
 * middle of its transaction. This pool prevents it: each connection is a driver client of its own (`max: 1`) and idle
 * when its next caller gets it. Within a transaction, queries are still pipelined.
 */
export class ConnectionPool {
  readonly #open: () => postgres.Sql;
  readonly #connections: Set<postgres.Sql>;
  readonly #idle: postgres.Sql[];
  readonly #maxWaiting: number;
  /** In order of arrival, from `#first` on: `shift` would move thousands of entries each time. */
  #waiting: Waiting[] = [];
  #first = 0;
  #ended = false;

  /** @param open creates a client with one connection; it connects with its first query. */
  constructor(open: () => postgres.Sql, max: number, maxWaiting: number) {
    this.#open = open;
    this.#maxWaiting = maxWaiting;
    this.#connections = new Set(Array.from({ length: max }, open));
    this.#idle = [...this.#connections];
  }

  /** Callers that wait for a connection. */
  get waiting(): number {
    return this.#waiting.length - this.#first;
  }

  /** A client for Drizzle, whose transactions end when their connection does. */
  client(trace?: TraceStatement): PooledClient {
    return {
      // Drizzle sets its own here; the settings of the connections apply.
      options: { parsers: {}, serializers: {} } as postgres.Sql['options'],
      unsafe: ((...call: Parameters<postgres.Sql['unsafe']>) =>
        this.#query((connection) => preparing(connection, trace)(...call))) as postgres.Sql['unsafe'],
      begin: ((work: (tx: postgres.TransactionSql) => Promise<unknown>) =>
        this.#begin(work, trace)) as postgres.Sql['begin'],
    };
  }

  /** Closes each connection after its query or transaction, at the latest after `timeout` seconds. */
  async end(timeout: number): Promise<void> {
    this.#ended = true;
    await Promise.all([...this.#connections].map((connection) => connection.end({ timeout })));
  }

  /** A query that is sent when it is awaited and a connection is idle. `values`: rows are arrays. */
  #query(send: (connection: postgres.Sql) => postgres.PendingQuery<Row[]>) {
    let result: Promise<unknown> | null = null;
    const run = (asValues: boolean) => {
      result ??= this.#use<unknown>((connection) =>
        asValues ? send(connection).values() : send(connection),
      );
      return result;
    };
    return {
      values: () => run(true),
      // biome-ignore lint/suspicious/noThenProperty: Drizzle awaits what `unsafe` returns.
      then: (...on: Parameters<Promise<Rows>['then']>) => (run(false) as Promise<Rows>).then(...on),
      catch: (on: (reason: unknown) => unknown) => run(false).catch(on),
      finally: (on: () => void) => run(false).finally(on),
    };
  }

  async #use<Result>(work: (connection: postgres.Sql) => PromiseLike<Result>): Promise<Result> {
    const connection = this.#idle.pop() ?? (await this.#wait());
    try {
      const result = await work(connection);
      this.#release(connection);
      return result;
    } catch (error) {
      this.#releaseAfter(connection, error);
      throw error;
    }
  }

  async #begin(
    work: (tx: postgres.TransactionSql) => Promise<unknown>,
    trace: TraceStatement | undefined,
  ): Promise<unknown> {
    const connection = this.#idle.pop() ?? (await this.#wait());
    // A transaction that lost its connection ends for its caller before it ends for the driver.
    return beginOn(connection, work, trace, (error) => this.#releaseAfter(connection, error));
  }

  #wait(): Promise<postgres.Sql> {
    if (this.waiting >= this.#maxWaiting) return Promise.reject(new DatabaseBusyError(this.waiting));
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  #releaseAfter(connection: postgres.Sql, error: unknown): void {
    if (!isBreak(error)) {
      this.#release(connection);
      return;
    }
    if (![...this.#connections].some(isLoggedIn)) this.#rejectAll(error);
    this.#release(this.#replaced(connection));
  }

  #rejectAll(error: unknown): void {
    const waiting = this.#waiting.slice(this.#first);
    this.#waiting = [];
    this.#first = 0;
    for (const { reject } of waiting) reject(error);
  }

  /**
   * Replaces a client whose connection broke. The driver would reconnect it, and give the error of the old connection
   * to its next query.
   */
  #replaced(broken: postgres.Sql): postgres.Sql {
    if (this.#ended) return broken;
    this.#connections.delete(broken);
    void broken.end({ timeout: 0 });
    const connection = this.#open();
    this.#connections.add(connection);
    return connection;
  }

  #release(connection: postgres.Sql): void {
    const next = this.#waiting[this.#first];
    if (next === undefined) {
      this.#idle.push(connection);
      return;
    }
    this.#first += 1;
    if (this.#first === this.#waiting.length) {
      this.#waiting = [];
      this.#first = 0;
    } else if (this.#first > 1000 && this.#first * 2 > this.#waiting.length) {
      // Removes served callers, while new ones keep coming.
      this.#waiting = this.#waiting.slice(this.#first);
      this.#first = 0;
    }
    next.resolve(connection);
  }
}

/** PostgreSQL sends its parameters at the login. */
const isLoggedIn = ({ parameters }: postgres.Sql) => Object.keys(parameters).length > 0;

interface Waiting {
  readonly resolve: (connection: postgres.Sql) => void;
  readonly reject: (reason: unknown) => void;
}

const MARK = '/* prepared */';

/**
 * Marks a statement that runs so often that each connection should parse and plan it once. Its text must never change,
 * because a connection keeps every text: all varying parts, including lists, must be parameters.
 *
 * Only for statements that search no table: a plan that was made while the table was small reads all of it, and is
 * kept.
 */
export const PREPARED = sql.raw(MARK);

/** `unsafe` of the driver, which prepares marked statements. Drizzle (0.45) has no option for it. */
function preparing(
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
  // The driver sends it in the next microtask, so the caller may still choose the form of the rows.
  pending.then(() => ended(), ended);
  return pending;
}

/**
 * Called before a statement is sent, with its text without parameters. The returned function is called once at its end,
 * with the error if it failed.
 */
export type TraceStatement = (text: string) => (error?: unknown) => void;

/**
 * The connection of a transaction broke. PostgreSQL rolled the transaction back.
 *
 * @fix Nothing: the worker retries the work. If it was a command, run it again. If it repeats, check PostgreSQL and the
 * network.
 */
export class TransactionLostError extends PasserelleError {
  readonly code = 'transaction_lost';
  override readonly retryable = true;
  constructor() {
    super(
      'PostgreSQL closed the connection in the middle of a transaction, which is undone; it can be tried again.',
    );
  }
}

/** A broken connection is closed by then. */
const CLOSED_AFTER_MS = 1000;

/**
 * Runs a transaction that fails if its connection breaks.
 *
 * After a break the driver (postgres 3.4.9) continues: it sends the rest of the transaction, or its `rollback`, over a
 * closed connection, which ends the process (porsager/postgres#1208). Or it sends it over a connection that was
 * reopened for the next caller, and ends the transaction of that caller.
 *
 * @param onReleased called once, when the driver has released the connection, with the error if the transaction failed.
 */
function beginOn(
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
        // Never settled after the connection is gone: the driver then sends nothing more.
        new Promise((commit, rollBack) => {
          work(whileAlive(tx, () => !over, trace)).then(
            (result) => over || commit(result),
            (error: unknown) => {
              if (over) return;
              over = isBreak(error);
              if (!over) return rollBack(error);
              reject(error);
              // The error may come from another connection, or from Redis: then this one would stay in its transaction.
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

/** The codes of the driver, and those of the socket. */
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
