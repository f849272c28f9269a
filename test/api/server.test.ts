import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { freshDatabase } from '../harness/database.ts';
import { freshPrefix, redisUrl } from '../harness/redis.ts';
import { until } from '../harness/until.ts';

const ROOT = resolve(import.meta.dirname, '../..');

let database: Awaited<ReturnType<typeof freshDatabase>>;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.close());

const running: ReturnType<typeof spawn>[] = [];
afterEach(() => {
  for (const child of running.splice(0)) child.kill('SIGKILL');
});

function startServer(env: Record<string, string>) {
  const child = spawn(process.execPath, ['--import', 'tsx', 'src/server.ts'], {
    cwd: ROOT,
    env: {
      PATH: process.env['PATH'],
      DATABASE_URL: database.url,
      REDIS_URL: redisUrl(),
      QUEUE_PREFIX: freshPrefix(),
      PORT: '0',
      ...env,
    },
  });
  running.push(child);
  let output = '';
  child.stderr.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  const exit = once(child, 'exit').then(([code]) => code as number | null);
  const listening = () =>
    until(
      () => /"url":"([^"]+)"/.exec(output)?.[1] ?? (child.exitCode !== null && output),
      'the API to listen',
    );
  return { child, exit, output: () => output, listening };
}

test.each(['SIGTERM', 'SIGINT'] as const)('%s ends it with 0 once it has answered', async (signal) => {
  const server = startServer({});
  const url = await server.listening();
  expect(await (await fetch(`${url}/readyz`)).json()).toEqual({ status: 'ready' });
  server.child.kill(signal);
  expect(await server.exit).toBe(0);
  await expect(fetch(`${url}/healthz`)).rejects.toThrow();
});

test('it starts without PostgreSQL and Redis, says what is missing, and still stops when asked', async () => {
  const server = startServer({
    DATABASE_URL: 'postgres://nobody@127.0.0.1:1/x',
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

test('a wrong configuration is named and exit code 2', async () => {
  const server = startServer({ PORT: 'http', DATABASE_URL: '' });
  expect(await server.exit).toBe(2);
  expect(server.output()).toContain('DATABASE_URL is required');
  expect(server.output()).toMatch(/PORT: .*a whole number from 0 to 65535/);
});

test('an outage and a missing Odoo are warnings without a stack', async () => {
  const server = startServer({ DATABASE_URL: 'postgres://nobody@127.0.0.1:1/x' });
  const url = await server.listening();
  expect((await fetch(`${url}/api/v1/bc/1`)).status).toBe(503);
  expect((await fetch(`${url}/api/v1/bc/1/resync`, { method: 'POST' })).status).toBe(503);
  const logged = () =>
    server
      .output()
      .split('\n')
      .filter((line) => line.includes('"code":'));
  await until(() => logged().length === 2, 'both answers to be logged');
  expect(logged().map((line) => JSON.parse(line))).toMatchObject([
    { level: 40, code: 'database_unavailable', reason: expect.stringContaining('ECONNREFUSED') },
    { level: 40, code: 'odoo_not_configured', reason: expect.stringContaining('ODOO_URL') },
  ]);
  expect(server.output()).not.toContain('"stack"');
});

test('the log holds no query string', async () => {
  const server = startServer({});
  const url = await server.listening();
  await fetch(`${url}/api/v1/bc?q=hidden-secret`);
  await until(() => server.output().includes('"path":"/api/v1/bc"'), 'the request to be logged');
  expect(server.output()).not.toContain('hidden-secret');
});
