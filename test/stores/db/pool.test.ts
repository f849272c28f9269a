import { sql } from 'drizzle-orm';
import { afterAll, afterEach, assert, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openClient, openDatabase } from '../../../src/db/client.ts';
import { ConnectionPool } from '../../../src/db/pool.ts';
import { freshDatabase } from '../../support/database.ts';
import { waitFor } from '../../support/wait-for.ts';

const BURSTS = 20;
const QUERIES = 1500;
/** The share of transactions among them. */
const TRANSACTIONS = 0.02;

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

  describe.each([10, 1])('of %i', (max) => {
    let pool: ReturnType<typeof openDatabase>;
    const unhandled: unknown[] = [];
    const note = (error: unknown) => unhandled.push(error);
    beforeEach(async () => {
      pool = openDatabase(database.url, { max });
      process.on('uncaughtException', note);
      process.on('unhandledRejection', note);
      await database.client`truncate note`;
    });
    afterEach(async () => {
      await pool.close();
      process.off('uncaughtException', note);
      process.off('unhandledRejection', note);
    });

    /** Sent at once, as a transaction is: Drizzle's own queries reach the driver some microtasks later. */
    const query = (n: number): Promise<number> => {
      const text = n % 500 === 0 ? 'select $1::int as n' : `select ${n} as n`;
      return pool.db.$client
        .unsafe<{ n: number }[]>(text, n % 500 === 0 ? [n] : [])
        .then(([row]) => row?.n ?? -1);
    };
    /** Two rows in two statements, and the transaction's own session throughout. */
    const transaction = (n: number): Promise<number> =>
      pool.db.transaction(async (tx) => {
        const pid = async () =>
          (
            await tx.execute<{ pid: number; xid: string }>(
              sql`select pg_backend_pid() as pid, pg_current_xact_id()::text as xid`,
            )
          )[0];
        const before = await pid();
        await tx.execute(sql`insert into note values (${n}, 1)`);
        await Promise.all([
          tx.execute(sql`update note set part = part + 1 where id = ${n}`),
          tx.execute(sql`select count(*) from note`),
        ]);
        expect(await pid()).toEqual(before);
        return n;
      });

    it(`serves ${BURSTS} bursts of ${QUERIES} queries and transactions, each with its own answer`, async () => {
      const roll = dice();
      let transactions = 0;
      for (let burst = 0; burst < BURSTS; burst += 1) {
        const numbers = Array.from({ length: QUERIES }, (_, n) => burst * QUERIES + n);
        const answers = await Promise.all(
          numbers.map((n) => {
            if (roll() >= TRANSACTIONS) return query(n);
            transactions += 1;
            return transaction(n);
          }),
        );
        expect(answers).toEqual(numbers);
      }
      const [stored] = await database.client`select count(*)::int as n, min(part) as least from note`;
      expect(stored).toEqual({ n: transactions, least: 2 });
      expect(unhandled).toEqual([]);
      const [sessions] = await database.client`
        select count(*)::int as n from pg_stat_activity
        where datname = current_database() and state like 'idle in transaction%'`;
      expect(sessions).toEqual({ n: 0 });
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
    const pool = new ConnectionPool(() => openClient(database.url, 1), 1);
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
});
