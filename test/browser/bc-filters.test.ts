import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DashboardSetup } from './dashboard-setup.ts';
import { openDashboardSetup } from './dashboard-setup.ts';
import { openWindowForEach, page, window } from './own-window.ts';

const BC = 'dimagaz.bc';
/** In UTC, as Odoo writes them, around the first of February in Paris. */
const ORDERED = ['2031-01-31 22:59:59', '2031-01-31 23:00:00', '2031-02-01 22:59:59', '2031-02-01 23:00:00'];

let dashboard: DashboardSetup;
let orders: readonly number[];
beforeAll(async () => {
  dashboard = await openDashboardSetup({ documents: 20 });
  orders = dashboard.setup.odoo.ids(BC).slice(0, ORDERED.length);
  for (const [at, id] of orders.entries())
    dashboard.setup.odoo.write(BC, [id], { date_order: ORDERED[at] ?? null });
  await dashboard.firstSync();
});
afterAll(() => dashboard.close());

openWindowForEach(() => dashboard);

const table = () => page.getByRole('table', { name: 'Purchase orders of the mirror' });
const ids = async () =>
  (await table().getByRole('rowheader').allTextContents()).map((text) => Number.parseInt(text, 10));
const total = (words: RegExp) => page.getByRole('status').filter({ hasText: words }).waitFor();
const chips = () => page.locator('.chips li');

async function choose(field: string): Promise<void> {
  await page.getByText('More filters').click();
  await page.getByRole('combobox', { name: 'Field' }).selectOption(field);
}

test('a filter on a day finds the orders that the list shows with that day', async () => {
  const [before = 0, first = 0, last = 0] = orders;
  await window.open('/bc?sort=date_order');
  await choose('date_order');
  await page.getByLabel('Value').fill('2031-02-01');
  await page.getByRole('button', { name: 'Add a filter' }).click();
  await page.getByText('Ordered on is 2031-02-01').waitFor();
  await total(/^2\spurchase orders$/);
  expect(await ids()).toEqual([first, last]);
  expect(
    await table()
      .getByRole('cell')
      .filter({ hasText: /^Feb 1, 2031/ })
      .count(),
  ).toBe(2);
  const coming = page.waitForEvent('download');
  await page.getByRole('link', { name: 'Export as CSV' }).click();
  const file = readFileSync(await (await coming).path(), 'utf8');
  expect(file.trimEnd().split(/\r?\n/)).toHaveLength(3);
  // With another bound on the same field, and on the day before it.
  await page.goto(
    '/admin/bc?sort=date_order&filter=date_order gte 2031-01-31&filter=date_order lte 2031-02-01',
  );
  await total(/^3\spurchase orders$/);
  expect(await ids()).toEqual([before, first, last]);
});

test('of a moment nothing is asked that a day cannot answer', async () => {
  await window.open('/bc');
  await choose('date_order');
  const condition = page.getByRole('combobox', { name: 'Condition' });
  const offered = await condition.getByRole('option').allTextContents();
  expect(offered).toEqual(['is', 'is more than', 'is at least', 'is less than', 'is at most', 'is empty']);
});

test('a filter without a value is not one, whether it is written or in the address', async () => {
  await window.open('/bc');
  await choose('name');
  await page.getByRole('textbox', { name: 'Value' }).fill('   ');
  await page.getByRole('button', { name: 'Add a filter' }).click();
  expect(await page.locator('input:invalid').count()).toBe(1);
  await page.getByRole('textbox', { name: 'Value' }).fill(' BC ');
  await page.getByRole('combobox', { name: 'Condition' }).selectOption('like');
  await page.getByRole('button', { name: 'Add a filter' }).click();
  await page.getByText('Number contains BC').waitFor();
  expect(await chips().count()).toBe(1);
  await window.open('/bc?filter=name+eq+++&filter=name+like+BC');
  await page.getByText('Number contains BC').waitFor();
  expect(await chips().count()).toBe(1);
});
