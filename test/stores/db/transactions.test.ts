import { sql } from 'drizzle-orm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase, type Queryable } from '../../../src/db/client.ts';
import { freshDatabase } from '../../support/database.ts';
import { waitFor } from '../../support/wait-for.ts';

describe('a transaction whose connection is lost', () => {
  let database: Awaited<ReturnType<typeof freshDatabase>>;
  /** One connection: the next transaction gets the same one, opened again. */
  let pool: ReturnType<typeof openDatabase>;
  beforeEach(async () => {
    database = await freshDatabase();
    await database.client`create table note (id int primary key)`;
    pool = openDatabase(database.url, { max: 1 });
  });
  afterEach(async () => {
    await pool.close();
    await database.close();
  });

  const end = async (tx: Queryable) => {
    const [row] = await tx.execute<{ pid: number }>(sql`select pg_backend_pid() as pid`);
    const pid = row?.pid ?? 0;
    await database.client`select pg_terminate_backend(${pid})`;
    await waitFor(
      async () => (await database.client`select 1 from pg_stat_activity where pid = ${pid}`).length === 0,
      'the connection to be closed',
    );
  };
  const notes = async () => (await database.client`select id from note order by id`).map((row) => row['id']);

  it('ends with an error, and so do its later statements', async () => {
    let letGo = () => {};
    const held = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    let late: unknown;
    const transaction = pool.db.transaction(async (tx) => {
      await tx.execute(sql`insert into note values (1)`);
      await end(tx);
      await held;
      late = await tx.execute(sql`insert into note values (2)`).catch((error: unknown) => error);
    });
    await expect(transaction).rejects.toThrow();
    letGo();
    await waitFor(() => late !== undefined, 'the rest of it');
    expect(late).toMatchObject({ cause: { code: 'transaction_lost' } });
    expect(await notes()).toEqual([]);
  });

  it('ends with the error of the query that was under way', async () => {
    const transaction = pool.db.transaction(async (tx) => {
      await tx.execute(sql`select pg_terminate_backend(pg_backend_pid())`);
    });
    await expect(transaction).rejects.toThrow();
    const again = () => pool.db.execute(sql`insert into note values (3)`);
    await waitFor(
      () =>
        again().then(
          () => true,
          () => false,
        ),
      'a new connection',
    );
    expect(await notes()).toEqual([3]);
  });

  it('does not commit the transaction that got its connection', async () => {
    let letGo = () => {};
    const held = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    const first = pool.db.transaction(async (tx) => {
      await end(tx);
      await held;
    });
    await expect(first).rejects.toThrow();
    const second = pool.db.transaction(async (tx) => {
      await tx.execute(sql`insert into note values (1)`);
      letGo();
      await tx.execute(sql`insert into note values (2)`);
      throw new Error('taken back');
    });
    await expect(second).rejects.toThrow('taken back');
    expect(await notes()).toEqual([]);
  });

  it('is rolled back when its work over another connection broke, and its own connection is healthy', async () => {
    const broken = pool.db.transaction(async (tx) => {
      await tx.execute(sql`insert into note values (1)`);
      await database.client`select pg_terminate_backend(pg_backend_pid())`;
    });
    await expect(broken).rejects.toThrow();
    await pool.db.execute(sql`insert into note values (2)`);
    expect(await notes()).toEqual([2]);
  });
});
