import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { migrate } from '../../src/db/migrate.ts';
import { startApiProcess } from '../support/api-process.ts';
import { freshDatabase } from '../support/database.ts';
import type { OwnProcess } from '../support/own-process.ts';
import { freshPrefix, redisUrl } from '../support/redis.ts';
import { databaseAt, onServer } from '../support/server.ts';
import { waitFor } from '../support/wait-for.ts';
import { startWorkerProcess } from '../support/worker-process.ts';

const ODOO = { ODOO_URL: 'http://127.0.0.1:1', ODOO_DB: 'd', ODOO_USER: 'u', ODOO_PASSWORD: 'p' };
/** What PostgreSQL and Drizzle report if a table is missing. */
const MISSING_TABLE = /relation|Failed query/;

let database: Awaited<ReturnType<typeof freshDatabase>>;
let name: string;
let env: Record<string, string>;
beforeAll(async () => {
  database = await freshDatabase();
  name = `${new URL(database.url).pathname.slice(1)}_bare`;
});
afterAll(() => database.close());

const running: OwnProcess[] = [];
afterEach(async () => {
  for (const { child, exit } of running.splice(0)) {
    child.kill('SIGKILL');
    await exit;
  }
  await onServer(database.url, (sql) => sql`drop database if exists ${sql(name)} with (force)`);
});

/** A database without tables, and the settings of a process that uses it. */
async function bare(waits: 'on' | 'off') {
  await onServer(database.url, (sql) => sql`create database ${sql(name)}`);
  const stores = { DATABASE_URL: databaseAt(database.url, name), REDIS_URL: redisUrl() };
  env = {
    ...ODOO,
    ...stores,
    QUEUE_PREFIX: freshPrefix(),
    DATABASE_AWAIT_MIGRATIONS: waits,
    LOG_LEVEL: 'info',
  };
}

const START = { api: startApiProcess, worker: startWorkerProcess };

test.each(['api', 'worker'] as const)(
  'a database without migrations stops the %s with the sentence of the commands, and nothing else',
  async (which) => {
    await bare('off');
    const started = START[which](env);
    running.push(started);
    expect(await started.exit).toBe(1);
    await waitFor(() => started.output(), 'the message');
    expect(started.output()).toMatch(
      /^The database at \S+_bare lacks migrations \(0000_mirror[^)\n]*\): run "passerelle migrate"\.\n$/,
    );
  },
);

test('DATABASE_AWAIT_MIGRATIONS=on: the API answers its probes, names the migrations, and starts its checks later', async () => {
  await bare('on');
  const api = startApiProcess(env);
  running.push(api);
  const url = await api.listening();
  const ready = await fetch(`${url}/readyz`);
  expect(ready.status).toBe(503);
  expect(await ready.json()).toMatchObject({ errors: [{ name: 'migrations' }] });
  expect(api.output()).toContain('This process waits for it (DATABASE_AWAIT_MIGRATIONS)');
  await migrate(env['DATABASE_URL'] ?? '');
  await waitFor(async () => (await fetch(`${url}/readyz`)).ok, 'the API to be ready');
  expect(api.output()).not.toMatch(MISSING_TABLE);
  api.child.kill('SIGTERM');
  expect(await api.exit).toBe(0);
});

test('DATABASE_AWAIT_MIGRATIONS=on: the worker starts as soon as the tables are there', async () => {
  await bare('on');
  const worker = startWorkerProcess(env);
  running.push(worker);
  await waitFor(() => worker.output().includes('This process waits for it'), 'the worker to wait');
  await migrate(env['DATABASE_URL'] ?? '');
  await waitFor(() => worker.output().includes('worker started'), 'the worker to start');
  expect(worker.output().match(/lacks migrations/g)).toHaveLength(1);
  expect(worker.output()).not.toMatch(MISSING_TABLE);
});

test('a process that waits stops on request', async () => {
  await bare('on');
  const worker = startWorkerProcess(env);
  running.push(worker);
  await waitFor(() => worker.output().includes('This process waits for it'), 'the worker to wait');
  worker.child.kill('SIGTERM');
  expect(await worker.exit).toBe(0);
});
