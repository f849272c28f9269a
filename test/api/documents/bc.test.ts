import { afterAll, beforeAll, expect, test } from 'vitest';
import { createRun, findRun } from '../../../src/db/runs/runs.ts';
import { auditLog } from '../../../src/db/schema/index.ts';
import { BC_KEY } from '../../../src/db/schema/sync.ts';
import type { TestApi } from '../http/start-api.ts';
import { startApi } from '../http/start-api.ts';
import { insertBc, insertLine, saveTestFields } from './rows.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startApi();
  await saveTestFields(api.db);
  await insertBc(api.db, 5, { name: 'Cinq', state: 'draft' });
  for (const odooId of [53, 51, 52]) await insertLine(api.db, odooId, 5);
  await insertLine(api.db, 54, 5, true);
});
afterAll(() => api.close());

const get = async (url: string) => (await api.inject(url)).json();

test('one BC comes with its fields, and with its lines where asked for', async () => {
  const plain = await get('/api/v1/bc/5');
  expect(plain).toMatchObject({ odooId: 5, fields: { id: 5, name: 'Cinq', state: 'draft' } });
  expect(plain).not.toHaveProperty('lines');
  const full = await get('/api/v1/bc/5?include=lines&fields=name');
  expect(full.fields).toEqual({ name: 'Cinq' });
  expect(full.lines.map(({ odooId }: { odooId: number }) => odooId)).toEqual([51, 52, 53]);
});

test.each(['/api/v1/bc/6', '/api/v1/bc/6/lines', '/api/v1/bc/6/history'])(
  '%s of a BC that is not mirrored is a 404',
  async (url) => {
    const answer = await api.inject(url);
    expect([answer.statusCode, answer.json().code]).toEqual([404, 'bc_not_found']);
  },
);

test('an invalid id is named', async () => {
  const answer = await api.inject('/api/v1/bc/abc');
  expect(answer.statusCode).toBe(400);
  expect(answer.json().errors).toEqual([{ name: 'params.odooId', message: 'a whole number above 0' }]);
});

test('lines come page by page, those that are gone only when asked for', async () => {
  const first = await get('/api/v1/bc/5/lines?limit=2');
  expect(first.items).toMatchObject([
    { odooId: 51, bcOdooId: 5 },
    { odooId: 52, bcOdooId: 5 },
  ]);
  const rest = await get(`/api/v1/bc/5/lines?limit=2&cursor=${first.nextCursor}`);
  expect(rest).toMatchObject({ items: [{ odooId: 53 }], nextCursor: null });
  expect((await get('/api/v1/bc/5/lines?archived=include')).items).toHaveLength(4);
});

test('an archived BC returns when and why it was archived, and the lines that it had until then', async () => {
  const archivedAt = new Date('2026-03-02T08:00:00.000Z');
  await insertBc(api.db, 8, { name: 'Huit' }, { archivedAt, archiveReason: 'gone' });
  await insertLine(api.db, 81, 8, true);
  await insertLine(api.db, 82, 8, 'removed');
  const answer = await get('/api/v1/bc/8?include=lines');
  expect(answer).toMatchObject({ archivedAt: archivedAt.toISOString(), archiveReason: 'gone' });
  expect(answer.lines).toMatchObject([{ odooId: 81 }]);
  expect((await get('/api/v1/bc/8/lines')).items).toMatchObject([{ odooId: 81 }]);
  expect((await get('/api/v1/bc/8/lines?archived=include')).items).toMatchObject([
    { odooId: 81, archiveReason: null },
    { odooId: 82, archiveReason: 'removed' },
  ]);
  const ids = async (query: string) =>
    (await get(`/api/v1/bc?${query}`)).items.map(({ odooId }: { odooId: number }) => odooId);
  expect(await ids('')).toEqual([5]);
  expect(await ids('archived=include')).toEqual([5, 8]);
  expect(await ids('archived=only')).toEqual([8]);
});

test('the history has each change with its run, newest first', async () => {
  const run = await createRun(api.db, { key: BC_KEY, mode: 'incremental', trigger: 'schedule' });
  const changes = { header: { state: { old: 'draft', new: 'done' } } };
  await api.db.insert(auditLog).values({ odooId: 5, runId: run.id, action: 'updated', changes });
  const first = await get('/api/v1/bc/5/history?limit=1');
  expect(first.items).toMatchObject([
    { action: 'updated', changes, run: { id: run.id, mode: 'incremental', trigger: 'schedule' } },
  ]);
  const rest = await get(`/api/v1/bc/5/history?limit=1&cursor=${first.nextCursor}`);
  expect(rest).toMatchObject({ items: [{ action: 'created' }], nextCursor: null });
});

test('a resync is accepted as a run of one BC, known to the mirror or not', async () => {
  const answer = await api.inject({ method: 'POST', url: '/api/v1/bc/6/resync' });
  expect(answer.statusCode).toBe(202);
  const { runId, jobId } = answer.json();
  expect(await findRun(api.db, runId)).toMatchObject({ mode: 'single', trigger: 'api', odooIds: [6] });
  expect(await api.queues.sync.getJob(jobId)).toBeDefined();
});
