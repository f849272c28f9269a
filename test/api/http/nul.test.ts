import { afterAll, beforeAll, expect, test } from 'vitest';
import { saveTestFields } from '../documents/rows.ts';
import type { TestApi } from './start-api.ts';
import { startApi } from './start-api.ts';

const SECRET = 'a-secret-of-at-least-24-letters';

let api: TestApi;
beforeAll(async () => {
  api = await startApi({ ODOO_HOOK_SECRET: SECRET });
  await saveTestFields(api.db);
});
afterAll(() => api.close());

const cursor = (content: unknown) => Buffer.from(JSON.stringify(content)).toString('base64url');

test.each([
  ...[
    'q=%00',
    'q=a%00b',
    'state=%00',
    'filter[name]=%00',
    'filter[name][like]=a%00',
    'filter[name][in]=a,%00',
  ],
  ...['filter[partner_id]=%00', 'filter[partner_id][in]=1,%00', 'filter[date_order]=%00', 'filter[scan]=%00'],
  ...['filter[a%00]=1', 'filter[name][a%00]=1', 'fields=%00', 'include=lines&line_fields=%00'],
  ...['sort=%00', 'updated_since=%00', 'cursor=%00', `cursor=${cursor(['x', '\0', 1, '\0'])}`],
])('a list or an export by %s is refused', async (query) => {
  for (const path of ['/api/v1/bc', '/api/v1/bc/export']) {
    expect((await api.inject(`${path}?${query}`)).statusCode).toBe(400);
  }
});

test.each([
  ['\0', '1'],
  ['1-1\0', '1'],
  ['1-1', '\0'],
])('a cursor of the feed with %j and %j is invalid', async (epoch, xid) => {
  const answer = await api.inject(`/api/v1/bc/changes?after=${cursor([epoch, xid, 0, xid, 0])}`);
  expect([answer.statusCode, answer.json().code]).toEqual([400, 'bad_cursor']);
});

test.each([
  ...[
    'bc/%00',
    'bc/1%00',
    'bc/%00/lines',
    'bc/1/lines?cursor=%00',
    'bc/1/lines?fields=%00',
    'bc/%00/history',
  ],
  ...['bc/1/history?cursor=%00', 'bc/changes?after=%00', 'bc/changes?fields=%00', 'sync/model?cursor=%00'],
  ...['sync/runs/%00', 'sync/runs?cursor=%00', 'sync/runs?status=%00', 'sync/failures?cursor=%00'],
  ...['sync/incidents?cursor=open-%00'],
])('GET /api/v1/%s is refused', async (path) => {
  expect((await api.inject(`/api/v1/${path}`)).statusCode).toBe(400);
});

test('a key, a run or a webhook with a NUL is refused', async () => {
  const authorization = `Bearer psl_abcdefgh_${'\0'.repeat(43)}`;
  expect((await api.inject({ url: '/api/v1/bc', headers: { authorization } })).statusCode).toBe(401);
  const post = (url: string, payload: object) => api.inject({ method: 'POST', url, payload });
  expect((await post('/api/v1/sync/runs', { mode: '\0' })).statusCode).toBe(400);
  const hook = { method: 'POST', url: `/hooks/odoo?secret=${SECRET}` } as const;
  const answer = await api.app.inject({ ...hook, payload: { _model: 'dimagaz.bc\0', _id: 1 } });
  expect([answer.statusCode, answer.json().code]).toEqual([400, 'not_mirrored']);
});
