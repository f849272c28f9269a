import { createHash } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import type { ModelDefinition } from '../../../dev/sandbox-odoo/orm/fields.ts';
import type { TestSetup } from '../../support/test-setup.ts';
import { openTestSetup } from '../../support/test-setup.ts';

const MB = 1024 * 1024;
/** More than one statement can have parameters. */
const LINES = 70_000;
const ORDER: ModelDefinition = {
  name: 'big.order',
  description: 'Order',
  fields: {
    name: { type: 'char', string: 'Name' },
    line_ids: { type: 'one2many', string: 'Lines', relation: 'big.line', relation_field: 'order_id' },
  },
};
const LINE: ModelDefinition = {
  name: 'big.line',
  description: 'Line',
  fields: {
    name: { type: 'char', string: 'Name' },
    quantity: { type: 'float', string: 'Quantity' },
    order_id: { type: 'many2one', string: 'Order', relation: 'big.order' },
  },
};
const digest = (text: string) => createHash('sha256').update(text).digest('hex');

describe('BCs of an unexpected size', () => {
  let setup: TestSetup;
  afterEach(() => setup?.close());

  it.each([[1], [4]])('a text of %i MB is stored whole, and its change is audited', async (size) => {
    setup = await openTestSetup({ sandbox: { documents: 30 } });
    await setup.work();
    const [bc = 0] = setup.odoo.ids('dimagaz.bc');
    const text = 'é"\\<&\n7x'.repeat((size * MB) / 8);
    setup.odoo.write('dimagaz.bc', [bc], { notes: text });
    expect(await setup.run('full')).toMatchObject({ status: 'success', created: 30 });
    const [row] = await setup.database
      .client`select fields->>'notes' as notes from scrap_dimagaz_bc where odoo_id = ${bc}`;
    expect(digest(row?.['notes'])).toBe(digest(text));
    setup.odoo.write('dimagaz.bc', [bc], { notes: `${text}!` });
    expect(await setup.run('full')).toMatchObject({ status: 'success', updated: 1 });
    const [audit] = await setup.database.client`
      select length(changes->'header'->'notes'->>'new') as length from audit_log where action = 'updated'`;
    expect(audit?.['length']).toBe(text.length + 1);
  });

  it('a BC of 70,000 lines is stored whole in one transaction, and its change is audited', async () => {
    setup = await openTestSetup({
      sandbox: { documents: 0 },
      env: { ODOO_MODEL: 'big.order', ODOO_LINE_MODEL: 'big.line' },
    });
    const { odoo, database } = setup;
    odoo.defineModel(ORDER);
    odoo.defineModel(LINE);
    await setup.work();
    const [bc = 0] = ['BC/1', 'BC/2', 'BC/3'].map((name) => odoo.create('big.order', { name }));
    expect(await setup.run('full')).toMatchObject({ status: 'success', created: 3 });
    const transaction = odoo.begin();
    for (let at = 0; at < LINES; at += 1)
      transaction.create('big.line', { name: `ligne ${at}`, quantity: at, order_id: bc });
    transaction.commit();
    expect(await setup.run('full')).toMatchObject({ status: 'success', updated: 1, linesSeen: LINES });
    const [row] = await database.client`
      select count(*)::int as lines, count(distinct xmin::text)::int as transactions,
        sum((fields->>'quantity')::numeric)::text as quantity
      from scrap_dimagaz_bc_line where bc_odoo_id = ${bc}`;
    expect(row).toEqual({ lines: LINES, transactions: 1, quantity: String((LINES * (LINES - 1)) / 2) });
    const [audit] = await database.client`
      select jsonb_array_length(changes->'linesAdded') as added from audit_log where action = 'updated'`;
    expect(audit?.['added']).toBe(LINES);
    expect(await setup.run('full')).toMatchObject({ status: 'success', updated: 0, unchanged: 3 });
  });
});
