import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PROTOCOLS } from '../../../src/odoo/types.ts';
import type { TestSetup } from '../../support/test-setup.ts';
import { openTestSetup } from '../../support/test-setup.ts';

describe('the mirror over each protocol', () => {
  let setup: TestSetup;
  beforeAll(async () => {
    setup = await openTestSetup({ sandbox: { documents: 120 } });
    const id = setup.odoo.ids('dimagaz.bc')[0] ?? 0;
    setup.odoo.write('dimagaz.bc', [id], { notes: 'a\u0007b\r\nc <b>&amp;</b> é 🚚', discount_rate: 0.1 });
  });
  afterAll(() => setup?.close());

  const rows = () => setup.database.client`
    select 'bc' as kind, odoo_id, content_hash, fields from scrap_dimagaz_bc
    union all select 'line', odoo_id, content_hash, fields from scrap_dimagaz_bc_line order by 1, 2`;

  /** The mirror's rows after a full run over one protocol into empty tables, and the protocols Odoo saw. */
  async function mirrored(protocol: string) {
    await setup.database.client`truncate scrap_dimagaz_bc, scrap_dimagaz_bc_line`;
    setup.odoo.calls.length = 0;
    const testMirror = setup.also({ ODOO_PROTOCOL: protocol });
    const stop = await testMirror.work();
    const run = await testMirror.run('full');
    await stop();
    return { run, rows: await rows(), spoken: [...new Set(setup.odoo.calls.map((call) => call.protocol))] };
  }

  it('holds the same rows, hash for hash', async () => {
    const results = [];
    for (const protocol of PROTOCOLS) {
      const result = await mirrored(protocol);
      expect(result.run).toMatchObject({ status: 'success', protocol, failed: 0 });
      expect(result.spoken).toEqual([protocol]);
      results.push(result.rows);
    }
    const [first, ...others] = results;
    for (const other of others) expect(other).toEqual(first);
  });
});
