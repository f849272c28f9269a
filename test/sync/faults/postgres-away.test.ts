import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TestSetup } from '../../support/test-setup.ts';
import { openTestSetup } from '../../support/test-setup.ts';

const ATTEMPTS = 3;

describe('a run that PostgreSQL drops, and that finds it back at once', () => {
  let setup: TestSetup;
  beforeEach(async () => {
    setup = await openTestSetup({
      env: { SYNC_ATTEMPTS: String(ATTEMPTS), SYNC_LEASE: '3s', QUEUE_LOCK: '1s', SYNC_PAGE_SIZE: '100' },
    });
  });
  afterEach(() => setup.close());

  /** PostgreSQL ends the connections of the next writers of that table. Sequences count on when transactions end. */
  const dropsWriters = async (table: string, event: 'insert' | 'update', times: number) => {
    const { client } = setup.database;
    await client`create sequence cuts`;
    await client.unsafe(`
      create function cut() returns trigger language plpgsql as $$ begin
        if nextval('cuts') <= ${times} then perform pg_terminate_backend(pg_backend_pid()); end if;
        return new; end $$`);
    await client.unsafe(`create trigger cut before ${event} on ${table} for each row execute function cut()`);
  };
  const cuts = async () => {
    const [row] = await setup.database.client`select last_value::int as n from cuts`;
    return row?.['n'];
  };

  it.each([
    ['at every attempt to read a page', 'sync_run_page', 'update', ATTEMPTS],
    ['while it is planned', 'sync_run_page', 'insert', 1],
  ] as const)('does not fail: dropped %s', async (_, table, event, times) => {
    await dropsWriters(table, event, times);
    await setup.work();
    const bcs = setup.odoo.count('dimagaz.bc');
    expect(await setup.run('full')).toMatchObject({ status: 'success', created: bcs, errorCode: null });
    expect(await cuts()).toBeGreaterThan(times);
  });
});
