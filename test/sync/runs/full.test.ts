import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestSetup } from '../../support/test-setup.ts';
import { openTestSetup } from '../../support/test-setup.ts';

describe('a full run', () => {
  let setup: TestSetup;
  beforeAll(async () => {
    setup = await openTestSetup({ sandbox: { documents: 300 }, env: { SYNC_PAGE_SIZE: '40' } });
    await setup.work();
  });
  afterAll(() => setup?.close());

  const count = async (table: string) => {
    const [row] = await setup.database.client`select count(*)::int as n from ${setup.database.client(table)}`;
    return row?.['n'];
  };

  it('copies every BC with its lines, archived ones too, and leaves one created row each in the audit trail', async () => {
    const run = await setup.run('full');
    const bcs = setup.odoo.count('dimagaz.bc');
    const lines = setup.odoo.count('dimagaz.bc.line');
    expect(run).toMatchObject({ status: 'success', seen: bcs, created: bcs, failed: 0, linesSeen: lines });
    expect([await count('scrap_dimagaz_bc'), await count('scrap_dimagaz_bc_line')]).toEqual([bcs, lines]);
    expect(await count('audit_log')).toBe(bcs);
  });

  it('stores what Odoo says, field by field', async () => {
    const id = setup.odoo.ids('dimagaz.bc')[0] ?? 0;
    const model = await setup.mirror.source.describe('dimagaz.bc');
    const [said] = await setup.mirror.source.read('dimagaz.bc', [id], Object.keys(model));
    const [row] = await setup.database.client`select fields from scrap_dimagaz_bc where odoo_id = ${id}`;
    expect(row?.['fields']).toEqual(said);
  });

  it('writes nothing but the time of the reading when nothing has changed', async () => {
    const before = await setup.database
      .client`select odoo_id, fields, changed_at, content_hash from scrap_dimagaz_bc order by 1`;
    const run = await setup.run('full');
    const after = await setup.database
      .client`select odoo_id, fields, changed_at, content_hash from scrap_dimagaz_bc order by 1`;
    expect(run).toMatchObject({ status: 'success', unchanged: run.seen, created: 0, updated: 0 });
    expect(after).toEqual(before);
    expect(await count('audit_log')).toBe(run.seen);
  });

  it('leaves the lease free and moves last_sync to the clock of Odoo', async () => {
    const [state] = await setup.database.client`select is_syncing, lease_run_id, last_sync from sync_state`;
    const [run] = await setup.database.client`select now_sync from sync_log order by id desc limit 1`;
    expect(state).toMatchObject({ is_syncing: false, lease_run_id: null, last_sync: run?.['now_sync'] });
  });

  it('asks for fewer pages at once than there are: none is fetched before there is room', async () => {
    const [pages] = await setup.database
      .client`select count(*)::int as n from sync_run_page where run_id = 1 and state = 'done'`;
    expect(pages?.['n']).toBe(Math.ceil(setup.odoo.count('dimagaz.bc') / 40));
  });
});
