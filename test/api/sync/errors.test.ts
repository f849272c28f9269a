import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TestApi } from '../http/start-api.ts';
import { startApi } from '../http/start-api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

test('an unknown route is a problem that names it, without its query', async () => {
  const answer = await api.inject('/nowhere?token=secret');
  expect(answer.statusCode).toBe(404);
  expect(answer.headers['content-type']).toContain('application/problem+json');
  expect(answer.json()).toEqual({
    type: 'about:blank',
    title: 'Not Found',
    status: 404,
    code: 'not_found',
    detail: 'No route GET /nowhere.',
  });
});

test('an invalid value is named with the expected form', async () => {
  const answer = await api.inject('/api/v1/sync/runs?limit=0&mode=half');
  expect(answer.statusCode).toBe(400);
  expect(answer.json()).toMatchObject({ code: 'invalid_request', status: 400 });
  const errors: { name: string; message: string }[] = answer.json().errors;
  expect(errors).toContainEqual({ name: 'querystring.limit', message: 'a whole number from 1 to 500' });
  expect(errors.find(({ name }) => name === 'querystring.mode')?.message).toContain('incremental');
});

test('an unknown parameter is refused by name', async () => {
  const answer = await api.inject('/api/v1/sync/runs?limt=3');
  expect(answer.statusCode).toBe(400);
  expect(answer.json().detail).toContain('limt');
});

test('a body that is not JSON, of another type or too large has a code of its own', async () => {
  const post = (type: string, payload: string) =>
    api.inject({
      method: 'POST',
      url: '/api/v1/sync/runs',
      headers: { 'content-type': type },
      payload,
    });
  const bad = await post('application/json', '{');
  expect([bad.statusCode, bad.json().code]).toEqual([400, 'invalid_request']);
  const csv = await post('text/csv', 'a');
  expect([csv.statusCode, csv.json().code]).toEqual([415, 'unsupported_media_type']);
  const large = await post('application/json', JSON.stringify({ mode: 'x'.repeat(1024 * 1024) }));
  expect([large.statusCode, large.json().code]).toEqual([413, 'body_too_large']);
});

test('a malformed URL is a problem too', async () => {
  const answer = await api.inject('/api/v1/sync/runs/%c0');
  expect(answer.statusCode).toBe(400);
  expect(answer.headers['content-type']).toContain('application/problem+json');
});

test('an unforeseen error is a 500 without details', async () => {
  await api.db.execute('drop index sync_log_planned');
  await api.db.execute('alter table sync_log alter column mode type int using 1');
  const answer = await api.inject('/api/v1/sync/runs?mode=full');
  expect(answer.statusCode).toBe(500);
  expect(answer.json()).toEqual({
    type: 'about:blank',
    title: 'Internal Server Error',
    status: 500,
    code: 'internal_error',
  });
});

test('openapi.json describes the routes and their problems', async () => {
  const { openapi, paths } = (await api.inject('/openapi.json')).json();
  expect(openapi).toBe('3.1.0');
  const { get, post } = paths['/api/v1/sync/runs'];
  expect(get.parameters.map(({ name }: { name: string }) => name)).toEqual([
    'mirror',
    'limit',
    'cursor',
    'status',
    'mode',
  ]);
  expect(get.parameters[1].schema).toMatchObject({ type: 'integer', minimum: 1, maximum: 500, default: 50 });
  expect(post.responses['4XX'].content).toHaveProperty('application/problem+json');
  expect(JSON.stringify(get.responses['200'])).toContain('date-time');
});
