import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openTestSetup, type TestSetup } from '../../support/test-setup.ts';
import { waitFor } from '../../support/wait-for.ts';
import { startWorkerProcess } from '../../support/worker-process.ts';

const BCS = 12;

describe('PostgreSQL that refuses to store', () => {
  let setup: TestSetup;
  beforeEach(async () => {
    setup = await openTestSetup({ sandbox: { documents: BCS }, env: { SYNC_ATTEMPTS: '1' } });
  });
  afterEach(() => setup.close());

  const failures = () =>
    setup.database.client`select odoo_id, code from sync_failure where resolved_at is null`;
  const rename = (from: string, to: string) =>
    setup.database.client.unsafe(`alter table scrap_dimagaz_bc_line rename column ${from} to ${to}`);

  it('every BC fails the run and blames no BC', async () => {
    await setup.work();
    await rename('binary_sizes', 'hidden');
    expect(await setup.run('full')).toMatchObject({ status: 'failed', errorCode: '42703' });
    expect(await failures()).toEqual([]);
    await rename('hidden', 'binary_sizes');
    expect(await setup.run('incremental')).toMatchObject({ status: 'success', failed: 0 });
    const [row] = await setup.database.client`select count(*)::int as n from scrap_dimagaz_bc`;
    expect(row?.['n']).toBe(BCS);
  });

  it('one BC blames this BC, also if a trigger gives a reason that no content has', async () => {
    const [bad = 0] = setup.odoo.ids('dimagaz.bc');
    await setup.work();
    await setup.database.client.unsafe(`
      create function refuse() returns trigger language plpgsql as $$ begin
        if new.odoo_id = ${bad} then raise insufficient_privilege; end if;
        return new; end $$;
      create trigger refuse before insert on scrap_dimagaz_bc for each row execute function refuse()`);
    expect(await setup.run('full')).toMatchObject({ status: 'partial', created: BCS - 1, failed: 1 });
    expect(await failures()).toMatchObject([{ odoo_id: String(bad), code: '42501' }]);
  });

  it('a worker with DATABASE_AWAIT_MIGRATIONS waits for the last migration too', async () => {
    const { client } = setup.database;
    const [last] = await client`
      delete from drizzle.__drizzle_migrations where id = (select max(id) from drizzle.__drizzle_migrations)
      returning hash, created_at`;
    const run = await setup.request('full');
    const worker = startWorkerProcess({
      ...{ ...setup.env, LOG_LEVEL: 'info', DATABASE_AWAIT_MIGRATIONS: 'on' },
    });
    try {
      await waitFor(() => worker.output().includes('This process waits for it'), 'the message of the worker');
      expect(worker.output()).not.toContain('worker started');
      await client`insert into drizzle.__drizzle_migrations ${client([last ?? {}])}`;
      expect(await setup.ended(run)).toMatchObject({ status: 'success', created: BCS });
    } finally {
      worker.child.kill('SIGKILL');
      await worker.exit;
    }
  });
});
