import { sql } from 'drizzle-orm';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Database } from '../../../src/db/client.ts';
import { grantLease, readState } from '../../../src/db/runs/lease.ts';
import { createRun, listRuns, updateRun } from '../../../src/db/runs/runs.ts';
import { BC_KEY } from '../../../src/db/schema/sync.ts';
import type { TestSetup } from '../../support/test-setup.ts';
import { openTestSetup } from '../../support/test-setup.ts';
import { waitFor } from '../../support/wait-for.ts';
import { commandIn, passerelle, start } from '../passerelle.ts';

const DOCUMENTS = 50;
let setup: TestSetup;
let db: Database;
let command: ReturnType<typeof commandIn>;
beforeAll(async () => {
  setup = await openTestSetup({ sandbox: { documents: DOCUMENTS }, env: { SYNC_PAGE_SIZE: '20' } });
  db = setup.database.db;
  command = commandIn(setup.env);
});
afterEach(() => setup.odoo.faults.clear());
afterAll(() => setup.close());

const counts = (table: string) =>
  db.execute<{ rows: number }>(sql`select count(*)::int as rows from ${sql.identifier(table)}`);

test('a first full sync creates every BC, and verify finds no difference', async () => {
  const { code, body, stderr } = await command.json('sync', '--full');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(body).toEqual({
    runId: expect.any(Number),
    mode: 'full',
    status: 'success',
    seen: DOCUMENTS,
    created: DOCUMENTS,
    updated: 0,
    unchanged: 0,
    archived: 0,
    gone: 0,
    failed: 0,
    late: 0,
    reread: 0,
    linesSeen: setup.odoo.count('dimagaz.bc.line'),
    linesRemoved: 0,
    durationMs: expect.any(Number),
    rpcCalls: expect.any(Number),
  });
  const verification = await command.json('verify');
  expect(verification.body).toMatchObject({ ok: true, headers: DOCUMENTS, different: 0, missing: 0 });
  expect(verification.code).toBe(0);
});

test('a second full sync finds every BC unchanged and writes no audit row', async () => {
  const before = await counts('audit_log');
  const { stdout, code } = await command.passerelle('sync', '--full');
  expect(code).toBe(0);
  expect(stdout).toMatch(
    /^Run \d+ \(full\): success in [\d.]+ s, \d+ calls to Odoo\n {2}50 BC: 50 unchanged\n/,
  );
  expect(await counts('audit_log')).toEqual(before);
});

test('a run that holds the lease makes another one end as skipped, with exit code 3', async () => {
  const holder = await createRun(db, { key: BC_KEY, mode: 'full', trigger: 'api' });
  const token = await grantLease(db, BC_KEY, holder.id, 60_000);
  await updateRun(db, holder.id, { status: 'running', leaseToken: token });
  const { code, body, stderr } = await command.json('sync');
  expect({ code, status: body.status, error: body.error.code }).toEqual({
    code: 3,
    status: 'skipped',
    error: 'run_in_progress',
  });
  expect(stderr).toMatch(new RegExp(`^Run ${holder.id} has the lease until .* no worker was found`));
  expect(stderr).toContain(`\nRun ${body.runId} was skipped. Run ${holder.id} is still in progress.\n`);
  await updateRun(db, holder.id, { status: 'failed' });
  await db.execute(sql`update sync_state set lease_run_id = null, lease_expires_at = null`);
});

test('of two syncs that ask running workers at once one works and the other is skipped', async () => {
  const stop = await setup.work();
  const answers = await Promise.all([
    command.passerelle('sync', '--full'),
    command.passerelle('sync', '--full'),
  ]);
  await stop();
  expect(answers.map(({ code }) => code).sort()).toEqual([0, 3]);
});

test('a BC that fails for good makes the run partial, and is named with its reason', async () => {
  const [refused = 0] = setup.odoo.ids('dimagaz.bc');
  setup.odoo.faults.denyRecord('dimagaz.bc', refused);
  const { code, stdout, stderr } = await command.passerelle('sync', '--full');
  expect(code).toBe(1);
  expect(stdout).toContain('50 BC: 49 unchanged, 1 failed');
  expect(stderr).toMatch(
    new RegExp(
      `^BC ${refused} failed\\. .*access denied.*friendly administrator.*\nOpen failures: 1\\..*\n$`,
    ),
  );
  setup.odoo.faults.clear();
  expect(await command.json('resync', String(refused))).toMatchObject({ code: 0 });
});

test.each([
  ['a wrong password', { ODOO_PASSWORD: 'wrong' }, /login of passerelle was refused/],
  ['an address without a server', { ODOO_URL: 'http://127.0.0.1:1' }, /no connection/],
  ['an unknown database', { ODOO_DB: 'nowhere' }, /no such database/],
  ['a model that does not exist', { ODOO_MODEL: 'no.such.model' }, /no model no\.such\.model/],
])('%s makes the run fail with one message and frees the lease', async (_, wrong, message) => {
  const { code, stdout, stderr } = await passerelle(['sync', '--json'], { ...setup.env, ...wrong });
  expect(code).toBe(1);
  expect(stderr).toMatch(message);
  expect(stderr.trimEnd().split('\n').length).toBe(1);
  expect(JSON.parse(stdout)).toMatchObject({
    status: 'failed',
    error: { message: expect.stringMatching(message) },
  });
  expect(await readState(db, BC_KEY)).toMatchObject({ isSyncing: false, leaseRunId: null });
});

test('an Odoo that hangs makes the run fail after the time limit', async () => {
  setup.odoo.faults.when({}, 'hang');
  const { code, stderr } = await passerelle(['sync'], { ...setup.env, ODOO_TIMEOUT_MS: '200' });
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('within 200 ms') });
});

test('a detached sync is only queued, and done by the next worker', async () => {
  const { code, stdout, stderr } = await command.passerelle('sync', '--detach');
  expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/^Run \d+ is queued\.\n$/) });
  expect(stderr).toBe('No worker is connected: run "npm run worker".\n');
  const [queued] = await listRuns(db, { limit: 1 });
  expect(queued).toMatchObject({ status: 'queued', trigger: 'cli', mode: 'incremental' });
  await command.passerelle('resync', '1');
  await waitFor(async () => {
    const [run] = await listRuns(db, { limit: 1, mode: 'incremental' });
    return run?.id === queued?.id && run?.status !== 'queued';
  }, 'the queued run to be taken up');
});

test('a sync after a detached one leaves neither undone: one works, the other may be skipped', async () => {
  await command.passerelle('sync', '--detach');
  const [queued] = await listRuns(db, { limit: 1 });
  const { code, body } = await command.json('sync', '--full');
  const runs = await listRuns(db, { limit: 2 });
  expect(code).toBe(body.status === 'success' ? 0 : 3);
  expect(runs.map(({ status }) => status)).toContain('success');
  expect(runs.find(({ id }) => id === queued?.id)?.finishedAt).not.toBeNull();
});

test('Ctrl-C leaves the run to the next sync, which finishes it and then does its own', async () => {
  const env = { ...setup.env, SYNC_PAGE_SIZE: '5', SYNC_PAGES_IN_FLIGHT: '1', ODOO_CONCURRENCY: '1' };
  setup.odoo.faults.latencyMs = 100;
  const running = start(['sync', '--full'], env, true);
  await waitFor(async () => {
    const [run] = await listRuns(db, { limit: 1 });
    return run?.status === 'running' && run.plannedAt !== null;
  }, 'a planned run');
  expect(running.interrupt()).toBe(true);
  const { code, stderr } = await running.answer;
  expect(code).toBe(130);
  expect(stderr).toContain('is not over');
  const [left] = await listRuns(db, { limit: 1 });
  expect(left?.status).toBe('running');

  setup.odoo.faults.clear();
  const next = await command.json('sync');
  expect(next.stderr).toBe(`Run ${left?.id} had been left unfinished; it comes first.\n`);
  expect(next).toMatchObject({ code: 0, body: { mode: 'incremental', status: 'success' } });
  const runs = await listRuns(db, { limit: 3, mode: 'full' });
  expect(runs.find(({ id }) => id === left?.id)).toMatchObject({ status: 'success', seen: DOCUMENTS });
});

test('a terminal sees one line of progress, rewritten', async () => {
  const { stderr } = await start(['sync', '--full'], setup.env, true).answer;
  const [empty, connecting, ...shown] = stderr.split('\r\u001b[K');
  expect([empty, connecting]).toEqual(['', 'Connecting to PostgreSQL and Redis']);
  expect(shown).toContain('No worker is connected: this command does the work itself.\n');
  expect(shown).toContainEqual(expect.stringMatching(/^Run \d+ \(full\): /));
  expect(shown.at(-1)).toBe('');
});

test('a sync after one that failed on the way says that it carries on with it', async () => {
  setup.odoo.faults.when({ method: 'read', model: 'dimagaz.bc' }, 'error500');
  const failed = await command.json('sync', '--full');
  expect(failed).toMatchObject({ code: 1, body: { status: 'failed', seen: 0 } });
  setup.odoo.faults.clear();
  const { stdout } = await command.passerelle('sync');
  expect(stdout).toContain(`(full, carries on run ${failed.body.runId}): success`);
});

test('where workers are running the command only follows', async () => {
  const stop = await setup.work();
  const { code, body } = await command.json('sync', '--full');
  expect({ code, body }).toMatchObject({ code: 0, body: { status: 'success', unchanged: DOCUMENTS } });
  const { body: status } = await command.json('status');
  const { upkeep: _, ...queues } = status.queues;
  expect(Object.values(queues)).toEqual(Array(3).fill(expect.objectContaining({ workers: 1 })));
  await stop();
});

test('jobs that a schedule left in the queue do not start runs of their own', async () => {
  await setup.mirror.queues.sync.add('run', { mode: 'full', trigger: 'schedule' });
  expect(await command.json('sync')).toMatchObject({ code: 0 });
  expect(await listRuns(db, { limit: 100 })).not.toContainEqual(
    expect.objectContaining({ trigger: 'schedule' }),
  );
});
