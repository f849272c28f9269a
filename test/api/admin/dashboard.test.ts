import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { TestApi } from '../http/start-api.ts';
import { startApi } from '../http/start-api.ts';

const INDEX = '<!doctype html><title>Passerelle</title>';
const SCRIPT = 'export {};'.repeat(1000);

let webRoot: string;
let api: TestApi;
let guarded: TestApi;
let unbuilt: TestApi;
beforeAll(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'passerelle-web-'));
  webRoot = join(folder, 'web');
  mkdirSync(join(webRoot, 'assets'), { recursive: true });
  writeFileSync(join(webRoot, 'index.html'), INDEX);
  writeFileSync(join(webRoot, 'favicon.svg'), '<svg xmlns="http://www.w3.org/2000/svg"/>');
  writeFileSync(join(webRoot, 'assets/index-1a2b3c4d.js'), SCRIPT);
  writeFileSync(join(folder, 'outside.txt'), 'not for the web');
  api = await startApi({}, {}, { webRoot });
  guarded = await startApi({ ADMIN_PASSWORD: 'sésame' }, {}, { webRoot });
  unbuilt = await startApi({}, {}, { webRoot: join(folder, 'nowhere') });
});
afterAll(async () => {
  for (const one of [api, guarded, unbuilt]) await one.close();
  rmSync(join(webRoot, '..'), { recursive: true });
});

it.each(['/admin', '/admin/', '/admin/bc', '/admin/bc/42', '/admin/runs?mode=full'])(
  '%s is the page, which no cache keeps without asking',
  async (url) => {
    const answer = await api.inject(url);
    expect([answer.statusCode, answer.body]).toEqual([200, INDEX]);
    expect(answer.headers['content-type']).toContain('text/html');
    expect(answer.headers['cache-control']).toBe('no-cache');
    const again = await api.inject({ url, headers: { 'if-none-match': String(answer.headers['etag']) } });
    expect(again.statusCode).toBe(304);
  },
);

it('files named after their content are kept for ever, the others are asked for again', async () => {
  const hashed = await api.inject('/admin/assets/index-1a2b3c4d.js');
  expect([hashed.statusCode, hashed.headers['cache-control']]).toEqual([
    200,
    'public, max-age=31536000, immutable',
  ]);
  expect(hashed.headers['content-type']).toContain('javascript');
  const icon = await api.inject('/admin/favicon.svg');
  expect([icon.statusCode, icon.headers['cache-control']]).toEqual([200, 'no-cache']);
});

it('files are compressed for browsers that accept it, and answered 304 to browsers that have them', async () => {
  const url = '/admin/assets/index-1a2b3c4d.js';
  const answer = await api.inject({ url, headers: { 'accept-encoding': 'gzip' } });
  expect([answer.headers['content-encoding'], answer.headers['vary']]).toEqual(['gzip', 'accept-encoding']);
  expect(gunzipSync(answer.rawPayload).toString()).toBe(SCRIPT);
  const headers = { 'accept-encoding': 'gzip', 'if-none-match': String(answer.headers['etag']) };
  expect((await api.inject({ url, headers })).statusCode).toBe(304);
});

it.each([
  '/admin/assets/index-gone.js',
  '/admin/../outside.txt',
  '/admin/..%2foutside.txt',
  '/admin/assets/..%2f..%2foutside.txt',
])('%s is not there', async (url) => {
  const answer = await api.inject(url);
  expect(answer.statusCode).toBeGreaterThanOrEqual(400);
  expect(answer.statusCode).toBeLessThan(500);
  expect(answer.headers['content-type']).toContain('application/problem+json');
  expect(answer.body).not.toContain('not for the web');
});

it('bull-board and its jobs keep their place beside the pages', async () => {
  for (const url of ['/admin/queues', '/admin/queues/queue/bc/bc-1-7-0']) {
    const board = await api.inject(url);
    expect([url, board.statusCode]).toEqual([url, 200]);
    expect(board.body).toContain('__UI_CONFIG__');
  }
});

it('the login guards the page and its files', async () => {
  for (const url of ['/admin', '/admin/bc/42', '/admin/assets/index-1a2b3c4d.js', '/admin/favicon.svg']) {
    const answer = await guarded.app.inject(url);
    expect([url, answer.statusCode, answer.json().code]).toEqual([url, 401, 'bad_credentials']);
    expect(answer.headers['www-authenticate']).toContain('Basic');
  }
});

it('a dashboard that was not built says how to build it, and the rest works', async () => {
  for (const url of ['/admin', '/admin/bc/42']) {
    const answer = await unbuilt.inject(url);
    expect([url, answer.statusCode, answer.json().code]).toEqual([url, 503, 'dashboard_not_built']);
    expect(answer.json().detail).toContain('npm run build');
  }
  expect((await unbuilt.inject('/admin/api/v1/sync')).statusCode).toBe(200);
  expect((await unbuilt.inject('/admin/queues')).statusCode).toBe(200);
});
