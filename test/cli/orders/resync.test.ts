import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TestSetup } from '../../support/test-setup.ts';
import { openTestSetup } from '../../support/test-setup.ts';
import { commandIn } from '../passerelle.ts';

const BC = 'dimagaz.bc';
const LINE = 'dimagaz.bc.line';
let setup: TestSetup;
let command: ReturnType<typeof commandIn>;
beforeAll(async () => {
  setup = await openTestSetup({ sandbox: { documents: 5 } });
  command = commandIn(setup.env);
  await command.passerelle('sync', '--full');
});
afterAll(() => setup.close());

const linesOf = (bcId: number) =>
  setup.odoo.ids(LINE).filter((id) => setup.odoo.record(LINE, id)['bc_id'] === bcId);

test('shows for each BC what changed: fields, lines added, changed and removed', async () => {
  const { odoo } = setup;
  const [changed = 0, removed = 0] = linesOf(1);
  odoo.write(BC, [1], { notes: 'Livraison à 8 h' });
  odoo.write(LINE, [changed], { note: 'fragile' });
  odoo.unlink(LINE, [removed]);
  const added = odoo.create(LINE, { bc_id: 1, name: 'Vis à bois' });
  const { code, stdout } = await command.passerelle('resync', '1', '2');
  expect(code).toBe(0);
  expect(stdout).toMatch(/^BC 1: updated\n/);
  expect(stdout).toMatch(/\n {2}notes: .+ → "Livraison à 8 h"\n/);
  expect(stdout).toMatch(new RegExp(`\n  \\+ line ${added}, .*"Vis à bois"`));
  expect(stdout).toMatch(new RegExp(`\n  - line ${removed},`));
  expect(stdout).toMatch(new RegExp(`\n  ~ line ${changed}\n(      .+\n)*      note: .+ → "fragile"\n`));
  expect(stdout).toMatch(/\nBC 2: unchanged\n$/);
});

test('gives the same as one JSON object', async () => {
  setup.odoo.write(BC, [3], { notes: 'neuf' });
  const { code, body } = await command.json('resync', '3');
  expect(code).toBe(0);
  expect(body).toEqual({
    runId: expect.any(Number),
    status: 'success',
    documents: [
      {
        odooId: 3,
        outcome: 'updated',
        changes: [{ header: expect.objectContaining({ notes: { old: expect.anything(), new: 'neuf' } }) }],
      },
    ],
  });
});

test('names the BC that a line left for the one asked for', async () => {
  const [moved = 0] = linesOf(4);
  setup.odoo.write(LINE, [moved], { bc_id: 5 });
  const { stdout } = await command.passerelle('resync', '5');
  expect(stdout).toContain(`BC 4: updated\n  - line ${moved}, which belongs to another BC now\n`);
});

test('says so when Odoo has no such BC', async () => {
  const { code, stdout } = await command.passerelle('resync', '999');
  expect({ code, stdout }).toEqual({ code: 0, stdout: 'BC 999: gone (Odoo has no such BC)\n' });
});

test('archives a BC that is gone from Odoo, and says so', async () => {
  const id = setup.odoo.create(BC, { name: 'BC/BREF/1' });
  await command.passerelle('resync', String(id));
  setup.odoo.erase(BC, [id]);
  const { body } = await command.json('resync', String(id));
  expect(body.documents).toEqual([{ odooId: id, outcome: 'archived', changes: [{ reason: 'gone' }] }]);
  const { stdout } = await command.passerelle('resync', String(id));
  expect(stdout).toBe(`BC ${id}: gone (Odoo has no such BC)\n`);
});

test('says why a BC failed, in one line, and ends with exit code 1', async () => {
  setup.odoo.faults.denyRecord(BC, 2);
  const { code, stdout, stderr } = await command.passerelle('resync', '2');
  setup.odoo.faults.clear();
  expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
  expect(stdout).toMatch(/^BC 2: failed: .*access denied.*\n$/);
});
