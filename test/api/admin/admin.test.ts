import { Worker } from 'bullmq';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openRedis } from '../../../src/queues/redis.ts';
import { waitFor } from '../../support/wait-for.ts';
import type { TestApi } from '../http/start-api.ts';
import { basic, startApi } from '../http/start-api.ts';

let guarded: TestApi;
let open: TestApi;
beforeAll(async () => {
  guarded = await startApi({ ADMIN_USER: 'chef', ADMIN_PASSWORD: 'sésame:ouvre' });
  open = await startApi();
});
afterAll(async () => {
  await guarded.close();
  await open.close();
});

const chef = basic('chef', 'sésame:ouvre');

const BOARD_API = '/admin/queues/api/queues';

test.each([
  ['nothing', {}],
  ['a wrong password', basic('chef', 'sésame')],
  ['a wrong user', basic('root', 'sésame:ouvre')],
  ['something malformed', { authorization: 'Basic !' }],
])('with a password set, %s is answered 401 on every admin page', async (_what, headers) => {
  for (const url of ['/admin', '/admin/queues', BOARD_API, '/admin/queues/static/favicon-32x32.png']) {
    const answer = await guarded.app.inject({ url, headers });
    expect([url, answer.statusCode, answer.json().code]).toEqual([url, 401, 'bad_credentials']);
    expect(answer.headers['www-authenticate']).toContain('Basic realm="Passerelle"');
    expect(answer.headers['content-type']).toContain('application/problem+json');
  }
});

test('with the password the board shows the four queues, from any address', async () => {
  const page = await guarded.app.inject({
    url: '/admin/queues',
    headers: chef,
    remoteAddress: '203.0.113.9',
  });
  expect(page.statusCode).toBe(200);
  expect(page.body).toContain('Passerelle');
  const answer = await guarded.app.inject({ url: BOARD_API, headers: chef });
  const names = answer.json().queues.map(({ name }: { name: string }) => name);
  expect(names.sort()).toEqual(['bc', 'pages', 'sync', 'upkeep']);
});

const LOCAL = { host: 'localhost' };

test.each<[string, Record<string, string>]>([
  ['nothing but a loopback address', LOCAL],
  ['the Host of a plain proxy_pass', { host: '127.0.0.1:18701' }],
  ['the Host of the visitor', { host: 'erp.example.com' }],
  ['Host: localhost', { host: 'localhost:3000' }],
  ['Via', { ...LOCAL, via: '1.1 proxy' }],
  ['CF-Connecting-IP', { ...LOCAL, 'cf-connecting-ip': '203.0.113.9' }],
  ['True-Client-IP', { ...LOCAL, 'true-client-ip': '203.0.113.9' }],
  ['X-Client-IP', { ...LOCAL, 'x-client-ip': '203.0.113.9' }],
  ['X-Envoy-External-Address', { ...LOCAL, 'x-envoy-external-address': '203.0.113.9' }],
  ['X-Forwarded-Server', { ...LOCAL, 'x-forwarded-server': 'proxy' }],
  ['X-Original-Forwarded-For', { ...LOCAL, 'x-original-forwarded-for': '203.0.113.9' }],
])('if ADMIN_PASSWORD is not set, a request with %s gets 401', async (_what, headers) => {
  for (const remoteAddress of ['127.0.0.1', '::1', '::ffff:127.0.0.1', '203.0.113.9']) {
    for (const url of ['/admin', '/admin/queues', BOARD_API, '/admin/api/v1/bc?limit=1']) {
      const answer = await open.app.inject({ url, remoteAddress, headers });
      expect([url, answer.statusCode, answer.json().code]).toEqual([url, 401, 'bad_credentials']);
    }
    const change = { method: 'POST' as const, url: '/admin/api/v1/bc/7/resync', remoteAddress };
    const sent = { ...headers, 'x-passerelle-admin': '1' };
    expect((await open.app.inject({ ...change, headers: sent })).statusCode).toBe(401);
  }
});

test('if ADMIN_PASSWORD is not set, the generated password opens the admin pages', async () => {
  const { adminPassword } = open.config.http;
  expect(adminPassword).toMatch(/^[0-9a-f]{24}$/);
  const answer = await open.app.inject({ url: BOARD_API, headers: basic('admin', adminPassword) });
  expect(answer.statusCode).toBe(200);
});

test.each([
  ['an Origin of another host', { origin: 'https://evil.example' }],
  ['an opaque Origin', { origin: 'null' }],
  ['Sec-Fetch-Site cross-site', { 'sec-fetch-site': 'cross-site' }],
  ['Sec-Fetch-Site same-site', { 'sec-fetch-site': 'same-site' }],
])('a change with %s is refused', async (_what, headers) => {
  const answer = await open.inject({ method: 'PUT', url: `${BOARD_API}/bc/pause`, headers });
  expect([answer.statusCode, answer.json().code]).toEqual([403, 'cross_origin']);
  expect(await open.queues.bc.isPaused()).toBe(false);
});

test('a failed job that is retried in bull-board is waiting again', async () => {
  const connection = openRedis(open.config.redis.url, 'worker', open.log);
  const fail = async () => {
    throw new Error('refused');
  };
  const worker = new Worker('bc', fail, { connection, prefix: open.config.queuePrefix });
  const data = { runId: 1, page: 0, token: null, generation: 0, odooId: 5 };
  const job = await open.queues.bc.add('bc', data, { jobId: 'bc-1-5-0' });
  await waitFor(() => job.isFailed(), 'the job to fail');
  await worker.close();
  connection.disconnect();

  const shown = await open.inject(`${BOARD_API}/bc/bc-1-5-0`);
  expect(shown.json().job).toMatchObject({ failedReason: 'refused', data });
  const retried = await open.inject({
    method: 'PUT',
    url: `${BOARD_API}/bc/bc-1-5-0/retry`,
    headers: { origin: 'http://localhost:80', host: 'localhost:80', 'sec-fetch-site': 'same-origin' },
  });
  expect(retried.statusCode).toBe(204);
  expect(await job.getState()).toBe('waiting');
});
