import type postgres from 'postgres';
import { preparing, type TraceStatement } from './client.ts';
import { beginOn, isBreak } from './transactions.ts';

type Row = Record<string, unknown>;
type Rows = postgres.RowList<Row[]>;

/** The part of the driver's client that Drizzle uses. */
export type PooledClient = Pick<postgres.Sql, 'begin' | 'unsafe' | 'options'>;

/**
 * A pool of connections in front of the driver. Each connection works for one caller at a time, a query or a whole
 * transaction; further callers wait here, in their order.
 *
 * The driver's own pool (postgres 3.4.9) sends a `begin` on a connection that has other queries in flight, and does not
 * reserve that connection, if 100 queries are in its pipeline or its socket has to drain (porsager/postgres#1189, #1204,
 * #1207). The transaction then fails as unsafe, or shares its connection with other queries; in a pool of one, a
 * `TypeError` ends the process. A late `drain` event even hands over a connection in the middle of its transaction. Neither
 * can happen here: each connection is a driver client of its own (`max: 1`) and idle when its next caller gets it.
 * Within a transaction, queries are still pipelined.
 */
export class ConnectionPool {
  readonly #open: () => postgres.Sql;
  readonly #connections: Set<postgres.Sql>;
  readonly #idle: postgres.Sql[];
  /** In the order of their arrival, from `#first` on: `shift` would move thousands of others each time. */
  #waiting: ((connection: postgres.Sql) => void)[] = [];
  #first = 0;
  #ended = false;

  /** @param open makes a client with one connection; it connects with its first query. */
  constructor(open: () => postgres.Sql, max: number) {
    this.#open = open;
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
      // Drizzle sets its own here; those that count are the connections'.
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

  /** A query that is sent when it is awaited and a connection is idle. `values` asks for rows as arrays. */
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
      this.#release(isBreak(error) ? this.#replaced(connection) : connection);
      throw error;
    }
  }

  async #begin(
    work: (tx: postgres.TransactionSql) => Promise<unknown>,
    trace: TraceStatement | undefined,
  ): Promise<unknown> {
    const connection = this.#idle.pop() ?? (await this.#wait());
    // A transaction that lost its connection is over for its caller before the driver is done with it.
    return beginOn(connection, work, trace, (error) =>
      this.#release(isBreak(error) ? this.#replaced(connection) : connection),
    );
  }

  #wait(): Promise<postgres.Sql> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /**
   * A new client in the place of one whose connection broke. The driver would connect that one again, and give the error
   * of the old connection to its next query.
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
      // Frees the callers that were served, while others keep coming.
      this.#waiting = this.#waiting.slice(this.#first);
      this.#first = 0;
    }
    next(connection);
  }
}
