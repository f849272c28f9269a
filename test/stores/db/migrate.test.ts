import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FOLDER, migrate } from '../../../src/db/migrate.ts';
import { freshDatabase } from '../../support/database.ts';
import { startProcess } from '../../support/own-process.ts';
import { waitFor } from '../../support/wait-for.ts';

const ROWS = 2000;

describe('a migration of a database that is in use', () => {
  let database: Awaited<ReturnType<typeof freshDatabase>>;
  let folder: string;
  let letGo: (() => void) | undefined;
  beforeEach(async () => {
    database = await freshDatabase();
    folder = await mkdtemp(join(tmpdir(), 'passerelle-migrations-'));
    await cp(FOLDER, folder, { recursive: true });
  });
  afterEach(async () => {
    letGo?.();
    await rm(folder, { recursive: true });
    await database.close();
  });

  const sql = () => database.client;
  /** Takes the database back to where the first migrations left it, with rows in it. */
  const backTo = async (tag: string) => {
    await sql()`drop schema public cascade`;
    await sql()`drop schema drizzle cascade`;
    await sql()`create schema public`;
    const file = join(folder, 'meta/_journal.json');
    const journal = JSON.parse(await readFile(file, 'utf8')) as { entries: { tag: string }[] };
    const last = journal.entries.findIndex((entry) => entry.tag === tag);
    await writeFile(file, JSON.stringify({ ...journal, entries: journal.entries.slice(0, last + 1) }));
    await migrate(database.url, { folder });
    await write(1, ROWS);
  };
  const write = (from: number, to: number) => sql()`
    insert into scrap_dimagaz_bc (odoo_id, fields, content_hash, fetch_seq, fetched_at, synced_at)
    select id, jsonb_build_object('name', 'BC' || id), 'x', 1, now(), now() from generate_series(${from}::int, ${to}::int) id`;
  /** A transaction that has done `statement` and stays open until it is released. */
  const inTransaction = (statement: string) =>
    new Promise<void>((opened, fail) => {
      const released = new Promise<void>((release) => {
        letGo = release;
      });
      const open = sql().begin(async (tx) => {
        await tx.unsafe(statement);
        opened();
        await released;
      });
      open.catch(fail);
    });
  const building = () =>
    waitFor(async () => {
      const [row] =
        await sql()`select phase from pg_stat_progress_create_index where datname = current_database()`;
      return String(row?.['phase']).startsWith('waiting for');
    }, 'an index to be waiting for the open transaction');
  const indexes = async () => {
    const rows = await sql()<{ name: string; valid: boolean }[]>`
      select indexrelid::regclass::text as name, indisvalid as valid from pg_index
      where indrelid = 'scrap_dimagaz_bc'::regclass order by 1`;
    return rows.map(({ name, valid }) => (valid ? name : `${name} (invalid)`));
  };
  const WRITING = `update scrap_dimagaz_bc set synced_at = now() where odoo_id = 1`;

  it('lets writers write while it builds indexes', async () => {
    const wanted = await indexes();
    await backTo('0005_run_indexes');
    await inTransaction(WRITING);
    const migrated = migrate(database.url);
    await building();
    await write(ROWS + 1, ROWS + 100);
    await sql()`update scrap_dimagaz_bc set content_hash = 'y' where odoo_id = 2`;
    await building();
    letGo?.();
    await migrated;
    expect(await indexes()).toEqual(wanted);
    const [row] = await sql()`select count(*)::int as n from scrap_dimagaz_bc`;
    expect(row).toEqual({ n: ROWS + 100 });
  });

  it('is ended by the next one when it was killed half way: an invalid index is rebuilt', async () => {
    const wanted = await indexes();
    await backTo('0005_run_indexes');
    await inTransaction(WRITING);
    const { child, exit } = startProcess('src/cli/main', { DATABASE_URL: database.url }, ['migrate']);
    await building();
    child.kill('SIGKILL');
    await exit;
    const steps: string[] = [];
    const migrated = migrate(database.url, { onStep: (step) => steps.push(step) });
    await waitFor(() => steps.some((step) => step.startsWith('0006')), 'the turn of the next one');
    expect(await indexes()).toContain('scrap_dimagaz_bc_live (invalid)');
    letGo?.();
    await migrated;
    expect(await indexes()).toEqual(wanted);
    expect(steps[0]).toBe('another process is migrating: waiting for it');
  });

  it('changes nothing in a database whose indexes were built by an earlier form of it', async () => {
    const wanted = await indexes();
    await backTo('0009_feed_index');
    await sql()`delete from drizzle.__drizzle_migrations where id > 9`;
    await migrate(database.url, { folder });
    await migrate(database.url);
    expect(await indexes()).toEqual(wanted);
  });

  it('is done once by processes that start together', async () => {
    await backTo('0005_run_indexes');
    await Promise.all([migrate(database.url), migrate(database.url), migrate(database.url)]);
    const [row] = await sql()`
      select count(*)::int as n, count(distinct created_at)::int as migrations from drizzle.__drizzle_migrations`;
    expect(row?.['n']).toBe(row?.['migrations']);
  });

  describe('that alters a table', () => {
    const PATIENCE = { lockMs: 100, pauseMs: 100, tries: 3 };
    beforeEach(async () => {
      const file = join(folder, 'meta/_journal.json');
      const journal = JSON.parse(await readFile(file, 'utf8')) as { entries: { when: number }[] };
      const when = Math.max(...journal.entries.map((entry) => entry.when)) + 1;
      const added = { idx: 99, version: '7', when, tag: '0099_test', breakpoints: true };
      await writeFile(file, JSON.stringify({ ...journal, entries: [...journal.entries, added] }));
      await writeFile(join(folder, '0099_test.sql'), 'ALTER TABLE scrap_dimagaz_bc ADD COLUMN "new" text;');
      await write(1, 10);
    });
    const columns = async () =>
      (
        await sql()`select 1 from information_schema.columns where table_name = 'scrap_dimagaz_bc' and column_name = 'new'`
      ).length;

    it('lets others through while a long transaction is in its way, and comes when that has ended', async () => {
      await inTransaction('select * from scrap_dimagaz_bc');
      const steps: string[] = [];
      const patience = { ...PATIENCE, tries: 1000 };
      const migrated = migrate(database.url, { folder, patience, onStep: (step) => steps.push(step) });
      await waitFor(() => steps.length >= 2, 'two tries');
      expect(steps[0]).toMatch(/^0099_test: its tables are in use/);
      expect(await sql()`select 1 from scrap_dimagaz_bc`).toHaveLength(10);
      await write(11, 11);
      expect(await columns()).toBe(0);
      letGo?.();
      await migrated;
      expect(await columns()).toBe(1);
    });

    it('gives up after its tries, says where to look, and has changed nothing', async () => {
      await inTransaction('select * from scrap_dimagaz_bc');
      await expect(migrate(database.url, { folder, patience: PATIENCE })).rejects.toMatchObject({
        code: 'migration_blocked',
        message: expect.stringContaining('pg_stat_activity'),
      });
      expect(await columns()).toBe(0);
    });
  });
});
