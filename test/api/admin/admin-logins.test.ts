import { PassThrough } from 'node:stream';
import { pino } from 'pino';
import { afterEach, expect, it } from 'vitest';
import { openRedis } from '../../../src/queues/redis.ts';
import { createLogger } from '../../../src/shared/logger.ts';
import { redisUrl } from '../../support/redis.ts';
import type { TestApi } from '../http/start-api.ts';
import { startApi } from '../http/start-api.ts';

const PASSWORD = 'sésame:ouvre';
const MOST_WRONG = 10;

const apis: TestApi[] = [];
const connections: ReturnType<typeof openRedis>[] = [];
afterEach(async () => {
  for (const api of apis.splice(0)) await api.close();
  for (const connection of connections.splice(0)) connection.disconnect();
});

/** Processes of one setup share the prefix, and so the counts. */
async function start(env: Record<string, string> = {}, url = redisUrl()): Promise<TestApi> {
  const cacheRedis = openRedis(url, 'producer', createLogger('silent', 'test'));
  connections.push(cacheRedis);
  const api = await startApi({ ADMIN_PASSWORD: PASSWORD, ...env }, { cacheRedis });
  apis.push(api);
  return api;
}

const basic = (password: string) => ({
  authorization: `Basic ${Buffer.from(`admin:${password}`).toString('base64')}`,
});

const login = (api: TestApi, password: string, remoteAddress = '203.0.113.9', headers = {}) =>
  api.app.inject({ url: '/admin/api/v1/sync', headers: { ...basic(password), ...headers }, remoteAddress });

async function guess(api: TestApi, times: number, remoteAddress?: string, headers = {}) {
  const statuses: number[] = [];
  for (let tried = 0; tried < times; tried += 1) {
    statuses.push((await login(api, `wrong ${tried}`, remoteAddress, headers)).statusCode);
  }
  return statuses;
}

it('ten wrong logins from an address are answered 401, then everything from there 429 with the time to wait', async () => {
  const api = await start();
  expect(await guess(api, MOST_WRONG + 1)).toEqual([...Array(MOST_WRONG).fill(401), 429]);
  const right = await login(api, PASSWORD);
  expect([right.statusCode, right.json().code]).toEqual([429, 'too_many_logins']);
  expect(right.headers['content-type']).toContain('application/problem+json');
  expect(right.headers).not.toHaveProperty('www-authenticate');
  const wait = Number(right.headers['retry-after']);
  expect(wait).toBeGreaterThan(800);
  expect(wait).toBeLessThanOrEqual(900);
  expect(
    (await api.app.inject({ url: '/admin/queues', headers: basic(PASSWORD), remoteAddress: '203.0.113.9' }))
      .statusCode,
  ).toBe(429);
  expect((await login(api, PASSWORD, '203.0.113.10')).statusCode).toBe(200);
});

it('all addresses of an IPv6 network are one, and an IPv4 address is the same however it is written', async () => {
  const api = await start();
  await guess(api, MOST_WRONG, '2001:db8:1:2::1');
  expect((await login(api, PASSWORD, '2001:db8:1:2:ffff::9')).statusCode).toBe(429);
  expect((await login(api, PASSWORD, '2001:db8:9:2::1')).statusCode).toBe(200);
  await guess(api, MOST_WRONG, '203.0.113.9');
  expect((await login(api, PASSWORD, '::ffff:203.0.113.9')).statusCode).toBe(429);
});

it('a request without a login, and a right one, count for nothing; nine wrong ones do not lock out', async () => {
  const api = await start();
  const url = '/admin/api/v1/sync';
  for (let sent = 0; sent < 2 * MOST_WRONG; sent += 1) {
    expect((await api.app.inject({ url, remoteAddress: '203.0.113.9' })).statusCode).toBe(401);
  }
  await guess(api, MOST_WRONG - 1);
  const answers = await Promise.all(Array.from({ length: 30 }, () => login(api, PASSWORD)));
  expect(answers.map(({ statusCode }) => statusCode)).toEqual(Array(30).fill(200));
});

it('processes count together, and a right guess among many at once is not let in', async () => {
  const one = await start();
  const other = await start({ QUEUE_PREFIX: one.config.queuePrefix });
  await guess(one, MOST_WRONG);
  expect((await login(other, PASSWORD)).statusCode).toBe(429);
  const wrong = Array.from({ length: 50 }, (_, index) => login(other, `wrong ${index}`, '198.51.100.7'));
  const answers = await Promise.all([...wrong, login(other, PASSWORD, '198.51.100.7')]);
  expect(answers.at(-1)?.statusCode).toBe(429);
});

it('without Redis each process counts by itself', async () => {
  const api = await startApi({ ADMIN_PASSWORD: PASSWORD }, {});
  apis.push(api);
  api.cacheRedis.disconnect();
  expect(await guess(api, MOST_WRONG + 1)).toEqual([...Array(MOST_WRONG).fill(401), 429]);
  expect((await login(api, PASSWORD)).statusCode).toBe(429);
  expect((await login(api, PASSWORD, '203.0.113.10')).statusCode).toBe(200);
});

it('what a client says of its address counts only behind a proxy that is trusted', async () => {
  const api = await start();
  for (let tried = 0; tried < MOST_WRONG; tried += 1) {
    await guess(api, 1, '203.0.113.9', { 'x-forwarded-for': `198.51.100.${tried}` });
  }
  expect((await login(api, PASSWORD, '203.0.113.9', { 'x-forwarded-for': '192.0.2.1' })).statusCode).toBe(
    429,
  );

  const behind = await start({ TRUST_PROXY: '203.0.113.0/24' });
  await guess(behind, MOST_WRONG, '203.0.113.9', { 'x-forwarded-for': '198.51.100.1' });
  const from = async (client: string) =>
    (await login(behind, PASSWORD, '203.0.113.9', { 'x-forwarded-for': client })).statusCode;
  expect(await from('198.51.100.1')).toBe(429);
  expect(await from('198.51.100.2')).toBe(200);
  // The proxy appends the address that it saw: the last entry counts.
  expect(await from('192.0.2.1, 198.51.100.1')).toBe(429);
});

it('behind a number of proxies, what a client in the same network claims does not count', async () => {
  const api = await start({ TRUST_PROXY: '1' });
  const from = (chain: string, password: string, peer = '10.0.0.1') =>
    login(api, password, peer, { 'x-forwarded-for': chain });
  const statuses: number[] = [];
  for (let tried = 0; tried <= MOST_WRONG; tried += 1) {
    statuses.push((await from(`198.51.100.${tried}, 192.168.1.50`, `wrong ${tried}`)).statusCode);
  }
  expect(statuses).toEqual([...Array(MOST_WRONG).fill(401), 429]);
  // Neither those that it claimed are locked out, nor others behind the proxy.
  expect((await from('198.51.100.1', PASSWORD)).statusCode).toBe(200);
  expect((await from('192.168.1.51', PASSWORD)).statusCode).toBe(200);
  // A peer of the internet is no proxy: its own address counts.
  for (let tried = 0; tried < MOST_WRONG; tried += 1) await from(`198.51.100.${tried}`, 'wrong', '88.1.2.3');
  expect((await from('203.0.113.77', PASSWORD, '88.1.2.3')).statusCode).toBe(429);
  expect((await from('198.51.100.2', PASSWORD)).statusCode).toBe(200);
});

it('a client cannot lock out an address that it claims, without a trusted proxy', async () => {
  const api = await start();
  await guess(api, MOST_WRONG + 1, '192.168.1.50', { 'x-forwarded-for': '198.51.100.7' });
  expect((await login(api, PASSWORD, '198.51.100.7')).statusCode).toBe(200);
});

it('a refused login is logged with its address and without the typed text', async () => {
  const lines = new PassThrough();
  let log = '';
  lines.on('data', (chunk: Buffer) => {
    log += chunk.toString();
  });
  const api = await startApi({ ADMIN_PASSWORD: PASSWORD }, { log: pino({ level: 'debug' }, lines) });
  apis.push(api);
  await login(api, 'a secret typed by mistake');
  await login(api, PASSWORD);
  expect(log).toContain('"ip":"203.0.113.9"');
  expect(log).toContain('bad_credentials');
  expect(log).not.toContain('a secret typed by mistake');
  expect(log).not.toContain(PASSWORD);
  expect(log).not.toContain(basic('a secret typed by mistake').authorization.slice(6));
});
