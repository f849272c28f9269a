import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PROTOCOLS } from '../../../src/odoo/types.ts';
import type { Office } from '../../support/test-environment.ts';
import { openOffice } from '../../support/test-environment.ts';

describe('the mirror over each protocol', () => {
  let office: Office;
  beforeAll(async () => {
    office = await openOffice({ sandbox: { documents: 120 } });
    const id = office.odoo.ids('dimagaz.bc')[0] ?? 0;
    office.odoo.write('dimagaz.bc', [id], { notes: 'a\u0007b\r\nc <b>&amp;</b> é 🚚', discount_rate: 0.1 });
  });
  afterAll(() => office?.close());

  const rows = () => office.database.client`
    select 'bc' as kind, odoo_id, content_hash, fields from scrap_dimagaz_bc
    union all select 'line', odoo_id, content_hash, fields from scrap_dimagaz_bc_line order by 1, 2`;

  /** The mirror's rows after a full run over one protocol into empty tables, and the protocols Odoo saw. */
  async function mirrored(protocol: string) {
    await office.database.client`truncate scrap_dimagaz_bc, scrap_dimagaz_bc_line`;
    office.odoo.calls.length = 0;
    const desk = office.also({ ODOO_PROTOCOL: protocol });
    const stop = await desk.work();
    const run = await desk.run('full');
    await stop();
    return { run, rows: await rows(), spoken: [...new Set(office.odoo.calls.map((call) => call.protocol))] };
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
