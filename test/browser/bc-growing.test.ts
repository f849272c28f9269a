import { afterAll, beforeAll, expect, test } from 'vitest';
import { waitFor } from '../support/wait-for.ts';
import type { DashboardSetup } from './dashboard-setup.ts';
import { openDashboardSetup } from './dashboard-setup.ts';
import { openWindowForEach, page, window } from './own-window.ts';

const BC = 'dimagaz.bc';
const LINE = 'dimagaz.bc.line';
/** More than a page shows at first. */
const MANY = 130;

let dashboard: DashboardSetup;
let large: number;
beforeAll(async () => {
  dashboard = await openDashboardSetup({ documents: 20 });
  const { odoo } = dashboard.setup;
  [large = 0] = odoo.ids(BC);
  odoo.unlink(
    LINE,
    odoo.ids(LINE).filter((id) => odoo.record(LINE, id)['bc_id'] === large),
  );
  for (let line = 0; line < MANY; line += 1) {
    odoo.create(LINE, { bc_id: large, name: `Ligne ${line}`, quantity: 1, price_unit: 1 });
  }
  await dashboard.firstSync();
});
afterAll(() => dashboard.close());

openWindowForEach(() => dashboard);

const table = () => page.getByRole('table', { name: 'Lines of the purchase order' });
const lines = () => table().getByRole('rowheader');

test('lines that were opened stay open when a run ends, and are read again when their order changed', async () => {
  const { odoo, run } = dashboard.setup;
  await window.open(`/bc/${large}`);
  await page.getByRole('button', { name: 'Show more lines' }).click();
  await waitFor(async () => (await lines().count()) === MANY, 'all lines');
  const asked: string[] = [];
  page.on('request', (request) => asked.push(request.url()));
  const header = page.waitForResponse((answer) => answer.url().includes(`/bc/${large}?`));
  expect(await run('incremental')).toMatchObject({ status: 'success', updated: 0 });
  await header;
  expect(asked.filter((url) => /\/(lines|history)\?/.test(url))).toEqual([]);
  expect(await lines().count()).toBe(MANY);
  odoo.write(BC, [large], { notes: 'À livrer avant midi' });
  odoo.write(LINE, [odoo.ids(LINE).find((line) => odoo.record(LINE, line)['bc_id'] === large) ?? 0], {
    name: 'Ligne changée',
  });
  await run('incremental');
  await table().getByRole('cell', { name: 'Ligne changée' }).waitFor();
  await page
    .getByRole('region', { name: 'History' })
    .locator('ins', { hasText: 'À livrer avant midi' })
    .waitFor();
});

test('lines that could not be read are asked for again when the service is back', async () => {
  await page.route('**/lines?*', (route) => route.abort());
  await page.goto(`/admin/bc/${large}`);
  await page.getByRole('alert').filter({ hasText: 'This could not be loaded.' }).waitFor();
  await page.locator('.connection.live').waitFor();
  await page.unroute('**/lines?*');
  await dashboard.stopApi();
  await page.getByText('Connection lost').waitFor();
  await dashboard.startApi();
  await lines().first().waitFor();
  expect(window.complaints().filter((said) => !/ERR_|Failed to load/.test(said))).toEqual([]);
});
