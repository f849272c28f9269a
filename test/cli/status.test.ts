import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import { openIncident } from '../../src/db/alerts.ts';
import { grantLease } from '../../src/db/runs/lease.ts';
import { progress } from '../../src/db/runs/ledger.ts';
import { createRun, updateRun } from '../../src/db/runs/runs.ts';
import { BC_KEY } from '../../src/db/schema/sync.ts';
import type { TestSetup } from '../support/test-setup.ts';
import { openTestSetup } from '../support/test-setup.ts';
import { waitFor } from '../support/wait-for.ts';
import { commandIn, passerelle } from './passerelle.ts';

const DOCUMENTS = 50;
const PAGE = 20;
const ON_TWO_PAGES = 2 * PAGE;

let setup: TestSetup;
let command: ReturnType<typeof commandIn>;
beforeAll(async () => {
  setup = await openTestSetup({
    sandbox: { documents: DOCUMENTS },
    env: {
      ...{ SYNC_PAGE_SIZE: String(PAGE), SYNC_PAGES_IN_FLIGHT: '1' },
      // A check that hangs is repeated for as long as a test needs, and soon after it recovers.
      ...{ ODOO_TIMEOUT_MS: '1000', SYNC_ATTEMPTS: '20' },
    },
  });
  command = commandIn(setup.env);
});
afterAll(() => setup?.close());
beforeEach(async () => {
  const { db } = setup.database;
  await db.execute(sql`truncate sync_log, sync_run_item, sync_run_page, sync_failure, alert_incident`);
  // The row stays: with another mirror id the queues would belong to another installation.
  await db.execute(
    sql`update sync_state set last_sync = null, is_syncing = false, lease_run_id = null, lease_expires_at = null`,
  );
});

test('the run that holds the lease is shown with its progress, while it lasts', async () => {
  const [refused = 0] = setup.odoo.ids('dimagaz.bc');
  setup.odoo.faults.denyRecord('dimagaz.bc', refused);
  setup.odoo.faults.when({ ids: setup.odoo.ids('dimagaz.bc').slice(ON_TWO_PAGES) }, 'hang');
  const stop = await setup.work();
  onTestFinished(() => {
    setup.odoo.faults.clear();
    return stop();
  });
  const runId = await setup.request('full');
  await waitFor(async () => {
    const { open, failed, created } = await progress(setup.database.db, runId);
    return open === DOCUMENTS - ON_TWO_PAGES && failed === 1 && created === ON_TWO_PAGES - 1;
  }, 'two pages of three to be done');
  const { stdout } = await command.passerelle('status');
  expect(stdout).toMatch(
    new RegExp(
      `^State {6}run ${runId} is in progress; its lease expires in \\d+ \\w+\nProgress {3}40 of 50 BC done, 1 failed\nLast sync`,
      'm',
    ),
  );
  const { body } = await command.json('status');
  expect(body).toMatchObject({
    lease: { runId, held: true },
    currentRun: {
      ...{ id: runId, mode: 'full', status: 'running', planned: DOCUMENTS },
      ...{ phase: expect.any(String), elapsedMs: expect.any(Number) },
      progress: { open: 10, created: 39, failed: 1 },
    },
  });
  setup.odoo.faults.clear();
  await setup.ended(runId);
  expect((await command.passerelle('status')).stdout).toMatch(/^State {6}idle\nLast sync/m);
  expect((await command.json('status')).body).toMatchObject({ lease: null, currentRun: null });
});

test('a run in planning is shown as such, and one with an expired lease as unfinished', async () => {
  const { db } = setup.database;
  const { id } = await createRun(db, { key: BC_KEY, mode: 'full', trigger: 'cli' });
  await updateRun(db, id, { status: 'running', leaseToken: await grantLease(db, BC_KEY, id, 60_000) });
  expect((await command.passerelle('status')).stdout).toContain(
    '\nProgress   planning: the ids are not listed yet\n',
  );
  await db.execute(sql`update sync_state set lease_expires_at = clock_timestamp() - interval '1 second'`);
  expect((await command.passerelle('status')).stdout).toMatch(
    /^State {6}run \d+ was left unfinished .*\nLast/m,
  );
  expect((await command.json('status')).body).toMatchObject({ lease: { held: false }, currentRun: null });
});

test('a run that failed is shown with the code that the runbook goes by, and then its reason', async () => {
  await passerelle(['sync'], { ...setup.env, ODOO_PASSWORD: 'wrong' });
  const { stdout } = await command.passerelle('status');
  expect(stdout).toMatch(
    /\n {2}\d+ incremental, cli, .*: failed\. odoo_bad_credentials: .*login of passerelle was refused/,
  );
  expect((await command.json('status')).body.lastRuns).toMatchObject([
    { status: 'failed', errorCode: 'odoo_bad_credentials', errorMessage: expect.any(String) },
  ]);
});

test('an age below zero is shown, because the clock of Odoo is ahead', async () => {
  const { db } = setup.database;
  await db.execute(sql`
    insert into sync_state (key) values (${BC_KEY}) on conflict do nothing`);
  await db.execute(sql`update sync_state set last_sync = clock_timestamp() + interval '1 day'`);
  expect((await command.passerelle('status')).stdout).toMatch(
    /\nLast sync {2}2[34] h in the future: the clock of Odoo is ahead of PostgreSQL\n/,
  );
  const { body } = await command.json('status');
  expect(body).toMatchObject({ ageSeconds: expect.any(Number) });
  expect(Number((body as { ageSeconds: number }).ageSeconds)).toBeLessThan(-80_000);
});

test('a reason that several runs and an incident share is printed once, and no internal key', async () => {
  const { db } = setup.database;
  const reason = 'Odoo is being moved to another rack.';
  const ids: number[] = [];
  for (let run = 0; run < 3; run++) {
    const { id } = await createRun(db, { key: BC_KEY, mode: 'incremental', trigger: 'schedule' });
    await updateRun(db, id, { status: 'failed', errorCode: 'odoo_unreachable', errorMessage: reason });
    ids.push(id);
  }
  const newest = ids.at(-1) ?? 0;
  const message = `Run ${newest} (incremental) failed. ${reason}`;
  const code = 'odoo_unreachable';
  await openIncident(db, { kind: 'run_failed', subject: BC_KEY, code, message, runId: newest });
  const { stdout } = await command.passerelle('status');
  expect(stdout.split(reason)).toHaveLength(2);
  expect(stdout).toContain(`failed. odoo_unreachable: as run ${newest}\n`);
  expect(stdout).toMatch(new RegExp(`\n {2}run_failed, since \\d+ s: see run ${newest}\nQueues\n`));
  expect(stdout).not.toContain(BC_KEY);
});

test('a mirror without a worker says how to start one; with workers, it counts them', async () => {
  const { code, stdout } = await command.passerelle('status');
  expect(code).toBe(0);
  expect(stdout).toContain('\nWorkers    No worker is connected: run "npm run worker".\n');
  expect((await command.json('status')).body.workers).toBe(0);
  const stop = await setup.work();
  await waitFor(
    async () => (await command.passerelle('status')).stdout.includes('\nWorkers    1 connected\n'),
    'the worker to be counted',
  );
  await stop();
});
