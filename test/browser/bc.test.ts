import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DashboardSetup } from './dashboard-setup.ts';
import { openDashboardSetup } from './dashboard-setup.ts';
import { openWindowForEach, page, window } from './own-window.ts';
import { openWindow, settled } from './pages.ts';
import type { PreparedData } from './prepared-data.ts';
import { prepareData } from './prepared-data.ts';

const BC = 'dimagaz.bc';

let dashboard: DashboardSetup;
let prepared: PreparedData;
beforeAll(async () => {
  dashboard = await openDashboardSetup();
  prepared = await prepareData(dashboard);
});
afterAll(() => dashboard.close());

openWindowForEach(() => dashboard);

const table = () => page.getByRole('table', { name: 'Purchase orders of the mirror' });
/** Ids of the rows that are shown, from the top. */
const ids = async () =>
  (await table().getByRole('rowheader').allTextContents()).map((text) => Number.parseInt(text, 10));
const total = (words: RegExp) => page.getByRole('status').filter({ hasText: words }).waitFor();
const amountOf = (id: number) => Number(dashboard.setup.odoo.record(BC, id)['amount_total']);
const live = () => dashboard.setup.odoo.ids(BC).filter((id) => !prepared.refused.includes(id));

test('the list begins with the newest, and goes on page by page, there and back', async () => {
  await window.open('/bc');
  const newest = live().reverse();
  expect(await ids()).toEqual(newest.slice(0, 50));
  await page.getByRole('button', { name: 'Next page' }).click();
  await table()
    .getByRole('link', { name: String(newest[50]), exact: true })
    .waitFor();
  expect(await ids()).toEqual(newest.slice(50, 100));
  await page.getByRole('button', { name: 'Previous page' }).click();
  await table()
    .getByRole('link', { name: String(newest[0]), exact: true })
    .waitFor();
});

test('an order is found by its number, by its partner, and nothing is said to be nothing', async () => {
  await window.open('/bc');
  const { name } = dashboard.setup.odoo.record(BC, prepared.edited);
  await page.getByRole('searchbox', { name: 'Number or text' }).fill(String(name));
  await page.keyboard.press('Enter');
  await total(/^1\spurchase order$/);
  expect(await ids()).toEqual([prepared.edited]);
  await page.getByRole('button', { name: 'Clear' }).click();
  await page.getByRole('searchbox', { name: 'Supplier, by name' }).fill('câblerie');
  await page.getByRole('button', { name: 'Search' }).click();
  await page.waitForURL(/partner=/);
  await settled(page);
  const cells = await table()
    .getByRole('cell')
    .filter({ hasText: /^Câblerie/ })
    .count();
  expect([cells, cells > 0]).toEqual([(await ids()).length, true]);
  await page.getByRole('searchbox', { name: 'Number or text' }).fill('no such thing');
  await page.keyboard.press('Enter');
  await page.getByText('No purchase order matches. Change the filters.').waitFor();
});

test('filters on any field, the state and the sort are in the address, which can be shared', async () => {
  await window.open('/bc');
  await page.getByRole('combobox', { name: 'State', exact: true }).selectOption('confirmed');
  await page.waitForURL(/state=confirmed/);
  await page.getByText('More filters').click();
  await page.getByRole('combobox', { name: 'Field' }).selectOption('amount_total');
  await page.getByRole('combobox', { name: 'Condition' }).selectOption('gte');
  await page.getByRole('textbox', { name: 'Value' }).fill('100');
  await page.getByRole('button', { name: 'Add a filter' }).click();
  await page.getByText('Total is at least 100').waitFor();
  await page.getByRole('button', { name: 'Total', exact: true }).click();
  await page.locator('th[aria-sort="ascending"]').filter({ hasText: 'Total' }).waitFor();
  await settled(page);
  const expected = live()
    .map((id) => dashboard.setup.odoo.record(BC, id))
    .filter((bc) => bc['state'] === 'confirmed' && Number(bc['amount_total']) >= 100)
    .sort((one, other) => Number(one['amount_total']) - Number(other['amount_total']));
  await total(new RegExp(`^${expected.length}\\spurchase`));
  expect(await ids()).toEqual(expected.slice(0, 50).map(({ id }) => id));
  const address = page.url();
  await page.getByRole('button', { name: 'Remove the filter on Total' }).click();
  await page.waitForURL((url) => !url.search.includes('filter'));
  await page.goto(address);
  await page.getByText('Total is at least 100').waitFor();
  await total(new RegExp(`^${expected.length}\\spurchase`));
});

test('rows of the last order are marked until those of the new one are there, and lead to no next page', async () => {
  await window.open('/bc');
  const marked = page.locator('.loaded[aria-busy="true"]').filter({ has: table() });
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  await page.route('**/admin/api/v1/bc?*sort=amount_total*', async (route) => {
    await held;
    await route.continue();
  });
  await page.getByRole('button', { name: 'Total', exact: true }).click();
  await page.locator('th[aria-sort="ascending"]').filter({ hasText: 'Total' }).waitFor();
  expect(await marked.count()).toBe(1);
  await page.getByRole('button', { name: 'Next page' }).click();
  expect(await page.getByRole('button', { name: 'Previous page' }).isDisabled()).toBe(true);
  release();
  await marked.waitFor({ state: 'detached' });
  const cheapest = live().sort((one, other) => amountOf(one) - amountOf(other) || one - other);
  expect(await ids()).toEqual(cheapest.slice(0, 50));
});

test('an answer that is still missing is not mixed with the answer before it', async () => {
  await window.open('/bc');
  await page.route('**/admin/api/v1/bc?*state=confirmed*', (route) => route.abort());
  await page.getByRole('combobox', { name: 'State', exact: true }).selectOption('confirmed');
  await page.getByRole('alert').waitFor();
  expect(await table().count()).toBe(0);
  await page.unroute('**/admin/api/v1/bc?*state=confirmed*');
  await page.getByRole('button', { name: 'Try again' }).click();
  await table().waitFor();
  expect(window.complaints().filter((said) => !said.includes('ERR_FAILED'))).toEqual([]);
});

test('columns are chosen from the model, and kept', async () => {
  await window.open('/bc');
  await page.locator('summary', { hasText: 'Columns' }).click();
  await page.getByRole('checkbox', { name: 'Notes' }).check();
  await table().getByRole('columnheader', { name: 'Notes' }).waitFor();
  await page.getByRole('checkbox', { name: 'Buyer' }).uncheck();
  await page.reload();
  await settled(page);
  await table().getByRole('columnheader', { name: 'Notes' }).waitFor();
  expect(await table().getByRole('columnheader', { name: 'Buyer' }).count()).toBe(0);
  await page.locator('summary', { hasText: 'Columns' }).click();
  await page.getByRole('button', { name: 'Default columns' }).click();
  await table().getByRole('columnheader', { name: 'Buyer' }).waitFor();
});

test.each([
  ['en', 'Export as CSV', ','],
  ['fr', 'Exporter en CSV', ';'],
] as const)(
  'in %s the list is exported as a file that a spreadsheet opens',
  async (language, label, between) => {
    const own = await openWindow(dashboard, { language });
    await own.open('/bc?state=confirmed');
    const coming = own.page.waitForEvent('download');
    await own.page.getByRole('link', { name: label }).click();
    const download = await coming;
    const [head = '', ...rows] = readFileSync(await download.path(), 'utf8')
      .trimEnd()
      .split(/\r?\n/);
    expect(download.suggestedFilename()).toMatch(/^bc-.*\.csv$/);
    expect(head.startsWith('\ufeff')).toBe(true);
    expect(head.split(between)).toContain('partner_id_name');
    const confirmed = live().filter((id) => dashboard.setup.odoo.record(BC, id)['state'] === 'confirmed');
    expect(rows).toHaveLength(confirmed.length);
    await own.close();
  },
);

test('a BC deleted in Odoo is shown on request, and marked', async () => {
  await window.open('/bc');
  expect(await ids()).not.toContain(prepared.gone);
  await page.getByRole('combobox', { name: 'Gone from Odoo' }).selectOption('only');
  await total(/^1\spurchase order$/);
  await table()
    .getByRole('link', { name: String(prepared.gone) })
    .click();
  await page.getByText(/Gone from Odoo: noticed .* The copy is kept\./).waitFor();
  await page.getByRole('heading', { name: 'Gone from Odoo, archived' }).waitFor();
});

test('an order is shown with its fields, its lines and its history in words', async () => {
  await window.open(`/bc/${prepared.edited}`);
  const bc = dashboard.setup.odoo.record(BC, prepared.edited);
  await page.getByRole('heading', { level: 1, name: `Purchase order ${bc['name']}` }).waitFor();
  const fields = page.getByRole('region', { name: 'Fields' });
  await fields.getByText('Confirmed').waitFor();
  const amount = new Intl.NumberFormat('en', { style: 'currency', currency: 'EUR' });
  const [currency] = dashboard.setup.odoo.read(BC, [prepared.edited]).map((read) => read['currency_id']);
  const isEuro = Array.isArray(currency) && currency[1] === 'EUR';
  if (isEuro) await fields.getByText(amount.format(Number(bc['amount_total']))).waitFor();
  const lines = page.getByRole('table', { name: 'Lines of the purchase order' });
  await lines.getByText('Livraison express').first().waitFor();
  const history = page.getByRole('region', { name: 'History' });
  const state = history.getByRole('row').filter({ hasText: 'State' });
  expect(await state.locator('ins').textContent()).toBe('Confirmed');
  await history.getByRole('heading', { name: /^Line \d+ added$/ }).waitFor();
  await history.getByRole('heading', { name: /^Line \d+ removed$/ }).waitFor();
  await history.getByRole('heading', { name: /^Line \d+ changed$/ }).waitFor();
  await page.getByRole('button', { name: 'Show empty fields' }).click();
  await fields.getByText('content not shown').waitFor();
});

test('an order is read again by its button, and what that changed is there at once', async () => {
  dashboard.setup.odoo.write(BC, [prepared.edited], { notes: 'Relu à la demande' });
  await window.open(`/bc/${prepared.edited}`);
  await page.getByRole('button', { name: 'Read again from Odoo' }).click();
  await page
    .locator('.outcome')
    .filter({ hasText: /succeeded: 1\supdated/ })
    .waitFor();
  await page
    .getByRole('region', { name: 'History' })
    .locator('ins', { hasText: 'Relu à la demande' })
    .waitFor();
});

test('an order that the mirror does not have can be asked of Odoo', async () => {
  const [id] = prepared.refused;
  await window.open(`/bc/${id}`);
  await page.getByRole('alert').filter({ hasText: 'The mirror has no such purchase order.' }).waitFor();
  prepared.lift();
  await page.getByRole('button', { name: 'Read again from Odoo' }).click();
  await page
    .locator('.outcome')
    .filter({ hasText: /succeeded: 1\screated/ })
    .waitFor();
  await page.getByRole('region', { name: 'Lines', exact: true }).waitFor();
  // The browser's log of answers that are 404 until then.
  expect(window.complaints().filter((said) => !said.includes('404'))).toEqual([]);
});
