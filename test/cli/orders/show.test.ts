import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TestSetup } from '../../support/test-setup.ts';
import { openTestSetup } from '../../support/test-setup.ts';
import { commandIn } from '../passerelle.ts';

const BC = 'dimagaz.bc';
let setup: TestSetup;
let command: ReturnType<typeof commandIn>;
beforeAll(async () => {
  setup = await openTestSetup({ sandbox: { documents: 8 } });
  command = commandIn(setup.env);
  setup.odoo.write(BC, [4, 5], { name: 'BC/DOUBLE' });
  setup.odoo.write(BC, [8], { name: '7' });
  await command.passerelle('sync', '--full');
});
afterAll(() => setup.close());

const numberOf = (id: number) => String(setup.odoo.record(BC, id)['name']);

test('shows main fields with their labels, lines and the last changes', async () => {
  setup.odoo.write(BC, [1], { notes: 'Livraison à 8 h', state: 'draft' });
  await command.passerelle('resync', '1');
  const { code, stdout, stderr } = await command.passerelle('show', numberOf(1));
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(new RegExp(`^${numberOf(1)} \\(1\\), read (just now|\\d+ s ago)\\n`));
  const lines = setup.odoo
    .ids('dimagaz.bc.line')
    .filter((id) => setup.odoo.record('dimagaz.bc.line', id)['bc_id'] === 1);
  expect(stdout).toMatch(new RegExp(`\\n${lines.length} lines?\\n {2}Id `));
  for (const id of lines) expect(stdout).toMatch(new RegExp(`\\n {2}${id} `));
  expect(stdout).toMatch(
    /\nLast changes\n {2}(just now|\d+ s ago): updated by run \d+\n( {4}.*\n)* {4}notes: .*"Livraison à 8 h"\n/,
  );
  expect(stdout.slice(0, stdout.indexOf('Last changes'))).not.toMatch(/\bfalse\b/);
  expect(stdout).toMatch(/\n {2}State +Draft\n {2}Supplier +\S.*\n(?: {2}.*\n)* {2}Total +[\d.]+\n/);
  expect(stdout).toMatch(/\n {2}Id +Product +Quantity +Unit price +Subtotal\n/);
});

test('gives the same as one JSON object, with every field', async () => {
  const { body } = await command.json('show', '2');
  expect(body).toMatchObject({
    odooId: 2,
    fields: { name: numberOf(2), id: 2 },
    archivedAt: null,
    lines: expect.arrayContaining([expect.objectContaining({ bcOdooId: 2, fields: expect.any(Object) })]),
    changes: [{ action: 'created' }],
    failure: null,
  });
});

test('a number of several orders is refused with their ids, by every command that names orders', async () => {
  for (const words of [['show'], ['resync'], ['retry']]) {
    const { code, stdout, stderr } = await command.passerelle(...words, 'BC/DOUBLE');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toBe('Several orders have the number BC/DOUBLE: 4, 5. Name the order by its id.\n');
  }
  setup.odoo.erase(BC, [5]);
  await command.passerelle('resync', '5');
  expect(await command.json('show', 'BC/DOUBLE')).toMatchObject({
    code: 2,
    body: { error: { code: 'ambiguous_order', message: expect.stringContaining('4, 5 (archived)') } },
  });
  expect((await command.passerelle('show', '5')).stdout).toMatch(
    /^BC\/DOUBLE \(5\), read .* deleted in Odoo, archived /,
  );
});

test('a number that looks like an id is an id', async () => {
  expect((await command.passerelle('show', '7')).stdout).toMatch(new RegExp(`^${numberOf(7)} \\(7\\), `));
});

test('resync takes a number, and an id that the mirror does not have', async () => {
  expect((await command.passerelle('resync', numberOf(3), '3')).stdout).toBe('BC 3: unchanged\n');
  const id = setup.odoo.create(BC, { name: 'BC/NEW/1' });
  expect((await command.passerelle('resync', String(id))).stdout).toMatch(
    new RegExp(`^BC ${id}: created\\n`),
  );
});

test.each([
  ['show', 'BC/NONE', 'No order of the mirror has the number "BC/NONE"'],
  ['resync', 'BC/NONE', 'No order of the mirror has the number "BC/NONE"'],
  ['show', '4711', 'The mirror has no order with the id 4711. "passerelle resync 4711" reads it from Odoo.'],
])('%s %s ends with exit code 1 and says what to do', async (name, order, problem) => {
  const { code, stderr } = await command.passerelle(name, order);
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining(problem) });
});
