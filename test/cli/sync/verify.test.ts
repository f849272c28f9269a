import { afterAll, beforeAll, expect, test } from 'vitest';
import { KINDS } from '../../../src/sync/maintenance/verify.ts';
import { openTestSetup, type TestSetup } from '../../support/test-setup.ts';
import { commandIn } from '../passerelle.ts';

const BC = 'dimagaz.bc';
let setup: TestSetup;
beforeAll(async () => {
  setup = await openTestSetup({ sandbox: { documents: 10 } });
  // A rule of Odoo hides them from the user of the mirror.
  setup.odoo.faults.hideRecords(BC, [2, 3]);
  expect(await commandIn(setup.env).json('sync', '--full')).toMatchObject({ code: 0 });
});
afterAll(() => setup.close());

/** Lines of BCs 2 and 3. */
const lines = () =>
  setup.odoo
    .ids('dimagaz.bc.line')
    .filter((id) => [2, 3].includes(Number(setup.odoo.record('dimagaz.bc.line', id)['bc_id']))).length;

test.each(['xmlrpc', 'jsonrpc', 'json2'])(
  'verify as another Odoo user finds records hidden from the user of the mirror, over %s',
  async (protocol) => {
    const own = { ...setup.env, ODOO_PROTOCOL: protocol };
    expect(await commandIn(own).json('verify')).toMatchObject({ code: 0, body: { ok: true, headers: 8 } });
    const { user, apiKey } = setup.odoo.admin;
    const other = commandIn({ ...own, ODOO_USER: user, ODOO_PASSWORD: apiKey });
    const { code, body } = await other.json('verify');
    expect({ code, ...body }).toMatchObject({
      code: 1,
      ok: false,
      headers: 10,
      missing: 2 + lines(),
      extra: 0,
    });
    expect(body.examples.missing.slice(0, 2)).toEqual([
      { model: BC, id: 2 },
      { model: BC, id: 3 },
    ]);
  },
);

test('the recipe of the runbook stores a BC again', async () => {
  const command = commandIn(setup.env);
  await setup.database.client`
    update scrap_dimagaz_bc set content_hash = '', odoo_create_date = null, changed_xid = '1' where odoo_id = 7`;
  expect(await command.json('verify')).toMatchObject({
    code: 1,
    body: { different: 1, badHashes: 1, feedGaps: 1 },
  });
  expect((await command.passerelle('resync', '7')).stdout).toMatch(/^BC 7: updated/);
  expect(await command.json('verify')).toMatchObject({ code: 0, body: { ok: true } });
});

test('prints a line for each finding, with its repair', async () => {
  const { user, apiKey } = setup.odoo.admin;
  await setup.database.client`drop view dimagaz_bc`;
  const other = commandIn({ ...setup.env, ODOO_USER: user, ODOO_PASSWORD: apiKey });
  const { stdout } = await other.passerelle('verify');
  const [first, missing, views, ...rest] = stdout.trimEnd().split('\n');
  expect(first).toMatch(/^not ok: 10 BC and \d+ lines compared$/);
  expect(missing).toMatch(
    /^ {2}\d+ missing: in Odoo, not in the mirror \(dimagaz\.bc 2, 3; dimagaz\.bc\.line \d+, .*\)\. "passerelle sync --sweep" reads them\. If they stay, check what ODOO_USER may read\.$/,
  );
  expect(views).toBe(
    '  1 views: typed views that were dropped or are outdated (dimagaz.bc view dimagaz_bc). "passerelle sync" creates them again.',
  );
  expect(rest).toEqual([]);
  const scheduled = commandIn({ ...setup.env, ODOO_USER: user, ODOO_PASSWORD: apiKey, SWEEP_EVERY: '15m' });
  expect((await scheduled.passerelle('verify')).stdout).toContain(
    'The next sweep reads them, within 15 min; "passerelle sync --sweep" does it now.',
  );
});

test('the help names each count', async () => {
  const { stdout } = await commandIn(setup.env).passerelle('verify', '--help');
  for (const kind of KINDS) expect(stdout).toContain(`  ${kind} `);
});
