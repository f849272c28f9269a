import { afterAll, beforeAll, expect, it } from 'vitest';
import { type SandboxOdoo, startSandboxOdoo } from '../../../dev/sandbox-odoo/sandbox.ts';
import { execute, search } from './odoo-request.ts';

const BC = 'dimagaz.bc';

let sandbox: SandboxOdoo;
beforeAll(async () => {
  sandbox = await startSandboxOdoo({ documents: 3 });
});
afterAll(() => sandbox.stop());

const refusal = async (ids: readonly number[]) =>
  (await execute(sandbox, BC, 'read', [ids])).error?.data.name;

it('writes a record to JSON as read answers it, and leaves out missing fields', async () => {
  const [id = 0] = sandbox.ids(BC);
  const { result } = await execute(sandbox, BC, 'read', [[id]]);
  expect(sandbox.read(BC, [id, 999])).toEqual(result);
});

it('hides and refuses records until that is lifted', async () => {
  const [first = 0, second = 0] = sandbox.ids(BC);
  const show = sandbox.faults.hideRecords(BC, [first]);
  const allow = sandbox.faults.denyRecord(BC, second);
  expect(await search(sandbox, BC, [['id', '<=', second]])).toEqual([second]);
  expect(await refusal([second])).toBe('odoo.exceptions.AccessError');
  show();
  allow();
  expect(await search(sandbox, BC, [['id', '<=', second]], { order: 'id' })).toEqual([first, second]);
  expect(await refusal([first, second])).toBeUndefined();
});

it('counts the calls that went wrong, and ends a rule that is lifted', async () => {
  const lift = sandbox.faults.when({ model: BC }, 'user_error');
  expect(await refusal([1])).toBe('odoo.exceptions.UserError');
  lift();
  expect(await refusal([1])).toBeUndefined();
  expect([...sandbox.faults.taken]).toEqual([['user_error', 1]]);
});
