import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LiveSetup } from './odoo-setup.ts';
import { missing, openLiveSetup, PROTOCOLS } from './odoo-setup.ts';

const lacking = missing('ODOO_SQL_URL');
const title = 'what Odoo itself would refuse, in the database of a real server';

const BC = 'dimagaz.bc';
const LINE = 'dimagaz.bc.line';
const LONG = 'é😀'.repeat(175_000);

/** Stored by SQL; the expected reading is the same by each protocol. */
const FAITHFUL: [column: string, planted: string, field: string, read: unknown][] = [
  ['notes', 'a\u0001b\u000bc\u001f', 'notes', 'abc'],
  ['notes', 'half a pair: \\ud83d', 'notes', 'half a pair: \\ud83d'],
  ['notes', LONG, 'notes', LONG],
  ['state', 'unheard of', 'state', 'unheard of'],
  ['priority', '-2147483648', 'priority', -2147483648],
  ['date_planned', '9999-12-31', 'date_planned', '9999-12-31'],
  // Odoo does not fill up years with zeros.
  ['date_planned', '0001-01-01', 'date_planned', '1-01-01'],
  ['date_order', '9999-12-31 23:59:59', 'date_order', '9999-12-31 23:59:59'],
  ['date_order', '0001-01-01 00:00:00', 'date_order', '1-01-01 00:00:00'],
];

/** Fail alone, and name themselves. */
const FAILING: [table: string, column: string, planted: string, message: RegExp][] = [
  ['dimagaz_bc', 'discount_rate', 'NaN', /discount_rate holds a number that is NaN or infinite/],
  ['dimagaz_bc', 'amount_total', 'Infinity', /amount_total holds a number that is NaN or infinite/],
  ['dimagaz_bc_line', 'price_unit', '-Infinity', /price_unit holds a number that is NaN or infinite/],
  ['dimagaz_bc', 'date_planned', '10000-01-01', /date_planned cannot be read\. .*year 10000 is out of range/],
  [
    'dimagaz_bc',
    'date_order',
    '0044-03-15 00:00:00 BC',
    /date_order cannot be read\. .*year -44 is out of range/,
  ],
];

if (lacking !== null)
  describe(title, () => {
    it.skip(`needs ${lacking}`);
  });
else
  describe(title, () => {
    let setup: LiveSetup;
    /** BCs with lines, for one poison each. */
    let faithful: number[];
    let failing: { id: number; bc: number; table: string; message: RegExp }[];
    let undated: number;
    const undo: (() => Promise<unknown>)[] = [];
    beforeAll(async () => {
      setup = await openLiveSetup();
      const rows = await setup.sql`select bc_id, min(id) as line from dimagaz_bc_line
        group by bc_id order by bc_id limit ${FAITHFUL.length + FAILING.length + 1}`;
      const picked = rows.map((row) => ({ bc: Number(row['bc_id']), line: Number(row['line']) }));
      undated = picked.pop()?.bc ?? 0;
      faithful = picked.splice(0, FAITHFUL.length).map(({ bc }) => bc);
      failing = picked.map(({ bc, line }, index) => {
        const [table, , , message] = FAILING[index] ?? ['', '', '', /^$/];
        return { id: table === 'dimagaz_bc' ? bc : line, bc, table, message };
      });
      for (const [index, id] of faithful.entries()) {
        const [column, planted] = FAITHFUL[index] ?? ['', ''];
        await plant('dimagaz_bc', id, column, planted);
      }
      for (const [index, { id, table }] of failing.entries()) {
        const [, column, planted] = FAILING[index] ?? ['', '', ''];
        await plant(table, id, column, planted);
      }
      await plant('dimagaz_bc', undated, 'write_date', null);
    });
    afterAll(async () => {
      for (const step of undo.reverse()) await step();
      await setup?.close();
    });

    /** Writes behind Odoo's back; given back at the end. */
    const plant = async (table: string, id: number, column: string, value: string | null) => {
      const { sql } = setup;
      const [found] = await sql`select ${sql(column)}::text as old, format_type(atttypid, atttypmod) as type
        from ${sql(table)}, pg_attribute where id = ${id} and attrelid = ${table}::regclass and attname = ${column}`;
      const write = (text: unknown) =>
        sql.unsafe(`update ${table} set ${column} = $1::text::${found?.['type']} where id = ${id}`, [
          text === null ? null : String(text),
        ]);
      undo.push(() => write(found?.['old'] ?? null));
      await write(value);
    };

    const stored = async (id: number) => {
      const [row] = await setup.database.client`
        select fields, odoo_write_date from scrap_dimagaz_bc where odoo_id = ${id}`;
      return row;
    };

    it.each(PROTOCOLS)(
      'is stored faithfully or fails alone by %s, and nothing else fails',
      async (protocol) => {
        const { client } = setup.database;
        const testMirror = setup.open({}, protocol);
        const stop = await testMirror.work();
        const run = await testMirror.run('full');
        await stop();
        expect(run).toMatchObject({ status: 'partial', failed: FAILING.length, updated: 0, protocol });
        expect(run.created + run.unchanged).toBe(run.seen - FAILING.length);
        for (const [index, [, , field, read]] of FAITHFUL.entries())
          expect((await stored(faithful[index] ?? 0))?.['fields'][field], field).toEqual(read);
        expect(await stored(undated)).toMatchObject({ fields: { write_date: false }, odoo_write_date: null });
        const failures = await client`select odoo_id, message from sync_failure where run_id = ${run.id}`;
        const messages = new Map(failures.map((row) => [Number(row['odoo_id']), String(row['message'])]));
        expect([...messages.keys()].sort((a, b) => a - b)).toEqual(
          failing.map(({ bc }) => bc).sort((a, b) => a - b),
        );
        for (const { id, bc, table, message } of failing) {
          expect(messages.get(bc)).toMatch(message);
          expect(messages.get(bc)).toContain(`${table === 'dimagaz_bc' ? BC : LINE} ${id}: `);
        }
      },
    );
  });
