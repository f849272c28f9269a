import { mkdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DashboardSetup } from './dashboard-setup.ts';
import { openDashboardSetup } from './dashboard-setup.ts';
import { openMirrorsSetup, PARTNER } from './mirrors-setup.ts';
import type { View } from './pages.ts';
import { openWindow } from './pages.ts';
import type { PreparedData } from './prepared-data.ts';
import { prepareData } from './prepared-data.ts';

const folder = process.env['SCREENSHOTS'] ?? '';
const LARGEST_BYTES = 200_000;

let dashboard: DashboardSetup;
let prepared: PreparedData;
beforeAll(async () => {
  if (folder === '') return;
  mkdirSync(folder, { recursive: true });
  dashboard = await openDashboardSetup({ documents: 1500 }, { SYNC_EVERY: '10m' });
  prepared = await prepareData(dashboard);
});
afterAll(() => dashboard?.close());

async function take(
  from: DashboardSetup,
  name: string,
  path: string,
  view: View,
  ready?: (page: Page) => Promise<unknown>,
): Promise<void> {
  const window = await openWindow(from, view);
  await window.open(path);
  await ready?.(window.page);
  const file = join(resolve(folder), `${name}.png`);
  await window.page.screenshot({ path: file, animations: 'disabled', scale: 'css' });
  expect(statSync(file).size).toBeLessThan(LARGEST_BYTES);
  await window.close();
}

/** A third is done, and how fast is known. */
async function isUnderWay(page: Page): Promise<void> {
  await page.waitForFunction(() => (document.querySelector('progress')?.position ?? 0) > 0.33);
  await page.getByText(/par seconde/).waitFor();
}

test.runIf(folder !== '')('the pictures of the documents are taken', async () => {
  await take(dashboard, 'overview-dark', '', { language: 'en', theme: 'dark' });
  await take(dashboard, 'bc-list', '/bc?sort=-amount_total', { language: 'fr' });
  await take(dashboard, 'bc', `/bc/${prepared.edited}`, { language: 'fr' }, (page) =>
    page.locator('.history .diff').first().waitFor(),
  );
  await take(dashboard, 'overview-phone', '', { language: 'fr', size: 'phone' });
  dashboard.setup.odoo.faults.latencyMs = 250;
  const run = await dashboard.setup.request('full');
  await take(dashboard, 'overview', '', { language: 'fr' }, isUnderWay);
  dashboard.setup.odoo.faults.latencyMs = 0;
  await dashboard.setup.ended(run);
});

test.runIf(folder !== '')('the pictures of several mirrors are taken', async () => {
  const several = await openMirrorsSetup({ documents: 1500 });
  const { odoo } = several.setup;
  odoo.faults.denyRecord(PARTNER, odoo.ids(PARTNER)[2] ?? 0);
  await several.runOf('partners', 'full');
  await several.runOf('bc', 'full');
  const isReported = (page: Page) => page.locator('.badge.bad').waitFor();
  await take(several, 'mirrors', '', { language: 'en' }, isReported);
  await take(several, 'mirrors-fr', '', { language: 'fr' }, isReported);
  await several.close();
});
