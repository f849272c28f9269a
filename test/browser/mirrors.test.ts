import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { waitFor } from '../support/wait-for.ts';
import type { MirrorsSetup } from './mirrors-setup.ts';
import { openMirrorsSetup, PARTNER } from './mirrors-setup.ts';
import { openWindowForEach, page, window } from './own-window.ts';
import { openWindow, overflow, settled, type View, violations } from './pages.ts';

const BC = 'dimagaz.bc';

let dashboard: MirrorsSetup;
/** A partner that Odoo refuses to read. */
let refused: number;
let partner: number;
let partnerRun: number;
beforeAll(async () => {
  dashboard = await openMirrorsSetup({ documents: 60 });
  const { odoo } = dashboard.setup;
  [, , refused = 0, partner = 0] = odoo.ids(PARTNER);
  odoo.faults.denyRecord(PARTNER, refused);
  await dashboard.runOf('bc', 'full');
  ({ id: partnerRun } = await dashboard.runOf('partners', 'full'));
});
afterAll(() => dashboard.close());

const heading = (name: string | RegExp) => page.getByRole('heading', { level: 1, name }).waitFor();
const at = (path: string) => waitFor(() => new URL(page.url()).pathname === `/admin${path}`, path);
const menu = () => page.locator('summary', { hasText: /^(Mirror|Miroir)/ });
const table = () => page.getByRole('table', { name: 'Mirrors, those that need attention first' });
const row = (name: string) =>
  table()
    .getByRole('row')
    .filter({ has: page.getByRole('rowheader', { name }) });

/** The service lists these mirrors only. */
const only = (names: readonly string[]) =>
  page.route('**/api/v1/mirrors', async (route) => {
    const answer = await route.fetch().catch(() => null);
    if (answer === null) return route.abort();
    const { items } = await answer.json();
    const kept = items.filter(({ name }: { name: string }) => names.includes(name));
    await route.fulfill({ response: answer, json: { items: kept } });
  });

describe('one of several mirrors', () => {
  openWindowForEach(() => dashboard);

  test('is listed on the first page with its state, trouble first', async () => {
    await window.open('');
    await heading('1 of 3 mirrors needs attention');
    const names = table().getByRole('rowheader').getByRole('link');
    expect(await names.allTextContents()).toEqual(['partners', 'products', 'bc']);
    await row('partners').getByText('With failures').waitFor();
    await row('products').getByText('Never synced').waitFor();
    for (const name of ['partners', 'products']) expect(await row(name).locator('.badge.ok').count()).toBe(0);
    await row('products').getByText('never', { exact: true }).waitFor();
    await row('bc').getByText('Up to date').waitFor();
    await row('bc').getByRole('link', { name: 'bc: 60 records' }).waitFor();
    await row('partners').getByRole('link', { name: 'partners: 1 open failure' }).click();
    await at('/m/partners');
    await heading(/^Up to date, except for 1\srecord$/);
    expect(await page.title()).toMatch(/ · partners · Passerelle$/);
  });

  test('is synced from the first page', async () => {
    await window.open('');
    await row('bc').getByRole('button', { name: 'Sync now: bc' }).click();
    const outcome = page.locator('.outcome .notice').filter({ hasText: /Run \d+ succeeded/ });
    await outcome.getByRole('link', { name: 'Show the run' }).click();
    await at(`/m/bc/runs/${partnerRun + 1}`);
    await heading(`Run ${partnerRun + 1}`);
  });

  test('is chosen with the mouse, and left with the back button', async () => {
    await window.open('/m/bc/runs');
    await page.getByRole('cell', { name: 'Full' }).waitFor();
    await menu().click();
    await page.getByRole('link', { name: 'partners res.partner' }).click();
    await at('/m/partners/runs');
    await page.getByRole('link', { name: `Run ${partnerRun}`, exact: true }).waitFor();
    expect(await menu().textContent()).toBe('Mirror partners');
    expect(await page.locator('details.menu[open]').count()).toBe(0);
    await page.getByRole('link', { name: 'Records' }).click();
    await at('/m/partners/documents');
    await page.goBack();
    await page.goBack();
    await at('/m/bc/runs');
    expect(await menu().textContent()).toBe('Mirror bc');
    await page.getByRole('link', { name: 'Run 1', exact: true }).waitFor();
  });

  test('is chosen with the keyboard', async () => {
    await window.open('/m/bc');
    await heading('The mirror is up to date');
    await menu().focus();
    await page.keyboard.press('Enter');
    await page.keyboard.press('Escape');
    expect(await page.locator('details.menu[open]').count()).toBe(0);
    expect(await page.evaluate(() => document.activeElement?.tagName)).toBe('SUMMARY');
    await page.keyboard.press('Enter');
    for (let stop = 0; stop < 3; stop += 1) await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await at('/m/partners');
    await heading(/^Up to date, except for/);
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('content');
    // The menu closes when the focus leaves it.
    await menu().focus();
    await page.keyboard.press('Enter');
    await page.getByRole('combobox', { name: 'Language' }).focus();
    expect(await page.locator('details.menu[open]').count()).toBe(0);
  });

  test('has its own list and its own pages, by their address', async () => {
    const { name } = dashboard.setup.odoo.record(PARTNER, partner);
    await window.open('/m/partners/documents');
    await heading('Records');
    const records = page.getByRole('table', { name: 'Records of the mirror' });
    await records.getByRole('columnheader').nth(1).filter({ hasText: 'Name' }).waitFor();
    await page.getByRole('searchbox', { name: 'Text or id' }).fill(String(name));
    await page.keyboard.press('Enter');
    await page
      .getByRole('status')
      .filter({ hasText: /\srecords?$/ })
      .waitFor();
    await records.getByRole('link', { name: String(partner), exact: true }).click();
    await at(`/m/partners/documents/${partner}`);
    await heading(String(name));
    await page.getByRole('region', { name: 'History' }).getByText('Copied for the first time').waitFor();
    expect(await page.getByRole('region', { name: 'Lines' }).count()).toBe(0);
    await page.getByRole('button', { name: 'Read again from Odoo' }).click();
    await page
      .locator('.outcome')
      .filter({ hasText: /Run \d+ succeeded/ })
      .waitFor();
    await page.reload();
    await settled(page);
    await heading(String(name));
  });

  test('has its own failures, which are retried, and their jobs', async () => {
    await window.open('/m/partners');
    await page.getByRole('button', { name: `Retry record ${refused}` }).click();
    await page.locator('.card .outcome').filter({ hasText: 'ended with failures: 1' }).waitFor();
    await page.getByRole('link', { name: `Job of record ${refused}` }).click();
    await page
      .getByText(new RegExp(`bc-\\d+-${refused}-0`))
      .first()
      .waitFor();
    window.complaints();
  });

  test('without data says so on every page', async () => {
    await window.open('/m/products');
    await heading('The mirror is still empty');
    await page.getByText('No run yet.').waitFor();
    await window.open('/m/products/documents');
    await page.getByText('The mirror has no records.').waitFor();
    await window.open('/m/products/runs');
    await page.getByText('No run yet.').waitFor();
  });

  test('that does not exist is reported, with those that do', async () => {
    await window.open('/m/nope/runs');
    await heading('There is no mirror “nope”');
    await page.getByRole('main').getByRole('link', { name: 'partners' }).click();
    await at('/m/partners');
  });

  test('that leaves the configuration is reported to the open page', async () => {
    await window.open('/m/partners');
    const problem = { status: 404, json: { code: 'mirror_not_found', title: 'Not Found' } };
    await page.route('**/sync/events?mirror=partners', (route) => route.fulfill(problem));
    await page.route('**/sync?mirror=partners', (route) => route.fulfill(problem));
    await only(['bc', 'products']);
    await dashboard.stopApi();
    await page.getByText('Connection lost').waitFor();
    await dashboard.startApi();
    await heading('There is no mirror “partners”');
    expect(window.complaints().filter((said) => !/ERR_|Failed to load/.test(said))).toEqual([]);
  });

  test('that is the only one needs no menu, and its documents are records also at /bc', async () => {
    await only(['partners']);
    await window.open('');
    await heading(/^Up to date, except for 1\srecord$/);
    expect(await page.locator('details.menu').count()).toBe(0);
    await page.getByRole('link', { name: 'Records', exact: true }).click();
    await at('/bc');
    await page
      .getByRole('status')
      .filter({ hasText: /^119\srecords$/ })
      .waitFor();
  });

  test('is bc for an address without a mirror, or that of the run', async () => {
    const [order = 0] = dashboard.setup.odoo.ids(BC);
    await window.open(`/bc/${order}`);
    await at(`/m/bc/documents/${order}`);
    await heading(/^Purchase order BC/);
    await window.open('/bc?q=BC&sort=name');
    await at('/m/bc/documents');
    expect(new URL(page.url()).search).toBe('?q=BC&sort=name');
    await window.open(`/runs/${partnerRun}`);
    await at(`/m/partners/runs/${partnerRun}`);
    await heading(`Run ${partnerRun}`);
    await window.open('/nowhere');
    await page.getByRole('link', { name: 'Back to the overview' }).click();
    await at('');
  });
});

const PAGES: readonly (() => string)[] = [
  () => '',
  () => '/m/bc',
  () => '/m/partners',
  () => '/m/partners/documents',
  () => `/m/partners/documents/${partner}`,
  () => `/m/partners/runs/${partnerRun}`,
  () => '/m/products',
  () => '/m/products/documents',
  () => '/m/nope',
];

const VIEWS: readonly View[] = [
  { language: 'fr', theme: 'light', size: 'wide' },
  { language: 'fr', theme: 'dark', size: 'narrow' },
  { language: 'en', theme: 'light', size: 'narrow' },
  { language: 'en', theme: 'dark', size: 'wide' },
];

test.each(VIEWS)(
  'nothing is wider than the screen or wrong for axe-core in $language, $theme, $size',
  async (view) => {
    const own = await openWindow(dashboard, view);
    for (const path of PAGES) {
      await own.open(path());
      expect([path(), await overflow(own.page), await violations(own.page)]).toEqual([path(), 0, []]);
      await own.page.locator('details.menu > summary').click();
      expect([path(), await overflow(own.page), await violations(own.page)]).toEqual([path(), 0, []]);
    }
    await own.close();
  },
);

test('a French operator reads French', async () => {
  const own = await openWindow(dashboard, { language: 'fr' });
  await own.open('');
  await own.page.getByRole('heading', { level: 1, name: '1 miroir sur 3 à vérifier' }).waitFor();
  await own.page.getByText('Jamais synchronisé').waitFor();
  await own.page.getByRole('button', { name: 'Synchroniser partners' }).waitFor();
  await own.close();
});
