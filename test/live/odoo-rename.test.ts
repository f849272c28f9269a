import { describe, expect, it } from 'vitest';
import { createApiKey } from '../../src/db/api-keys.ts';
import { bearer, startApi } from '../api/http/start-api.ts';
import { call, missing, openLiveSetup } from './odoo-setup.ts';

const lacking = missing('ODOO_SQL_URL');
const title = 'a partner and a product that a real Odoo renames';
const BC = 'dimagaz.bc';
const LINE = 'dimagaz.bc.line';
const PARTNER = 'res.partner';
const PRODUCT = 'dimagaz.product';

if (lacking !== null)
  describe(title, () => {
    it.skip(`needs ${lacking}`);
  });
else
  describe(title, () => {
    it('have their new names in the read API after one sweep', async () => {
      const setup = await openLiveSetup();
      // Other suites may have changed BCs just now; then a window would read those again.
      for (const table of ['dimagaz_bc', 'dimagaz_bc_line']) {
        await setup.sql`update ${setup.sql(table)} set write_date = least(write_date, now() - interval '1 day')`;
      }
      // Then sweeps read only BCs with a new date or a new name.
      const testMirror = setup.open({ SWEEP_REREAD: 'off' });
      await testMirror.work();
      expect(await testMirror.run('full')).toMatchObject({ status: 'success', failed: 0 });
      await testMirror.run('sweep');
      const api = await startApi(testMirror.env, { db: testMirror.mirror.db });
      const key = { name: 'live', scopes: ['bc:read'], methods: [] } as const;
      const headers = bearer((await createApiKey(testMirror.mirror.db, key)).key);
      const [partner, product] = [await mostUsed(BC, 'partner_id'), await mostUsed(LINE, 'product_id')];
      const before = [await nameOf(PARTNER, partner), await nameOf(PRODUCT, product)];
      try {
        await call(PARTNER, 'write', [[partner], { name: 'RENOMMÉ & FILS' }]);
        await call(PRODUCT, 'write', [[product], { name: 'Bouteille renommée' }]);
        const ofPartner = Number(await call(BC, 'search_count', [[['partner_id', '=', partner]]]));
        const window = await testMirror.run('incremental');
        expect(window).toMatchObject({ status: 'success', updated: 0, failed: 0 });
        expect(await setup.verify(testMirror)).toMatchObject({ ok: false });
        const sweep = await testMirror.run('sweep');
        expect(sweep).toMatchObject({ status: 'success', late: 0, failed: 0 });
        expect(sweep.reread).toBeGreaterThanOrEqual(ofPartner);
        expect(sweep.updated).toBe(sweep.reread);
        process.stderr.write(`${sweep.reread} BCs have the new names, ${ofPartner} of them of the partner\n`);
        const url = `/api/v1/bc?limit=5&filter[partner_id]=${partner}`;
        const list = (await api.app.inject({ url, headers })).json();
        expect(list.items.length, JSON.stringify(list)).toBeGreaterThan(0);
        for (const { fields } of list.items) expect(fields.partner_id[1]).toContain('RENOMMÉ & FILS');
        const [stale] = await setup.database.client`
          select count(*)::int as n from scrap_dimagaz_bc_line
          where fields->'product_id'->>0 = ${String(product)} and fields->'product_id'->>1 !~ 'renommée'`;
        expect(stale).toEqual({ n: 0 });
        expect(await setup.verify(testMirror)).toMatchObject({ ok: true });
        expect(await testMirror.run('sweep')).toMatchObject({ status: 'success', reread: 0 });
      } finally {
        await call(PARTNER, 'write', [[partner], { name: before[0] }]);
        await call(PRODUCT, 'write', [[product], { name: before[1] }]);
        await api.close();
        await setup.close();
      }
    });
  });

/** The record to which most records of this model refer. */
async function mostUsed(model: string, field: string): Promise<number> {
  const records = Object(await call(model, 'search_read', [[[field, '!=', false]]], { fields: [field] }));
  const uses = new Map<number, number>();
  for (const { [field]: target } of records) uses.set(target[0], (uses.get(target[0]) ?? 0) + 1);
  return [...uses].reduce(([most, count], [id, n]) => (n > count ? [id, n] : [most, count]), [0, 0])[0];
}

async function nameOf(model: string, id: number): Promise<string> {
  const [record] = Object(await call(model, 'read', [[id]], { fields: ['name'] }));
  return record.name;
}
