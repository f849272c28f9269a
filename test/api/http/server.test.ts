import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createApiKey } from '../../../src/db/api-keys.ts';
import type { ApiProcess } from '../../support/api-process.ts';
import { startApiProcess } from '../../support/api-process.ts';
import { freshDatabase } from '../../support/database.ts';
import { freshPrefix, redisUrl } from '../../support/redis.ts';
import { waitFor } from '../../support/wait-for.ts';
import { basic, bearer } from './start-api.ts';

let database: Awaited<ReturnType<typeof freshDatabase>>;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.close());

const running: ApiProcess[] = [];
afterEach(() => {
  for (const { child } of running.splice(0)) child.kill('SIGKILL');
});

function startServer(env: Record<string, string>) {
  const stores = { DATABASE_URL: database.url, REDIS_URL: redisUrl(), QUEUE_PREFIX: freshPrefix() };
  const server = startApiProcess({ ...stores, ...env });
  running.push(server);
  return server;
}

test.each(['SIGTERM', 'SIGINT'] as const)('%s ends it with 0 once it has answered', async (signal) => {
  const server = startServer({});
  const url = await server.listening();
  expect(await (await fetch(`${url}/readyz`)).json()).toEqual({ status: 'ready' });
  server.child.kill(signal);
  expect(await server.exit).toBe(0);
  await expect(fetch(`${url}/healthz`)).rejects.toThrow();
});

test('it starts without PostgreSQL and Redis, names the missing servers, and still stops on request', async () => {
  const server = startServer({
    DATABASE_URL: 'postgres://user@127.0.0.1:1/x',
    REDIS_URL: 'redis://127.0.0.1:1',
  });
  const url = await server.listening();
  const ready = await fetch(`${url}/readyz`);
  expect(ready.status).toBe(503);
  expect(await ready.json()).toMatchObject({ errors: [{ name: 'postgresql' }, { name: 'redis' }] });
  server.child.kill('SIGTERM');
  expect(await server.exit).toBe(0);
});

test('a port that is taken is one clear line and exit code 1', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  try {
    const server = startServer({ PORT: String(port), LOG_LEVEL: 'silent' });
    expect(await server.exit).toBe(1);
    expect(server.output()).toBe(`Port ${port} on 127.0.0.1 is taken; stop what uses it or set PORT.\n`);
  } finally {
    other.close();
  }
});

test.each(['192.0.2.1', 'nowhere.invalid'])('HOST=%s is refused in one clear line', async (HOST) => {
  const server = startServer({ HOST, LOG_LEVEL: 'silent' });
  expect(await server.exit).toBe(1);
  expect(server.output()).toBe(`${HOST} is not an address of this machine; check HOST.\n`);
});

test('without ADMIN_PASSWORD it writes a generated password to stderr, and to no log line', async () => {
  const server = startServer({ ADMIN_PASSWORD: '', LOG_LEVEL: 'trace' });
  const url = await server.listening();
  const line =
    /^Admin password for this start: (\S+) \(user admin\)\. Set ADMIN_PASSWORD to choose your own\.$/m;
  const password = await waitFor(() => line.exec(server.output())?.[1], 'the generated password');
  expect((await fetch(`${url}/admin/queues`)).status).toBe(401);
  expect((await fetch(`${url}/admin/queues`, { headers: basic('admin', password) })).status).toBe(200);
  server.child.kill('SIGTERM');
  expect(await server.exit).toBe(0);
  expect(
    server
      .output()
      .split('\n')
      .filter((one) => one.includes(password)),
  ).toHaveLength(1);
});

test('with NODE_ENV=production it does not start without ADMIN_PASSWORD', async () => {
  const server = startServer({ ADMIN_PASSWORD: '', NODE_ENV: 'production', PORT: 'http' });
  expect(await server.exit).toBe(2);
  expect(server.output()).toContain('ADMIN_PASSWORD is required with NODE_ENV=production: password of the');
  expect(server.output()).toMatch(/PORT: .*a whole number/);
});

test('a wrong configuration is named and exit code 2', async () => {
  const server = startServer({ PORT: 'http', DATABASE_URL: '' });
  expect(await server.exit).toBe(2);
  expect(server.output()).toContain('DATABASE_URL is required');
  expect(server.output()).toMatch(/PORT: .*a whole number from 0 to 65535/);
});

test.each([
  ['an outage', { DATABASE_URL: 'postgres://user@127.0.0.1:1/x' }, 'database_unavailable', 'ECONNREFUSED'],
  ['a missing Odoo', {}, 'odoo_not_configured', 'ODOO_URL'],
])('%s is a warning without a stack', async (_what, env, code, reason) => {
  const { key } = await createApiKey(database.db, { name: 'caller', scopes: ['sync:write'] });
  const server = startServer(env);
  const url = await server.listening();
  const answer = await fetch(`${url}/api/v1/bc/1/resync`, { method: 'POST', headers: bearer(key) });
  expect(answer.status).toBe(503);
  await waitFor(() => server.output().includes('"code":'), 'the answer to be logged');
  const [line = ''] = server
    .output()
    .split('\n')
    .filter((one) => one.includes('"code":'));
  expect(JSON.parse(line)).toMatchObject({ level: 40, code, reason: expect.stringContaining(reason) });
  expect(server.output()).not.toContain('"stack"');
});

test('the log names the prefix of a key, and holds neither key, header nor query string', async () => {
  const { key, row } = await createApiKey(database.db, { name: 'caller', scopes: ['bc:read'] });
  const server = startServer({ LOG_LEVEL: 'trace' });
  const url = await server.listening();
  await fetch(`${url}/api/v1/bc?q=hidden-secret`, { headers: bearer(key) });
  await fetch(`${url}/api/v1/nowhere?key=${key}`, { headers: { authorization: `Bearer x${key}` } });
  await waitFor(() => server.output().split('"msg":"request"').length === 3, 'both requests to be logged');
  expect(server.output()).toContain(`"path":"/api/v1/bc","status":200`);
  expect(server.output()).toContain(`"key":"${row.prefix}"`);
  for (const secret of ['hidden-secret', key, key.slice(-43), row.hash, 'uthorization', 'Bearer']) {
    expect(server.output()).not.toContain(secret);
  }
});

test('it says how to create a key while no usable key exists, and only then', async () => {
  await database.client`update api_key set revoked_at = now()`;
  const without = startServer({});
  await without.listening();
  await waitFor(() => without.output().includes('passerelle keys create'), 'the warning');
  expect(without.output()).toMatch(/"level":40,[^\n]*no API key can be used/);

  const { key } = await createApiKey(database.db, { name: 'caller', scopes: ['bc:read'] });
  const server = startServer({});
  const url = await server.listening();
  expect((await fetch(`${url}/api/v1/bc`, { headers: bearer(key) })).status).toBe(200);
  await waitFor(() => server.output().includes('"msg":"request"'), 'the request to be logged');
  expect(server.output()).not.toContain('passerelle keys create');
});
