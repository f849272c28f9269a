import { afterAll, beforeAll, expect, test } from 'vitest';
import { waitFor } from '../support/wait-for.ts';
import type { DashboardSetup } from './dashboard-setup.ts';
import { openDashboardSetup } from './dashboard-setup.ts';
import { openWindowForEach, page, window } from './own-window.ts';

const BC = 'dimagaz.bc';

let dashboard: DashboardSetup;
beforeAll(async () => {
  dashboard = await openDashboardSetup();
});
afterAll(() => dashboard.close());

openWindowForEach(() => dashboard);

const heading = () => page.getByRole('heading', { level: 1 });
const press = (name: string) => page.getByRole('button', { name, exact: true }).click();
const outcome = () => page.locator('.actions .outcome .notice');
const ended = (words: RegExp) => outcome().filter({ hasText: words }).waitFor();

test('a mirror without a run says that it is empty', async () => {
  await window.open('');
  expect(await heading().textContent()).toBe('The mirror is still empty');
  await page.getByText('Nothing has been copied from Odoo yet.').waitFor();
  await page.getByText('No run yet.').waitFor();
});

test('a full sync asks first, is followed live, and shows its changes', async () => {
  await window.open('');
  await press('Full sync');
  const dialog = page.getByRole('dialog', { name: 'Read everything again?' });
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await dialog.waitFor({ state: 'hidden' });
  expect(await outcome().count()).toBe(0);
  dashboard.setup.odoo.faults.latencyMs = 300;
  await press('Full sync');
  await dialog.getByRole('button', { name: 'Full sync' }).click();
  await page.getByRole('heading', { name: 'A run is in progress' }).waitFor();
  await page.getByRole('progressbar', { name: 'Progress of the run' }).waitFor();
  await page.getByText(/^(Planning|Reading Odoo|Storing|Finishing)$/).waitFor();
  dashboard.setup.odoo.faults.latencyMs = 0;
  await ended(/Run 1 succeeded: 120\screated/);
  await page.getByRole('heading', { name: 'The mirror is up to date' }).waitFor();
  await page.getByText(/It shows Odoo as it was \d+ seconds? ago\./).waitFor();
});

test('Sync now brings what changed, and the table of runs has it at once', async () => {
  await window.open('');
  dashboard.setup.odoo.write(BC, dashboard.setup.odoo.ids(BC).slice(0, 3), { notes: 'changed' });
  await press('Sync now');
  await ended(/Run \d+ succeeded: 3\supdated/);
  const newest = page.getByRole('table', { name: 'Runs, newest first' }).getByRole('row').nth(1);
  await newest.filter({ hasText: 'Incremental' }).filter({ hasText: 'Success' }).waitFor();
  await page.getByRole('link', { name: 'Show the run' }).click();
  await page.getByRole('heading', { level: 1, name: /^Run \d+$/ }).waitFor();
});

test('a sweep archives BCs deleted in Odoo', async () => {
  await window.open('');
  dashboard.setup.odoo.unlink(BC, dashboard.setup.odoo.ids(BC).slice(-1));
  await press('Sweep');
  await ended(/succeeded: 1\sarchived/);
});

test('one order is read again by its id, and nothing is sent without one', async () => {
  await window.open('');
  const [id = 0] = dashboard.setup.odoo.ids(BC);
  dashboard.setup.odoo.write(BC, [id], { urgent: true, notes: 'read again alone' });
  await page.getByRole('spinbutton', { name: 'Odoo id of the purchase order' }).fill(String(id));
  await press('Resync one order');
  await ended(/succeeded: 1\supdated/);
  await page.getByRole('spinbutton').fill('');
  await press('Resync one order');
  // The browser itself refuses an empty number: nothing is sent.
  expect(await page.locator('input:invalid').count()).toBe(1);
});

test('a refused run is explained in words', async () => {
  await window.open('');
  dashboard.setup.odoo.faults.latencyMs = 1000;
  const run = await dashboard.setup.request('full');
  await page.getByRole('heading', { name: 'A run is in progress' }).waitFor();
  await press('Sync now');
  await ended(/A run is in progress already\. Wait for its end/);
  dashboard.setup.odoo.faults.latencyMs = 0;
  await dashboard.setup.ended(run);
  // The browser's log of the answer 409.
  expect(window.complaints()).toEqual([expect.stringContaining('409')]);
});

test('a run that fails turns the state red, with its reason, until one succeeds', async () => {
  await window.open('');
  const recovered = dashboard.setup.odoo.faults.when({ method: 'search' }, 'user_error');
  const alsoRead = dashboard.setup.odoo.faults.when({ method: 'search_read' }, 'user_error');
  await press('Sync now');
  await ended(/Run \d+ failed: /);
  await page.getByRole('heading', { name: 'The last run failed' }).waitFor();
  recovered();
  alsoRead();
  await press('Sync now');
  await page.getByRole('heading', { name: 'The mirror is up to date' }).waitFor();
});

test('a failed order is listed with its reason and its job, and retried until it is gone from the list', async () => {
  const [, , bad = 0] = dashboard.setup.odoo.ids(BC);
  const lift = dashboard.setup.odoo.faults.denyRecord(BC, bad);
  dashboard.setup.odoo.write(BC, [bad], { notes: 'refused' });
  await window.open('');
  await press('Sync now');
  await ended(/ended with failures: 1\sfailed/);
  await page.getByRole('heading', { name: /^Up to date, except for 1\spurchase order$/ }).waitFor();
  const row = page.getByRole('row').filter({ hasText: 'odoo_access_denied' });
  await row.getByRole('link', { name: String(bad), exact: true }).waitFor();
  await row.getByText('1 time').waitFor();
  await row.getByRole('button', { name: `Retry purchase order ${bad}` }).click();
  await page.locator('.card .outcome').filter({ hasText: 'ended with failures: 1' }).waitFor();
  await row.getByText('2 times').waitFor();
  lift();
  await row.getByRole('button', { name: `Retry purchase order ${bad}` }).click();
  await page.getByText('None: every purchase order was copied.').waitFor();
  await page
    .locator('.card .outcome')
    .filter({ hasText: /succeeded: 1\supdated/ })
    .waitFor();
  expect(await row.count()).toBe(0);
});

test('the job of a failure is shown by the board of queues', async () => {
  const [, , , bad = 0] = dashboard.setup.odoo.ids(BC);
  const lift = dashboard.setup.odoo.faults.denyRecord(BC, bad);
  await dashboard.setup.run('single', [bad]);
  await window.open('');
  await page.getByRole('link', { name: `Job of purchase order ${bad}` }).click();
  await waitFor(() => page.url().includes('/admin/queues/queue/bc/'), 'the board');
  await page
    .getByText(/bc-\d+-\d+-0/)
    .first()
    .waitFor();
  // bull-board is another program; its log is its own.
  window.complaints();
  lift();
  await dashboard.setup.run('single', [bad]);
});

test('Odoo and Tryton are shown with their health', async () => {
  await window.open('');
  const card = page.getByRole('region', { name: 'Odoo and Tryton' });
  await card.getByText('7.0.30').waitFor();
  await card.getByText('closed: calls go through').waitFor();
  await card.getByText('Answers').nth(1).waitFor();
});
