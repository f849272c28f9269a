import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DashboardSetup } from './dashboard-setup.ts';
import { openDashboardSetup } from './dashboard-setup.ts';
import { openWindow, settled } from './pages.ts';

let dashboard: DashboardSetup;
beforeAll(async () => {
  dashboard = await openDashboardSetup({ documents: 60 });
  await dashboard.firstSync();
});
afterAll(() => dashboard.close());

test.each([
  ['fr', 'Le miroir est à jour', /^Il montre Odoo tel qu’il était il y a \d+ secondes?\.$/],
  ['en', 'The mirror is up to date', /^It shows Odoo as it was \d+ seconds? ago\.$/],
] as const)('a browser in %s is spoken to in that language', async (language, sentence, age) => {
  const window = await openWindow(dashboard, { language });
  await window.open('');
  await window.page.getByRole('heading', { level: 1, name: sentence }).waitFor();
  await window.page.getByText(age).waitFor();
  expect(await window.page.title()).toBe(`${sentence} · Passerelle`);
  await window.close();
});

test('a language that is not spoken here becomes French', async () => {
  const context = await dashboard.browser.newContext({
    ...{ locale: 'pt-BR', httpCredentials: { username: 'admin', password: 'les-visiteurs' } },
  });
  const page = await context.newPage();
  await page.goto(`${dashboard.url}/admin`);
  await page.getByRole('heading', { name: 'Le miroir est à jour' }).waitFor();
  await context.close();
});

test('the language is switched on every page, and kept', async () => {
  const window = await openWindow(dashboard, { language: 'fr' });
  const { page } = window;
  await window.open('/runs');
  await page.getByRole('cell', { name: 'Complète' }).waitFor();
  await page.getByRole('combobox', { name: 'Langue' }).selectOption('en');
  await page.getByRole('cell', { name: 'Full' }).waitFor();
  await page.reload();
  await settled(page);
  expect(await page.evaluate(() => document.documentElement.lang)).toBe('en');
  await page.getByRole('link', { name: 'Purchase orders' }).click();
  await page.getByRole('heading', { level: 1, name: 'Purchase orders' }).waitFor();
  await page.getByRole('combobox', { name: 'Language' }).selectOption('fr');
  await page.getByRole('heading', { level: 1, name: 'Bons de commande' }).waitFor();
  await window.close();
});

test('light and dark follow the system until one is chosen, which is kept', async () => {
  const window = await openWindow(dashboard, { theme: 'dark' });
  const { page } = window;
  const ground = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  await window.open('');
  const dark = await ground();
  await page.emulateMedia({ colorScheme: 'light' });
  const light = await ground();
  expect(dark).not.toBe(light);
  await page.getByRole('combobox', { name: 'Appearance' }).selectOption('dark');
  expect(await ground()).toBe(dark);
  await page.reload();
  await settled(page);
  expect(await ground()).toBe(dark);
  await page.getByRole('combobox', { name: 'Appearance' }).selectOption('system');
  expect(await ground()).toBe(light);
  await window.close();
});

test('runs are filtered, and each leads to its page and back', async () => {
  const window = await openWindow(dashboard);
  const { page } = window;
  await dashboard.setup.run('sweep');
  await window.open('/runs');
  await page.getByRole('combobox', { name: 'Mode' }).selectOption('sweep');
  await page.waitForURL(/mode=sweep/);
  const rows = page.getByRole('table', { name: 'Runs, newest first' }).getByRole('row');
  await rows.filter({ hasText: 'Full' }).waitFor({ state: 'detached' });
  expect(await rows.count()).toBe(2);
  await page.getByRole('combobox', { name: 'Result' }).selectOption('failed');
  await page.getByText('No run yet.').waitFor();
  await window.open('/runs');
  await page.getByRole('link', { name: 'Run 1', exact: true }).click();
  await page.getByRole('heading', { level: 1, name: 'Run 1' }).waitFor();
  expect(await page.title()).toBe('Run 1 · Passerelle');
  const created = page.getByRole('region', { name: 'Result' }).locator('div', { hasText: /^Created60$/ });
  await created.first().waitFor();
  await page.goBack();
  await page.getByRole('heading', { level: 1, name: 'Runs' }).waitFor();
  await window.close();
});

test('a page that is not there says so, and leads back', async () => {
  const window = await openWindow(dashboard);
  await window.open('/nowhere');
  await window.page.getByRole('link', { name: 'Back to the overview' }).click();
  await window.page.getByRole('heading', { name: 'The mirror is up to date' }).waitFor();
  await window.close();
});
