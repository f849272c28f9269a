import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestSetup } from '../../support/test-setup.ts';
import { openTestSetup } from '../../support/test-setup.ts';

describe('records that change, appear and disappear while a full run reads small pages', () => {
  let setup: TestSetup;
  const deleted = new Set<number>();
  beforeAll(async () => {
    setup = await openTestSetup({
      sandbox: { documents: 120 },
      env: { SYNC_PAGE_SIZE: '5', SYNC_PAGES_IN_FLIGHT: '2' },
    });
    await setup.work();
    setup.odoo.faults.latencyMs = 5;
    const full = await setup.request('full');
    for (let step = 0; step < 40; step += 1) {
      await disturb(step);
    }
    await setup.ended(full);
    await setup.run('incremental');
  });
  afterAll(() => setup?.close());

  /** One disturbance for each page read: tied to the calls that Odoo gets, not to the clock. */
  async function disturb(step: number): Promise<void> {
    const { odoo } = setup;
    const ids = odoo.ids('dimagaz.bc');
    const pick = (offset: number) => ids[(step * 37 + offset) % ids.length] ?? 0;
    odoo.write('dimagaz.bc', [pick(0)], { priority: step });
    odoo.create('dimagaz.bc.line', { bc_id: pick(5), name: `ligne ${step}`, quantity: step });
    odoo.create('dimagaz.bc', { name: `BC/NEUF/${step}` });
    if (step % 4 === 0) {
      const gone = pick(11);
      deleted.add(gone);
      odoo.unlink('dimagaz.bc', [gone]);
    }
    await setup.mirror.source.count('dimagaz.bc', {});
  }

  it('leave no BC out and none twice, deletions apart', async () => {
    const rows = await setup.database.client`select odoo_id from scrap_dimagaz_bc order by 1`;
    const stored = rows.map((row) => Number(row['odoo_id'])).filter((id) => !deleted.has(id));
    expect(stored).toEqual(setup.odoo.ids('dimagaz.bc'));
  });

  it('leave every BC and line as Odoo has it', async () => {
    const { odoo, database } = setup;
    const lines = await database.client`
      select odoo_id, bc_odoo_id, fields from scrap_dimagaz_bc_line where bc_odoo_id in
        (select odoo_id from scrap_dimagaz_bc) order by 1`;
    const kept = lines.filter((line) => !deleted.has(Number(line['bc_odoo_id'])));
    expect(kept.map((line) => Number(line['odoo_id']))).toEqual(odoo.ids('dimagaz.bc.line'));
    const headers =
      await database.client`select odoo_id, fields->'priority' as priority from scrap_dimagaz_bc`;
    const differing = headers.filter(
      (row) =>
        !deleted.has(Number(row['odoo_id'])) &&
        row['priority'] !== (odoo.record('dimagaz.bc', Number(row['odoo_id']))['priority'] ?? 0),
    );
    expect(differing).toEqual([]);
  });

  it('are counted once each in the ledger', async () => {
    const rows = await setup.database.client`
      select run_id, odoo_id from sync_run_item group by 1, 2 having count(*) > 1`;
    expect(rows).toEqual([]);
  });
});
