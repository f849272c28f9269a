import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DashboardSetup } from './dashboard-setup.ts';
import { openDashboardSetup } from './dashboard-setup.ts';
import { openWindowForEach, page, window } from './own-window.ts';

const BC = 'dimagaz.bc';
const MOST_STOPS = 80;

let dashboard: DashboardSetup;
beforeAll(async () => {
  dashboard = await openDashboardSetup({ documents: 60 });
  await dashboard.firstSync();
});
afterAll(() => dashboard.close());

openWindowForEach(() => dashboard);

/** The focused element, as a person would name it; null if the focus is invisible. */
const focused = () =>
  page.evaluate(() => {
    const element = document.activeElement;
    if (!(element instanceof HTMLElement)) return null;
    const { outlineStyle, outlineWidth } = getComputedStyle(element);
    const isSeen = outlineStyle !== 'none' && Number.parseFloat(outlineWidth) >= 2;
    const name = element.getAttribute('aria-label') ?? element.innerText.trim();
    return isSeen ? name : null;
  });

/** Tabs until something of this name has the focus; every stop on the way has to be seen. */
async function tabTo(name: string): Promise<void> {
  for (let stop = 0; stop < MOST_STOPS; stop += 1) {
    await page.keyboard.press('Tab');
    const found = await focused();
    expect(found, `stop ${stop + 1} on the way to ${name}`).not.toBeNull();
    if (found === name) return;
  }
  throw new Error(`${MOST_STOPS} stops, and none is ${name}`);
}

test('the first stop skips to the content', async () => {
  await window.open('');
  await page.keyboard.press('Tab');
  expect(await focused()).toBe('Skip to the content');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Tab');
  expect(await focused()).toBe('Sync now');
});

test('everything of the overview is done without a mouse: a run, the question before a full one, one order', async () => {
  await window.open('');
  await tabTo('Sync now');
  await page.keyboard.press('Enter');
  const outcome = page.locator('.actions .outcome .notice');
  await outcome.filter({ hasText: 'nothing had changed' }).waitFor();
  await page.reload();
  await tabTo('Full sync');
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'hidden' });
  expect(await focused()).toBe('Full sync');
  await tabTo('Odoo id of the purchase order');
  await page.keyboard.type(String(dashboard.setup.odoo.ids(BC)[0]));
  await page.keyboard.press('Enter');
  await outcome.filter({ hasText: /Run \d+ succeeded/ }).waitFor();
});

test('a failed order is retried without a mouse', async () => {
  const [, , bad = 0] = dashboard.setup.odoo.ids(BC);
  const lift = dashboard.setup.odoo.faults.denyRecord(BC, bad);
  await dashboard.setup.run('single', [bad]);
  lift();
  await window.open('');
  await tabTo(`Retry purchase order ${bad}`);
  await page.keyboard.press('Space');
  await page.getByText('None: every purchase order was copied.').waitFor();
});

test('an order is searched, opened and left without a mouse, and each page begins at its content', async () => {
  await window.open('');
  await tabTo('Purchase orders');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { level: 1, name: 'Purchase orders' }).waitFor();
  const [id = 0] = dashboard.setup.odoo.ids(BC);
  await page.getByRole('searchbox', { name: 'Number or text' }).focus();
  await page.keyboard.type(String(dashboard.setup.odoo.record(BC, id)['name']));
  await page.keyboard.press('Enter');
  await page
    .getByRole('status')
    .filter({ hasText: /^1\spurchase order$/ })
    .waitFor();
  await tabTo(String(id));
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { level: 1, name: /^Purchase order BC/ }).waitFor();
  expect(await page.evaluate(() => document.activeElement?.id)).toBe('content');
  await tabTo('Read again from Odoo');
  await page.keyboard.press('Enter');
  await page
    .locator('.outcome')
    .filter({ hasText: /Run \d+ succeeded/ })
    .waitFor();
});

test('a wide table is scrolled by the arrow keys', async () => {
  await page.setViewportSize({ width: 500, height: 800 });
  await window.open('/runs');
  const box = page.getByRole('region', { name: 'Runs, newest first' });
  await box.focus();
  await page.keyboard.press('ArrowRight');
  await page.waitForFunction(() => (document.querySelector('.table-box')?.scrollLeft ?? 0) > 0);
});
