import { afterAll, beforeAll, expect, test } from 'vitest';
import { waitFor } from '../support/wait-for.ts';
import type { DashboardSetup } from './dashboard-setup.ts';
import { openDashboardSetup } from './dashboard-setup.ts';
import { openWindow } from './pages.ts';

let dashboard: DashboardSetup;
beforeAll(async () => {
  dashboard = await openDashboardSetup({ documents: 20 });
  await dashboard.firstSync();
});
afterAll(() => dashboard.close());

test('a service that stops is reported at once, and found again automatically', async () => {
  const window = await openWindow(dashboard);
  const { page } = window;
  await window.open('');
  await page.locator('.connection.live').waitFor();
  await dashboard.stopApi();
  await page.getByRole('alert').filter({ hasText: 'The service does not answer.' }).waitFor();
  await page.getByText('Connection lost').waitFor();
  // The known data stay visible.
  await page.getByRole('heading', { name: 'The mirror is up to date' }).waitFor();
  await page.getByRole('button', { name: 'Sync now' }).click();
  await page.locator('.outcome').filter({ hasText: 'The service does not answer.' }).waitFor();
  await dashboard.startApi();
  await page.locator('.connection.live').waitFor();
  await waitFor(async () => (await page.getByRole('alert').count()) === 0, 'the page to have recovered');
  // The browser's log of refused connections.
  expect(window.complaints().filter((said) => !/ERR_|Failed to load/.test(said))).toEqual([]);
  await window.close();
});

test('where events do not get through, the state is asked for every few seconds', async () => {
  const window = await openWindow(dashboard, { language: 'fr' });
  const { page, context } = window;
  await context.route('**/sync/events', (route) => route.fulfill({ status: 503, body: 'no' }));
  await window.open('');
  await page.getByText('Actualisé toutes les 5 s').waitFor();
  await dashboard.setup.run('full');
  await page
    .getByRole('table', { name: /^Synchronisations/ })
    .getByRole('row')
    .nth(2)
    .waitFor();
  expect(window.complaints().every((said) => said.includes('503'))).toBe(true);
  await window.close();
});

test('a service that cannot read the state of the mirror is not shown as live', async () => {
  const window = await openWindow(dashboard);
  const { page } = window;
  await window.open('');
  await page.locator('.connection.live').waitFor();
  await dashboard.setup.database.client`alter table sync_state rename to sync_state_away`;
  await page.getByText('Connection lost').waitFor();
  await dashboard.setup.database.client`alter table sync_state_away rename to sync_state`;
  await page.locator('.connection.live').waitFor();
  expect(window.complaints().filter((said) => !/Failed to load/.test(said))).toEqual([]);
  await window.close();
});

test('a PostgreSQL that hangs is not shown as live, neither where the page was open nor where it is opened', async () => {
  const [window, later] = [await openWindow(dashboard), await openWindow(dashboard)];
  await window.open('');
  await window.page.locator('.connection.live').waitFor();
  await dashboard.setup.database.client.begin(async (sql) => {
    await sql`lock table sync_failure in access exclusive mode`;
    await window.page.getByText('Connection lost').waitFor();
    await later.page.goto('/admin');
    await later.page.getByText('Connection lost').waitFor();
  });
  for (const { page, complaints } of [window, later]) {
    await page.locator('.connection.live').waitFor();
    expect(complaints().filter((said) => !/Failed to load/.test(said))).toEqual([]);
  }
  await Promise.all([window.close(), later.close()]);
});

test('a connection that died without a word is noticed, and another one opened', async () => {
  const window = await openWindow(dashboard);
  const { page } = window;
  await page.clock.install();
  await window.open('');
  await page.locator('.connection.live').waitFor();
  dashboard.silenceApi();
  try {
    // Both beats that were to come did not.
    await page.clock.fastForward('00:36');
    await page.getByText('Connection lost').waitFor();
    const opened = page.waitForRequest('**/sync/events');
    await page.clock.fastForward('00:36');
    await opened;
  } finally {
    dashboard.resumeApi();
  }
  await page.locator('.connection.live').waitFor();
  await window.close();
});

test('a visitor without a login gets no page', async () => {
  const context = await dashboard.browser.newContext();
  const page = await context.newPage();
  const answer = await page.goto(`${dashboard.url}/admin`).catch((error: Error) => error.message);
  // Without a name and a password Chromium gives up on the page.
  if (typeof answer === 'string') expect(answer).toContain('ERR_INVALID_AUTH_CREDENTIALS');
  else expect(answer?.status()).toBe(401);
  await context.close();
});
