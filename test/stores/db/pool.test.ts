import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { sql } from 'drizzle-orm';
import { afterAll, afterEach, assert, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { toProblem } from '../../../src/api/problem-details.ts';
import { openClient, openDatabase, type Queryable } from '../../../src/db/client.ts';
import { ConnectionPool } from '../../../src/db/pool.ts';
import { freshDatabase } from '../../support/database.ts';
import { waitFor } from '../../support/wait-for.ts';

/** The share of transactions among them. */
const TRANSACTIONS = 0.02;
/** The share of the transactions that fails, and that of all queries. */
const FAILING = { transactions: 0.1, queries: 0.005 };
/** Queries that are cancelled, queries and transactions whose session is ended. */
const DISTURBED = 5;

/** The name of the sessions under test. */
const NAME = 'pool_test';
const NO_TIMEOUTS = { idleInTransactionMs: null, lockMs: null, peerMs: null };

/** Numbers from 0 to 1 that look random and are the same in each run. */
function dice(): () => number {
  let state = 1;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
}

describe('a pool', () => {
  let database: Awaited<ReturnType<typeof freshDatabase>>;
  beforeAll(async () => {
    database = await freshDatabase();
    await database.client`create table note (id int primary key, part int not null)`;
  });
  afterAll(() => database?.close());

  /**
   * The sizes of migrations (1), commands and the reserve of the API (2), the API (10) and a worker (16). The pool of the
   * driver fails from 1,500 queries on. POOL_QUERIES sets another number for all.
   */
  describe.each([
    [1, 15_000],
    [2, 3000],
    [10, 15_000],
    [16, 3000],
  ])('of %i', (max, usual) => {
    const queries = Number(process.env['POOL_QUERIES'] ?? usual);
    let pool: ReturnType<typeof openDatabase>;
    const unhandled: unknown[] = [];
    const note = (error: unknown) => unhandled.push(error);
    beforeEach(async () => {
      pool = openDatabase(`${database.url}?application_name=${NAME}`, { max, timeouts: NO_TIMEOUTS });
      process.on('uncaughtException', note);
      process.on('unhandledRejection', note);
      await database.client`truncate note`;
      unhandled.length = 0;
    });
    afterEach(async () => {
      await pool.close();
      process.off('uncaughtException', note);
      process.off('unhandledRejection', note);
    });

    const sessions = () => database.client`
      select pid, state from pg_stat_activity where datname = current_database() and application_name = ${NAME}`;

    /**
     * Its own marker, and that it runs in no transaction that has written. Sent at once, as a transaction is: Drizzle's
     * own queries reach the driver some microtasks later.
     */
    const query = (n: number): Promise<number> => {
      const marker = n % 500 === 0 ? '$1::int' : String(n);
      return pool.db.$client
        .unsafe<{ n: number; alone: boolean }[]>(
          `select ${marker} as n, pg_current_xact_id_if_assigned() is null as alone`,
          n % 500 === 0 ? [n] : [],
        )
        .then(([row]) => (row?.alone === true ? row.n : -1));
    };
    /** Two rows in two statements, and the transaction's own session throughout. */
    const transaction = (
      n: number,
      last: (tx: Queryable) => Promise<unknown> = async () => {},
    ): Promise<number> =>
      pool.db.transaction(async (tx) => {
        const own = async () =>
          (
            await tx.execute<{ pid: number; xid: string }>(
              sql`select pg_backend_pid() as pid, pg_current_xact_id()::text as xid`,
            )
          )[0];
        const before = await own();
        await tx.execute(sql`insert into note values (${n}, 1)`);
        await Promise.all([
          tx.execute(sql`update note set part = part + 1 where id = ${n}`),
          tx.execute(sql`select count(*) from note`),
        ]);
        expect(await own()).toEqual(before);
        await last(tx);
        return n;
      });
    const sleep = (kind: string) => sql.raw(`select pg_sleep(600) as ${kind}`);
    /** The number, or the code of the error. */
    const outcome = (work: Promise<unknown>): Promise<unknown> =>
      work.catch((error: Error & { code?: string }) => {
        const { code, message } = (error.cause ?? error) as Error & { code?: string };
        return code ?? message;
      });

    it(`answers ${queries} queries at once, with failures, cancellations and ended sessions among them`, async () => {
      const roll = dice();
      const stored: number[] = [];
      const expected: unknown[] = [];
      const step = Math.floor(queries / (3 * DISTURBED));
      const ENDED = expect.stringMatching(/^(57P01|CONNECTION_CLOSED|ECONNRESET|EPIPE|transaction_lost)$/);
      const one = (n: number): Promise<unknown> => {
        const [part, kind] = [n % step, Math.floor(n / step) % 3];
        if (part === 1 && n < 3 * DISTURBED * step) {
          expected[n] = kind === 0 ? '57014' : ENDED;
          if (kind === 2) return transaction(n, (tx) => tx.execute(sleep('ended')));
          return pool.db.execute(sleep(kind === 0 ? 'cancelled' : 'ended'));
        }
        if (roll() < TRANSACTIONS) {
          if (roll() < FAILING.transactions) {
            expected[n] = 'taken back';
            return transaction(n, () => Promise.reject(new Error('taken back')));
          }
          stored.push(n);
          expected[n] = n;
          return transaction(n);
        }
        if (roll() < FAILING.queries) {
          expected[n] = '22012';
          return pool.db.execute(sql`select ${n} / ${0}::int`);
        }
        expected[n] = n;
        return query(n);
      };
      let left = queries;
      const outcomes = Array.from({ length: queries }, async (_, n) => {
        const result = await outcome(one(n));
        left -= 1;
        return result;
      });
      await waitFor(async () => {
        await database.client`
          select case when query like '% as cancelled' then pg_cancel_backend(pid) else pg_terminate_backend(pid) end
          from pg_stat_activity where application_name = ${NAME} and datname = current_database()
            and query like 'select pg_sleep(600)%' and state = 'active'`;
        return left === 0;
      }, 'the end of all of them');
      expect(await Promise.all(outcomes)).toEqual(expected);
      const notes = await database.client`select id, part from note order by id`;
      expect(notes.map(({ id }) => id)).toEqual(stored);
      expect(new Set(notes.map(({ part }) => part))).toEqual(new Set([2]));
      expect(stored.length).toBeGreaterThan(queries * TRANSACTIONS * 0.5);
      const open = await sessions();
      expect(open.length).toBeLessThanOrEqual(max);
      expect(open.filter(({ state }) => String(state).startsWith('idle in transaction'))).toEqual([]);
      const again = Array.from({ length: 100 }, (_, n) => n);
      expect(await Promise.all(again.map(query))).toEqual(again);
      await pool.close();
      await waitFor(async () => (await sessions()).length === 0, 'the end of its sessions');
      expect(unhandled).toEqual([]);
    });

    it('goes on after transactions and queries that fail', async () => {
      const failing = Array.from({ length: 300 }, (_, n) =>
        n % 2 === 0
          ? pool.db.execute(sql`select 1 / ${0}::int`)
          : pool.db.transaction(async (tx) => {
              await tx.execute(sql`insert into note values (${n}, 1)`);
              throw new Error('taken back');
            }),
      );
      const results = await Promise.allSettled(failing);
      expect(new Set(results.map(({ status }) => status))).toEqual(new Set(['rejected']));
      expect(await query(7)).toBe(7);
      expect(await pool.db.execute(sql`select 7 as n`)).toEqual([{ n: 7 }]);
      expect(await database.client`select from note`).toHaveLength(0);
      expect(unhandled).toEqual([]);
    });

    it('goes on after its connections were closed by PostgreSQL', async () => {
      const busy = Array.from({ length: 2 * max }, (_, n) =>
        n % 2 === 0
          ? pool.db.execute(sql`select pg_sleep(600)`)
          : pool.db.transaction((tx) => tx.execute(sql`select pg_sleep(600)`)),
      );
      let left = busy.length;
      for (const one of busy)
        one.then(
          () => assert.fail('it ended well'),
          () => (left -= 1),
        );
      await waitFor(async () => {
        await database.client`
          select pg_terminate_backend(pid) from pg_stat_activity
          where datname = current_database() and query like '%pg_sleep(600)%' and pid <> pg_backend_pid()`;
        return left === 0;
      }, 'the end of all of them');
      const numbers = Array.from({ length: 100 }, (_, n) => n);
      expect(await Promise.all(numbers.map(query))).toEqual(numbers);
      expect(unhandled).toEqual([]);
    });
  });

  it('gives a connection to one caller at a time, in their order', async () => {
    const served: number[] = [];
    const pool = new ConnectionPool(() => openClient(database.url, 1), 1, 100);
    try {
      const client = pool.client();
      let finish = () => {};
      const held = new Promise<void>((resolve) => {
        finish = resolve;
      });
      const first = client.begin(async (tx) => {
        await tx.unsafe('select 1');
        await held;
      });
      const others = [1, 2, 3].map(async (n) => {
        await client.unsafe('select 1');
        served.push(n);
      });
      await waitFor(() => pool.waiting === 3, 'three that wait');
      finish();
      await Promise.all([first, ...others]);
      expect([served, pool.waiting]).toEqual([[1, 2, 3], 0]);
    } finally {
      await pool.end(5);
    }
  });

  it('refuses callers when too many wait, and serves those that wait', async () => {
    const { db, close } = openDatabase(database.url, { max: 1, maxWaiting: 10 });
    try {
      const results = await Promise.allSettled(
        Array.from({ length: 15 }, (_, n) => db.execute(sql`select ${n}::int as n`)),
      );
      expect(results.map(({ status }) => status)).toEqual([
        ...Array.from({ length: 11 }, () => 'fulfilled'),
        ...Array.from({ length: 4 }, () => 'rejected'),
      ]);
      const transactions = await Promise.allSettled(
        Array.from({ length: 15 }, () => db.transaction((tx) => tx.execute(sql`select 1`))),
      );
      expect(transactions.filter(({ status }) => status === 'fulfilled')).toHaveLength(11);
      expect(transactions.at(-1)).toMatchObject({ reason: { code: 'database_busy', retryable: true } });
      const refused = results.at(-1);
      assert(refused?.status === 'rejected');
      expect(toProblem(refused.reason)).toMatchObject({ status: 503, code: 'database_busy', retryAfter: 5 });
      expect(await db.execute(sql`select 7 as n`)).toEqual([{ n: 7 }]);
    } finally {
      await close();
    }
  });

  it('ends while callers wait: the running query is answered, the others fail', async () => {
    const { db, close } = openDatabase(database.url, { max: 1 });
    const running = db.execute(sql`select 1 as n from pg_sleep(0.2)`);
    const waiting = Array.from({ length: 20 }, () => db.execute(sql`select 1`));
    const settled = Promise.allSettled([running, ...waiting]);
    await waitFor(
      async () =>
        (
          await database.client`select from pg_stat_activity where query like '%pg_sleep(0.2)%' and pid <> pg_backend_pid()`
        ).length > 0,
      'the running query',
    );
    await close();
    const [first, ...others] = await settled;
    expect(first).toMatchObject({ status: 'fulfilled', value: [{ n: 1 }] });
    expect(new Set(others.map(({ status }) => status))).toEqual(new Set(['rejected']));
    await expect(db.execute(sql`select 1`)).rejects.toMatchObject({ cause: { code: 'CONNECTION_ENDED' } });
  });

  describe('without a PostgreSQL', () => {
    let connections: number;
    let server: Server;
    const listen = async (onConnection: (socket: Socket) => void) => {
      connections = 0;
      server = createServer((socket) => {
        connections += 1;
        socket.on('error', () => {});
        onConnection(socket);
      }).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      return openDatabase(`postgres://user@127.0.0.1:${port}/none`, { max: 2 });
    };
    afterEach(() => server.close());

    it('fails at once if a proxy closes each connection before the login', async () => {
      const { db, close } = await listen((socket) => socket.once('data', () => socket.end()));
      await expect(db.execute(sql`select 1`)).rejects.toMatchObject({ cause: { code: 'CONNECTION_CLOSED' } });
      await expect(db.transaction(async () => {})).rejects.toMatchObject({ code: 'CONNECTION_CLOSED' });
      // The driver alone would connect some hundred times a second.
      expect(connections).toBeLessThanOrEqual(4);
      await close();
    });

    it('fails all who wait if no connection can be opened, not one after the other', async () => {
      const sockets: Socket[] = [];
      const { db, close } = await listen((socket) => sockets.push(socket));
      const all = Promise.allSettled(Array.from({ length: 1000 }, () => db.execute(sql`select 1`)));
      await waitFor(() => sockets.length === 2, 'two that connect');
      for (const socket of sockets.splice(0)) socket.resetAndDestroy();
      const results = await all;
      expect(new Set(results.map(({ status }) => status))).toEqual(new Set(['rejected']));
      expect(connections).toBeLessThanOrEqual(4);
      await close();
    });
  });
});
