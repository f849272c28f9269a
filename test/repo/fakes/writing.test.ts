import { afterAll, beforeAll, expect, it } from 'vitest';
import { type SandboxOdoo, startSandboxOdoo } from '../../../dev/sandbox-odoo/sandbox.ts';
import { execute, search } from './odoo-request.ts';

const BC = 'dimagaz.bc';
const LINE = 'dimagaz.bc.line';

let sandbox: SandboxOdoo;
let now = new Date('2026-03-01T08:00:00Z');
beforeAll(async () => {
  sandbox = await startSandboxOdoo({ clock: () => now });
});
afterAll(() => sandbox.stop());

const stampOf = (model: string, id: number) => sandbox.record(model, id)['write_date'];
const at = (time: string) => {
  now = new Date(`2026-03-01T${time}Z`);
};

it('hides a transaction until it commits, and then dates its work from its start', async () => {
  at('09:00:00');
  const late = sandbox.begin();
  const id = late.create(BC, { name: 'late', line_ids: [[0, 0, { name: 'one' }]] });
  at('09:30:00');
  expect(await search(sandbox, BC, [['id', '=', id]])).toEqual([]);
  late.commit();
  expect(await search(sandbox, BC, [['id', '=', id]])).toEqual([id]);
  expect(stampOf(BC, id)).toBe('2026-03-01 09:00:00');
});

it('touches the header when a line is written through it, and not when its note is written directly', () => {
  at('10:00:00');
  const id = sandbox.create(BC, {
    name: 'BC',
    line_ids: [[0, 0, { name: 'a', price_unit: 3, quantity: 2 }]],
  });
  const line = Math.max(...sandbox.ids(LINE));
  at('10:01:00');
  sandbox.write(LINE, [line], { note: 'directly' });
  expect([stampOf(BC, id), stampOf(LINE, line)]).toEqual(['2026-03-01 10:00:00', '2026-03-01 10:01:00']);
  at('10:02:00');
  sandbox.write(BC, [id], { line_ids: [[1, line, { note: 'through the header' }]] });
  expect([stampOf(BC, id), stampOf(LINE, line)]).toEqual(['2026-03-01 10:02:00', '2026-03-01 10:02:00']);
});

it('recomputes and dates the header whenever the base of its amounts is written', () => {
  at('11:00:00');
  const id = sandbox.create(BC, { name: 'BC', line_ids: [[0, 0, { price_unit: 3, quantity: 2 }]] });
  const line = Math.max(...sandbox.ids(LINE));
  expect(sandbox.record(BC, id)).toMatchObject({ amount_untaxed: 6, amount_tax: 1.2, amount_total: 7.2 });
  at('11:01:00');
  sandbox.write(LINE, [line], { active: false, sequence: 3, name: 'other' });
  expect(stampOf(BC, id)).toBe('2026-03-01 11:00:00');
  sandbox.write(LINE, [line], { active: true, quantity: 4 });
  expect(sandbox.record(BC, id)).toMatchObject({ amount_total: 14.4, write_date: '2026-03-01 11:01:00' });
  at('11:02:00');
  sandbox.write(LINE, [line], { quantity: 4 });
  expect(stampOf(BC, id)).toBe('2026-03-01 11:02:00');
  at('11:03:00');
  sandbox.unlink(LINE, [line]);
  expect(sandbox.record(BC, id)).toMatchObject({ amount_total: 0, write_date: '2026-03-01 11:03:00' });
});

it('deletes the lines of a header that goes', () => {
  const id = sandbox.create(BC, { name: 'BC', line_ids: [[0, 0, {}]] });
  const line = Math.max(...sandbox.ids(LINE));
  sandbox.unlink(BC, [id]);
  expect(sandbox.ids(LINE)).not.toContain(line);
});

it('fails a whole read for one refused record, which search still lists', async () => {
  const [one, two] = [sandbox.create(BC, { name: 'one' }), sandbox.create(BC, { name: 'two' })];
  sandbox.faults.denyRecord(BC, two);
  expect(await search(sandbox, BC, [['id', 'in', [one, two]]], { order: 'id' })).toEqual([one, two]);
  const refused = await execute(sandbox, BC, 'read', [[one, two]], { fields: ['name'] });
  expect(refused.error?.data.name).toBe('odoo.exceptions.AccessError');
  const read = await execute(sandbox, BC, 'read', [[one, 9999]], { fields: ['name'] });
  expect(read.result, 'a missing id is left out').toEqual([{ id: one, name: 'one' }]);
  sandbox.faults.clear();
});

it('hides records from searches, and refuses to read them', async () => {
  const [one, two] = [sandbox.create(BC, { name: 'one' }), sandbox.create(BC, { name: 'two' })];
  sandbox.faults.hideRecords(BC, [two]);
  expect(await search(sandbox, BC, [['id', 'in', [one, two]]])).toEqual([one]);
  const refused = await execute(sandbox, BC, 'read', [[one, two]], { fields: ['name'] });
  expect(refused.error?.data.name).toBe('odoo.exceptions.AccessError');
  sandbox.faults.clear();
});

it('erases as SQL does: lines go with their header, and nothing else is stamped', () => {
  const id = sandbox.create(BC, {
    name: 'BC',
    line_ids: [
      [0, 0, { quantity: 1 }],
      [0, 0, { quantity: 1 }],
    ],
  });
  const [line = 0] = sandbox.ids(LINE).slice(-2);
  const before = sandbox.record(BC, id);
  sandbox.erase(LINE, [line]);
  expect(sandbox.record(BC, id)).toEqual(before);
  sandbox.erase(BC, [id]);
  expect(sandbox.ids(LINE)).not.toContain(line + 1);
});

it('follows a field that appears and goes, and a pair of models of other names', async () => {
  sandbox.setField(BC, 'colour', { type: 'char', string: 'Colour', default: 'red' });
  const id = sandbox.create(BC, { name: 'BC' });
  const read = () => execute(sandbox, BC, 'read', [[id]], { fields: ['colour'] });
  expect((await read()).result).toEqual([{ id, colour: 'red' }]);
  sandbox.removeField(BC, 'colour');
  expect((await read()).error?.data.message).toBe("Invalid field 'colour' on 'dimagaz.bc'");
  const link = { type: 'many2one', string: 'Order', relation: 'x.order', cascade: true } as const;
  const rows = { type: 'one2many', string: 'Rows', relation: 'x.row', relation_field: 'parent' } as const;
  sandbox.defineModel({ name: 'x.row', description: 'Row', fields: { parent: link } });
  sandbox.defineModel({ name: 'x.order', description: 'Order', fields: { rows } });
  const order = sandbox.create('x.order', { rows: [[0, 0, {}]] });
  const answer = await execute(sandbox, 'x.order', 'read', [[order]], { fields: ['rows', 'display_name'] });
  expect(answer.result).toEqual([{ id: order, rows: [1], display_name: `x.order,${order}` }]);
});

it('generates the same data from the same seed and clock', async () => {
  const options = { documents: 300, seed: 7, clock: () => new Date('2026-03-01T08:00:00Z') };
  const [left, right] = [await startSandboxOdoo(options), await startSandboxOdoo(options)];
  const rows = (from: SandboxOdoo) =>
    [BC, LINE].flatMap((model) => from.ids(model).map((id) => from.record(model, id)));
  expect(rows(left)).toEqual(rows(right));
  expect(left.count(LINE)).toBeGreaterThan(1200);
  expect(await search(left, BC, [['active', '=', false]])).not.toEqual([]);
  await Promise.all([left.stop(), right.stop()]);
});

it('lists by id what came late under a lower id, and no longer what went', async () => {
  const sandbox = await startSandboxOdoo();
  const listed = (after: number) => search(sandbox, 'dimagaz.tag', [['id', '>', after]], { order: 'id' });
  const before = sandbox.count('dimagaz.tag');
  const late = sandbox.begin();
  const lower = late.create('dimagaz.tag', { name: 'Late' });
  const higher = sandbox.create('dimagaz.tag', { name: 'Early' });
  expect(await listed(before)).toEqual([higher]);
  late.commit();
  expect(await listed(before)).toEqual([lower, higher]);
  sandbox.unlink('dimagaz.tag', [lower]);
  expect(await listed(before)).toEqual([higher]);
  await sandbox.stop();
});
