import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { insertBc } from '../../api/documents/rows.ts';
import { freshDatabase } from '../../support/database.ts';
import { BC_VIEWS, EVERY_TYPE, type Fields, followFields, MODEL } from './view-fields.ts';

let database: Awaited<ReturnType<typeof freshDatabase>>;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  await database.client`truncate scrap_dimagaz_bc`;
});

const follow = (fields: Fields) => followFields(database.db, fields, MODEL, BC_VIEWS.header);
const rows = (query = 'select * from dimagaz_bc') => database.client.unsafe(query);

describe('a value that does not fit its column', () => {
  const ODD = [
    ...[true, 0, -1, 1.5, 2 ** 31, 1e308, 5e-324, '', 'garbage', '1.43 Kb', 'A===', '=', 'AAA', '12'],
    ...[
      '2026-02-30',
      '2023-02-29',
      '0000-01-01',
      '10000-01-01',
      '2026-01-31 24:00:00',
      '2026-1-1',
      '٢٠٢٦-٠١-٠١',
    ],
    ...[
      [],
      [1, 2],
      [1.5, 'x'],
      ['a', 'b'],
      [1],
      [1, 'x', 3],
      [[1], { a: 1 }],
      [7, false],
      [null, null],
      [1, [2]],
    ],
    ...[{}, { a: false }, null, '\\', "'", 'x'.repeat(100_000)],
  ];
  const RAW = [
    '1e400',
    '-1e400',
    '1e-400',
    '99999999999999999999',
    '[99999999999999999999, "x"]',
    '[1e400]',
    '[1e2]',
  ];

  it('never fails the view, whichever type the column has', async () => {
    await follow(EVERY_TYPE);
    const values = [...ODD.map((value) => JSON.stringify(value)), ...RAW];
    for (const [at, value] of values.entries()) {
      await insertBc(database.db, at + 1, {});
      await database.client`
        update scrap_dimagaz_bc set fields = (select jsonb_object_agg(name, ${value}::text::jsonb) from odoo_field)
        where odoo_id = ${at + 1}`;
    }
    expect(await rows()).toHaveLength(values.length);
    // As parallel workers would see it: nothing may be caught there before PostgreSQL 17.
    const functions = await database.client`
      select proname, proparallel, provolatile, prolang = (select oid from pg_language where lanname = 'sql') as plain
      from pg_proc where starts_with(proname, 'passerelle_')`;
    expect(functions.length).toBeGreaterThan(10);
    expect(
      functions.every((one) => one['proparallel'] === 's' && one['provolatile'] === 'i' && one['plain']),
    ).toBe(true);
  });

  it.each([
    ['integer', '1e400', null],
    ['integer', '1.5', null],
    ['integer', '1e2', '100'],
    ['integer', '9223372036854775808', null],
    ['float', '1e400', null],
    ['monetary', '1e400', expect.stringMatching(/^10{400}$/)],
    ['date', '"2026-02-30"', null],
    ['date', '"garbage"', null],
    ['date', '5', null],
    ['datetime', '"2026-02-29 00:00:00"', null],
    ['datetime', '"2026-01-31"', null],
    ['selection', '3', '3'],
    ['char', '[1, "x"]', '[1, "x"]'],
    ['boolean', '"true"', null],
    ['binary', '"1.43 Kb"', null],
    ['binary', '"YWJj\\nZGVm"', Buffer.from('abcdef')],
    ['many2many', '[1, "x"]', null],
  ])('of %s: %s is %s', async (type, value, expected) => {
    await follow({ id: { type: 'integer' }, x: { type } });
    await insertBc(database.db, 1, {});
    await database.client`update scrap_dimagaz_bc set fields = jsonb_build_object('x', ${value}::text::jsonb)`;
    const [row] = await rows();
    expect(row?.['x']).toEqual(expected);
  });

  it.each([
    ['false', null, null],
    ['7', '7', null],
    ['"Azur"', null, 'Azur'],
    ['[7, false]', '7', null],
    ['[7, 8]', null, null],
    ['[1, "x", 2]', null, null],
    ['{"id": 7}', null, null],
  ])('of many2one: %s has the id %s and the name %s', async (value, id, name) => {
    await follow({ partner: { type: 'many2one' } });
    await insertBc(database.db, 1, {});
    await database.client`update scrap_dimagaz_bc set fields = jsonb_build_object('partner', ${value}::text::jsonb)`;
    expect(await rows('select partner_id, partner_name from dimagaz_bc')).toMatchObject([
      { partner_id: id, partner_name: name },
    ]);
  });
});
