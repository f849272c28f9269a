import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Raw } from '../../../dev/sandbox-odoo/planted.ts';
import { bc } from '../../../src/db/schema/documents.ts';
import { PROTOCOLS } from '../../../src/odoo/types.ts';
import { verifyMirror } from '../../../src/sync/maintenance/verify.ts';
import type { TestSetup } from '../../support/test-setup.ts';
import { openTestSetup } from '../../support/test-setup.ts';

const int = (digits: string) => new Raw(digits, `<i8>${digits}</i8>`);
const both = (inner: string) => new Raw(`"${inner}"`, `<string>${inner}</string>`);
const nested = (levels: number) =>
  new Raw(
    `${'['.repeat(levels)}${']'.repeat(levels)}`,
    `${'<array><data><value>'.repeat(levels)}<int>1</int>${'</value></data></array>'.repeat(levels)}`,
  );

/** An invalid value for a field of a BC, and its description in the failure. */
const BAD: readonly (readonly [kind: string, field: string, value: unknown, message: string])[] = [
  ['NaN', 'discount_rate', new Raw('NaN', '<double>nan</double>'), 'NaN or infinite'],
  ['Infinity', 'amount_total', new Raw('Infinity', '<double>inf</double>'), 'NaN or infinite'],
  ['a negative Infinity', 'amount_tax', new Raw('-Infinity', '<double>-inf</double>'), 'NaN or infinite'],
  ['an integer beyond 2^53', 'priority', int('9007199254740993'), 'the integer 9007199254740993'],
  ['a many2one whose id is beyond 2^53', 'user_id', [int('-9223372036854775808'), 'x'], 'beyond 2^53'],
  ['bytes that are not UTF-8', 'notes', both('caf\udcff'), 'bytes that are not UTF-8'],
  ['a value nested 5,000 levels deep', 'terms', nested(5000), 'nests deeper than 200 levels'],
  ['a write_date in the year 10000', 'write_date', '10000-01-01 00:00:00', '"10000-01-01 00:00:00"'],
  ['a create_date in the year 0', 'create_date', '0000-01-01 00:00:00', '"0000-01-01 00:00:00"'],
  [
    'a write_date that the calendar does not have',
    'write_date',
    '2026-02-30 10:00:00',
    '"2026-02-30 10:00:00"',
  ],
  ['a write_date that is no date', 'write_date', 'yesterday', '"yesterday"'],
  ['a write_date that is a number', 'write_date', 1_700_000_000, '1700000000'],
];

/** An unusual value for a field of a BC that is stored unchanged. */
const ODD: readonly (readonly [kind: string, field: string, value: unknown])[] = [
  ['a write_date of the year 1', 'write_date', '0001-01-01 00:00:00'],
  ['a write_date of the year 9999', 'write_date', '9999-12-31 23:59:59'],
  ['a write_date of False', 'write_date', false],
  ['a create_date of False', 'create_date', false],
  ['a date that PostgreSQL could not hold', 'date_planned', '99999-99-99'],
  ['a selection that is a list', 'state', ['draft', 'x']],
  ['a many2one that is a text', 'partner_id', 'res.partner,7'],
  ['a many2one with three parts', 'company_id', [1, 'a', 'b']],
  ['a one2many of texts', 'line_ids', ['a', 'b']],
  ['a one2many that is False', 'line_ids', false],
  ['a float beyond 2^53', 'amount_untaxed', new Raw('1e+300', '<double>1e+300</double>')],
  ['a negative zero', 'amount_tax', new Raw('-0.0', '<double>-0.0</double>')],
  [
    'an object with hostile names',
    'terms',
    new Raw(
      '{"__proto__": {"a": "b"}, "constructor": "c", "it\'s.a\\"b": 1}',
      '<struct><member><name>__proto__</name><value><struct><member><name>a</name><value><string>b</string></value></member></struct></value></member><member><name>constructor</name><value><string>c</string></value></member><member><name>it\'s.a"b</name><value><int>1</int></value></member></struct>',
    ),
  ],
  ['a value nested 150 levels deep', 'terms', nested(150)],
  ['an emoji', 'notes', '🚚\u007f\uffff'],
];

describe.each(PROTOCOLS)('data that should not exist, over %s', (protocol) => {
  let setup: TestSetup;
  let bad: number[] = [];
  let odd: number[] = [];
  let badLine = 0;
  let total = 0;
  let failures: Map<number, { code: string; message: string }>;
  beforeAll(async () => {
    setup = await openTestSetup({ env: { ODOO_PROTOCOL: protocol, SYNC_PAGE_SIZE: '25' } });
    const { odoo } = setup;
    bad = odoo.ids('dimagaz.bc').slice(3, 3 + BAD.length);
    odd = odoo.ids('dimagaz.bc').slice(20, 20 + ODD.length);
    for (const [at, [, field, value]] of BAD.entries()) odoo.plant('dimagaz.bc', bad[at] ?? 0, field, value);
    for (const [at, [, field, value]] of ODD.entries()) odoo.plant('dimagaz.bc', odd[at] ?? 0, field, value);
    badLine = odoo.create('dimagaz.bc.line', { name: 'NaN', bc_id: odoo.ids('dimagaz.bc')[0] ?? 0 });
    odoo.plant('dimagaz.bc.line', badLine, 'price_unit', new Raw('NaN', '<double>nan</double>'));
    total = odoo.count('dimagaz.bc');
    await setup.work();
  });
  afterAll(() => setup?.close());

  it('makes only its own BCs fail, and at the first reading of their page', async () => {
    const run = await setup.run('full');
    expect(run).toMatchObject({
      status: 'partial',
      protocol,
      failed: BAD.length + 1,
      created: total - BAD.length - 1,
    });
    const rows = await setup.database.client`select odoo_id::int, code, message from sync_failure`;
    failures = new Map(rows.map((row) => [row['odoo_id'], { code: row['code'], message: row['message'] }]));
    const whole = setup.odoo.calls.filter((call) => call.method === 'read' && (call.ids?.length ?? 0) > 1);
    expect(whole).toHaveLength(Math.ceil(total / 25));
  });

  it.each(BAD.map(([kind, field, , message], at) => ({ kind, field, message, at })))(
    'fails alone for $kind, and its message names model, id and field',
    ({ field, message, at }) => {
      const failure = failures.get(bad[at] ?? 0);
      expect(failure?.code).toBe('invalid_document');
      expect(failure?.message).toMatch(new RegExp(`^dimagaz\\.bc ${bad[at]}: ${field} `));
      expect(failure?.message).toContain(message);
    },
  );

  it('fails alone for NaN in a line, and its message names the line', () => {
    const failure = failures.get(setup.odoo.ids('dimagaz.bc')[0] ?? 0);
    expect(failure).toEqual({
      code: 'invalid_document',
      message: `dimagaz.bc.line ${badLine}: price_unit holds a number that is NaN or infinite, which cannot be stored; correct it in Odoo`,
    });
  });

  it.each(ODD.map(([kind, field, value], at) => ({ kind, field, value, at })))(
    'stores $kind as it came',
    async ({ field, value, at }) => {
      const expected = value instanceof Raw ? value.json : JSON.stringify(value);
      const [row] = await setup.database.client`
        select fields->${field} as said, fields->${field} = ${expected}::text::jsonb as same
        from scrap_dimagaz_bc where odoo_id = ${odd[at] ?? 0}`;
      if (field === 'terms' && Array.isArray(row?.['said']))
        expect(JSON.stringify(row['said'])).toHaveLength(protocol === 'xmlrpc' ? 301 : 300);
      else expect(row).toMatchObject({ same: true });
    },
  );

  it('verify calls what failed unreadable, and nothing else wrong', async () => {
    const found = await verifyMirror({ ...setup.mirror, pageSize: 10 }, () => {});
    expect(found).toMatchObject({ different: 0, extra: 0, badHashes: 0, orphanLines: 0, openItems: 0 });
    const unreadable = BAD.filter(([, field]) => !field.endsWith('_date')).length;
    expect(found).toMatchObject({ ok: false, unreadable: unreadable + 1 });
    expect(found.examples.unreadable).toContainEqual({ model: 'dimagaz.bc.line', id: badLine });
  });

  it('finds nothing to change when it reads the same again', async () => {
    expect(await setup.run('full')).toMatchObject({ created: 0, updated: 0, failed: BAD.length + 1 });
  });

  it('reads the year 1 as the year 1', async () => {
    const [row] = await setup.mirror.db
      .select()
      .from(bc)
      .where(eq(bc.odooId, odd[0] ?? 0));
    expect(row?.odooWriteDate?.toISOString()).toBe('0001-01-01T00:00:00.000Z');
  });
});
