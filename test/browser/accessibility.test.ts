import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DashboardSetup } from './dashboard-setup.ts';
import { openDashboardSetup } from './dashboard-setup.ts';
import type { View } from './pages.ts';
import { openWindow, overflow, violations } from './pages.ts';
import type { PreparedData } from './prepared-data.ts';
import { prepareData } from './prepared-data.ts';

let dashboard: DashboardSetup;
let prepared: PreparedData;
beforeAll(async () => {
  dashboard = await openDashboardSetup();
  prepared = await prepareData(dashboard);
});
afterAll(() => dashboard.close());

const PAGES: readonly (readonly [name: string, path: () => string])[] = [
  ['overview', () => ''],
  ['list of orders', () => '/bc?filter=amount_total+gte+1'],
  ['order', () => `/bc/${prepared.edited}`],
  ['order that is gone', () => `/bc/${prepared.gone}`],
  ['runs', () => '/runs'],
  ['run', () => '/runs/1'],
  ['page that is not there', () => '/nowhere'],
];

const VIEWS: readonly View[] = [
  { language: 'fr', theme: 'light' },
  { language: 'fr', theme: 'dark', size: 'phone' },
  { language: 'en', theme: 'light', size: 'phone' },
  { language: 'en', theme: 'dark' },
];

describe.each(VIEWS)('in $language, $theme, $size', (view) => {
  test.each(PAGES)('axe-core finds nothing wrong with the %s', async (_name, path) => {
    const window = await openWindow(dashboard, view);
    await window.open(path());
    await window.page.evaluate(() => {
      for (const closed of document.querySelectorAll('details')) closed.open = true;
    });
    expect(await violations(window.page)).toEqual([]);
    expect(await window.page.evaluate(() => document.documentElement.lang)).toBe(view.language);
    await window.close();
  });
});

test('axe-core finds nothing wrong with a question, a run in progress and what came of it', async () => {
  const window = await openWindow(dashboard, { language: 'fr', theme: 'dark' });
  const { page } = window;
  await window.open('');
  await page.getByRole('button', { name: 'Tout relire' }).click();
  const dialog = page.getByRole('dialog', { name: 'Tout relire ?' });
  await dialog.waitFor();
  expect(await violations(page)).toEqual([]);
  dashboard.setup.odoo.faults.latencyMs = 500;
  await dialog.getByRole('button', { name: 'Tout relire' }).click();
  await page.locator('progress').waitFor();
  expect(await violations(page)).toEqual([]);
  dashboard.setup.odoo.faults.latencyMs = 0;
  await page.locator('.outcome .notice').filter({ hasText: 'terminée' }).waitFor();
  expect(await violations(page)).toEqual([]);
  await window.close();
});

test('on a phone no page is wider than the screen', async () => {
  const window = await openWindow(dashboard, { language: 'fr', size: 'phone' });
  for (const [name, path] of PAGES) {
    await window.open(path());
    expect([name, await overflow(window.page)]).toEqual([name, 0]);
  }
  await window.close();
});
