import { afterEach, expect, it } from 'vitest';
import type { TestSetup } from '../../support/test-setup.ts';
import { openTestSetup } from '../../support/test-setup.ts';

const BC = 'dimagaz.bc';
const MEGABYTE = 2 ** 20;

let setup: TestSetup;
afterEach(() => setup.close());

it('a page whose answer is too large is read in halves, and a BC that is too large alone fails alone', async () => {
  setup = await openTestSetup({
    sandbox: { documents: 1 },
    env: { ODOO_MAX_ANSWER: String(16 * MEGABYTE), ODOO_TIMEOUT_MS: '300000', ODOO_PROTOCOL: 'jsonrpc' },
  });
  const create = (megabytes: number) => setup.odoo.create(BC, { notes: 'x'.repeat(megabytes * MEGABYTE) });
  for (let bc = 0; bc < 3; bc += 1) create(6);
  const giant = create(17);
  await setup.work();
  expect(await setup.run('full')).toMatchObject({ status: 'partial', seen: 5, created: 4, failed: 1 });
  expect(
    await setup.database.client`select odoo_id, code from sync_failure where resolved_at is null`,
  ).toEqual([{ odoo_id: String(giant), code: 'odoo_answer_too_large' }]);
});
