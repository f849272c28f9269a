import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { installationOf } from '../../../src/db/installation.ts';
import { recordFailure } from '../../../src/db/runs/failures.ts';
import { grantLease } from '../../../src/db/runs/lease.ts';
import { addItems, closeItems } from '../../../src/db/runs/ledger.ts';
import { createRun, findRun, updateRun } from '../../../src/db/runs/runs.ts';
import type { RunMode, RunStatus } from '../../../src/db/schema/sync.ts';
import { BC_KEY, syncState } from '../../../src/db/schema/sync.ts';
import type { TestApi } from '../http/start-api.ts';
import { startApi } from '../http/start-api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());
beforeEach(async () => {
  await api.db.execute(sql`truncate sync_log, sync_run_item, sync_run_page, sync_failure, sync_state`);
  await api.queues.sync.obliterate({ force: true });
});

const get = async (url: string) => (await api.inject(url)).json();
const post = (url: string, payload?: object) =>
  api.inject({ method: 'POST', url, ...(payload === undefined ? {} : { payload }) });

/** A run that holds the lease and owes three BCs, one of them stored. */
async function runInProgress(): Promise<number> {
  const { id } = await createRun(api.db, { key: BC_KEY, mode: 'full', trigger: 'cli' });
  await grantLease(api.db, BC_KEY, id, 60_000);
  await updateRun(api.db, id, { status: 'running', startedAt: new Date() });
  await addItems(
    api.db,
    id,
    [1, 2, 3].map((odooId) => ({ odooId, page: 0 })),
  );
  await closeItems(api.db, { runId: id, odooIds: [2], state: 'created' });
  return id;
}

test('a fresh mirror has a state without runs', async () => {
  expect(await get('/api/v1/sync')).toEqual({
    key: BC_KEY,
    source: null,
    isSyncing: false,
    lastSync: null,
    ageSeconds: null,
    everySeconds: 60,
    lateAfterSeconds: 600,
    currentRun: null,
    lastRuns: [],
    lastMirrorRun: null,
    openFailures: 0,
    openIncidents: 0,
    queues: { sync: 0, pages: 0, bc: 0 },
  });
});

test('the state shows the run in progress with its open items', async () => {
  const id = await runInProgress();
  const state = await get('/api/v1/sync');
  expect(state).toMatchObject({
    isSyncing: true,
    currentRun: { id, phase: 'planning', elapsedMs: expect.any(Number), progress: { open: 2, created: 1 } },
  });
  expect(await get(`/api/v1/sync/runs/${id}`)).toMatchObject({ id, progress: { open: 2, created: 1 } });
});

test('a failed run is shown until another run of the whole mirror ended, whatever single runs follow it', async () => {
  const ended = async (mode: RunMode, status: RunStatus) => {
    const { id } = await createRun(api.db, { key: BC_KEY, mode, trigger: 'schedule' });
    await updateRun(api.db, id, { status, finishedAt: new Date() });
    return id;
  };
  await ended('full', 'success');
  const failed = await ended('incremental', 'failed');
  for (let singles = 0; singles < 5; singles += 1) await ended('single', 'success');
  await ended('incremental', 'skipped');
  const state = await get('/api/v1/sync');
  expect(state.lastRuns.map((run: { status: string }) => run.status)).not.toContain('failed');
  expect(state.lastMirrorRun.id).toBe(failed);
  expect((await get('/api/v1/sync/runs?status=failed')).items).toEqual([state.lastMirrorRun]);
  const sweep = await ended('sweep', 'partial');
  await createRun(api.db, { key: BC_KEY, mode: 'full', trigger: 'schedule' });
  expect((await get('/api/v1/sync')).lastMirrorRun.id).toBe(sweep);
});

test('a Redis that does not answer the count of the queues hides nothing else', async () => {
  const silent = vi.spyOn(api.queues.bc, 'getJobCounts').mockReturnValue(new Promise(() => {}));
  expect(await get('/api/v1/sync')).toMatchObject({ isSyncing: false, queues: null });
  silent.mockRestore();
});

test('runs come newest first, page by page, by status and mode', async () => {
  const ids: number[] = [];
  for (const mode of ['full', 'incremental', 'full'] as const) {
    ids.push((await createRun(api.db, { key: BC_KEY, mode, trigger: 'schedule' })).id);
  }
  const [first, second, third] = ids;
  const page = await get('/api/v1/sync/runs?limit=2');
  expect(page.items.map((run: { id: number }) => run.id)).toEqual([third, second]);
  expect(page.nextCursor).toBe(String(second));
  const rest = await get(`/api/v1/sync/runs?limit=2&cursor=${page.nextCursor}`);
  expect(rest).toMatchObject({ items: [{ id: first }], nextCursor: null });
  expect((await get('/api/v1/sync/runs?mode=full')).items).toHaveLength(2);
  expect((await get('/api/v1/sync/runs?status=success')).items).toHaveLength(0);
});

test('an unknown run is a 404', async () => {
  const answer = await api.inject('/api/v1/sync/runs/4711');
  expect([answer.statusCode, answer.json().code]).toEqual([404, 'run_not_found']);
});

test('starting a run logs it and queues its planning', async () => {
  const answer = await post('/api/v1/sync/runs', { mode: 'full' });
  expect(answer.statusCode).toBe(202);
  const { runId, jobId } = answer.json();
  expect(answer.headers['location']).toBe(`/api/v1/sync/runs/${runId}`);
  expect(await findRun(api.db, runId)).toMatchObject({ mode: 'full', trigger: 'api', status: 'queued' });
  expect((await api.queues.sync.getJob(jobId))?.data).toEqual({
    ...{ runId, mode: 'full', trigger: 'api' },
    mirror: await installationOf(api.db),
  });
});

test('a sweep may be allowed to archive any number of missing BCs; other runs may not', async () => {
  const answer = await post('/api/v1/sync/runs', { mode: 'sweep', force: true });
  expect(answer.statusCode).toBe(202);
  const { runId } = answer.json();
  expect(await get(`/api/v1/sync/runs/${runId}`)).toMatchObject({ mode: 'sweep', force: true, late: 0 });
  expect((await get('/api/v1/sync/runs?mode=sweep')).items).toHaveLength(1);
  const refused = await post('/api/v1/sync/runs', { mode: 'full', force: true });
  expect(refused.statusCode).toBe(400);
  expect(refused.json().errors).toEqual([
    { name: 'body.force', message: 'force goes with the mode sweep only' },
  ]);
});

test('a sweep may accept a new source, which implies force; other runs may not', async () => {
  const answer = await post('/api/v1/sync/runs', { mode: 'sweep', newSource: true });
  expect(answer.statusCode).toBe(202);
  const accepted = { mode: 'sweep', force: true, newSource: true };
  expect(await get(`/api/v1/sync/runs/${answer.json().runId}`)).toMatchObject(accepted);
  const refused = await post('/api/v1/sync/runs', { mode: 'full', newSource: true });
  expect(refused.statusCode).toBe(400);
  expect(refused.json().errors).toEqual([
    { name: 'body.newSource', message: 'newSource goes with the mode sweep only' },
  ]);
});

test('the state shows the source of the mirror, without the values of its reader', async () => {
  const source = {
    ...{ model: 'dimagaz.bc', lineModel: 'dimagaz.bc.line', linesField: 'line_ids', unfinishedRun: 7 },
    ...{ database: { name: 'prod', uuid: 'hidden', userCreated: null }, reader: { uid: 2, context: {} } },
  };
  await api.db.insert(syncState).values({ key: BC_KEY, source });
  expect((await get('/api/v1/sync')).source).toEqual({
    ...{ model: 'dimagaz.bc', lineModel: 'dimagaz.bc.line', database: 'prod', unfinishedRun: 7 },
  });
});

test('a run is not started while another one holds the lease', async () => {
  const id = await runInProgress();
  const answer = await post('/api/v1/sync/runs', { mode: 'incremental' });
  expect([answer.statusCode, answer.json().code]).toEqual([409, 'run_in_progress']);
  expect(answer.json().detail).toContain(`Run ${id}`);
});

test('an open failure is listed, and retried as a run of its own', async () => {
  await recordFailure(api.db, {
    key: BC_KEY,
    odooId: 7,
    runId: 1,
    jobId: 'bc-1-7-0',
    code: '23514',
    message: 'no',
  });
  expect(await get('/api/v1/sync/failures')).toMatchObject({
    items: [{ odooId: 7, code: '23514', message: 'no', failures: 1 }],
    nextCursor: null,
  });
  const answer = await post('/api/v1/sync/failures/7/retry');
  expect(answer.statusCode).toBe(202);
  expect(await findRun(api.db, answer.json().runId)).toMatchObject({
    mode: 'single',
    trigger: 'retry',
    odooIds: [7],
  });
});

test('a POST without a body may call itself JSON, and a path may end in a slash', async () => {
  const answer = await api.inject({
    method: 'POST',
    url: '/api/v1/bc/7/resync/',
    headers: { 'content-type': 'application/json' },
  });
  expect(answer.statusCode).toBe(202);
  const run = await api.inject({
    method: 'POST',
    url: '/api/v1/sync/runs',
    headers: { 'content-type': 'application/json' },
  });
  expect([run.statusCode, run.json().code]).toEqual([400, 'invalid_request']);
});

test.each(['0x10', '1e2', '%201', '0', '-1'])('%s is no id', async (id) => {
  const answer = await api.inject(`/api/v1/sync/runs/${id}`);
  expect([answer.statusCode, answer.json().code]).toEqual([400, 'invalid_request']);
});

test('a BC without an open failure cannot be retried', async () => {
  const answer = await post('/api/v1/sync/failures/8/retry');
  expect([answer.statusCode, answer.json().code]).toEqual([404, 'failure_not_found']);
});

test('without ODOO_URL what needs Odoo says so and the rest answers', async () => {
  const without = await startApi({ ODOO_URL: '' });
  try {
    for (const url of ['/api/v1/sync/runs', '/api/v1/sync/failures/7/retry', '/api/v1/bc/7/resync']) {
      const answer = await without.inject({ method: 'POST', url, payload: { mode: 'full' } });
      expect([url, answer.statusCode, answer.json().code]).toEqual([url, 503, 'odoo_not_configured']);
    }
    expect((await without.inject('/api/v1/sync')).statusCode).toBe(200);
  } finally {
    await without.close();
  }
});
