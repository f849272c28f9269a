import { Worker } from 'bullmq';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openRedis } from '../../src/queues/connection.ts';
import { until } from '../harness/until.ts';
import type { TestApi } from './start-api.ts';
import { startApi } from './start-api.ts';

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

const basic = (user: string, password: string) => ({
  authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
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

test.each(['127.0.0.1', '::1', '::ffff:127.0.0.1'])(
  'without a password %s is let in',
  async (remoteAddress) => {
    const answer = await open.app.inject({ url: BOARD_API, remoteAddress });
    expect(answer.statusCode).toBe(200);
  },
);

test.each([
  ['another machine', { remoteAddress: '203.0.113.9' }],
  [
    'another machine that claims to be this one',
    { remoteAddress: '10.0.0.2', headers: { 'x-forwarded-for': '127.0.0.1' } },
  ],
  ['a proxy on this machine', { headers: { 'x-forwarded-for': '203.0.113.9' } }],
  ['a foreign host name', { headers: { host: 'evil.example:3000' } }],
])('without a password %s is refused and told why', async (_who, request) => {
  for (const url of ['/admin', '/admin/queues', BOARD_API]) {
    const answer = await open.app.inject({ url, remoteAddress: '127.0.0.1', ...request });
    expect([url, answer.statusCode, answer.json().code]).toEqual([url, 403, 'admin_local_only']);
    expect(answer.json().detail).toContain('ADMIN_PASSWORD');
  }
});

test.each([
  ['an Origin of another host', { origin: 'https://evil.example' }],
  ['an opaque Origin', { origin: 'null' }],
  ['Sec-Fetch-Site cross-site', { 'sec-fetch-site': 'cross-site' }],
  ['Sec-Fetch-Site same-site', { 'sec-fetch-site': 'same-site' }],
])('a change with %s is refused', async (_what, headers) => {
  const answer = await open.app.inject({ method: 'PUT', url: `${BOARD_API}/bc/pause`, headers });
  expect([answer.statusCode, answer.json().code]).toEqual([403, 'cross_origin']);
  expect(await open.queues.bc.isPaused()).toBe(false);
});

test('a failed job that is retried over the board goes back to waiting', async () => {
  const connection = openRedis(open.config.redis.url, 'worker', open.log);
  const fail = async () => {
    throw new Error('refused');
  };
  const worker = new Worker('bc', fail, { connection, prefix: open.config.queuePrefix });
  const data = { runId: 1, page: 0, token: null, generation: 0, odooId: 5 };
  const job = await open.queues.bc.add('bc', data, { jobId: 'bc-1-5-0' });
  await until(() => job.isFailed(), 'the job to fail');
  await worker.close();
  connection.disconnect();

  const shown = await open.app.inject(`${BOARD_API}/bc/bc-1-5-0`);
  expect(shown.json().job).toMatchObject({ failedReason: 'refused', data });
  const retried = await open.app.inject({
    method: 'PUT',
    url: `${BOARD_API}/bc/bc-1-5-0/retry`,
    headers: { origin: 'http://localhost:80', host: 'localhost:80', 'sec-fetch-site': 'same-origin' },
  });
  expect(retried.statusCode).toBe(204);
  expect(await job.getState()).toBe('waiting');
});
