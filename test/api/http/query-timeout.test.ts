import { get } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createApiKey } from '../../../src/db/api-keys.ts';
import { openDatabase, TIMEOUTS } from '../../../src/db/client.ts';
import { freshDatabase } from '../../support/database.ts';
import { waitFor } from '../../support/wait-for.ts';
import { insertBc, saveTestFields } from '../documents/rows.ts';
import { listenTo } from '../sync/event-listener.ts';
import type { TestApi } from './start-api.ts';
import { bearer, startApi } from './start-api.ts';

const CONNECTIONS = 2;

/** Two APIs with pools of their own, as the server opens them: statements of the first one have a short limit. */
let limited: TestApi;
let patient: TestApi;
let database: Awaited<ReturnType<typeof freshDatabase>>;
const pools: { close(): Promise<void> }[] = [];

function pool(max: number, milliseconds: number) {
  const opened = openDatabase(database.url, { max, timeouts: { ...TIMEOUTS, statementMs: milliseconds } });
  pools.push(opened);
  return opened.db;
}

beforeAll(async () => {
  database = await freshDatabase();
  await saveTestFields(database.db);
  await insertBc(database.db, 1, { name: 'BC 1' });
  limited = await startApi({}, { db: pool(CONNECTIONS, 500), reserveDb: pool(2, 60_000) });
  patient = await startApi({}, { db: pool(CONNECTIONS, 0), reserveDb: pool(2, 0) });
});
afterAll(async () => {
  patient.app.server.closeAllConnections();
  await limited.close();
  await patient.close();
  for (const { close } of pools) await close();
  await database.close();
});

/** A key that the databases of both know: `startApi` makes its own in another database. */
const headerFrom = async () => {
  const { key } = await createApiKey(database.db, { name: 'a test', scopes: ['bc:read'] });
  return bearer(key);
};

/** Statements of the API that wait for the table. */
const waiting = async () =>
  (
    await database.client`select from pg_stat_activity where pid in (
      select pid from pg_locks where not granted and relation = 'scrap_dimagaz_bc'::regclass)`
  ).length;

async function whileLocked(work: () => Promise<void>): Promise<void> {
  const other = await database.reserve();
  try {
    await other`begin`;
    await other`lock table scrap_dimagaz_bc in access exclusive mode`;
    await work();
  } finally {
    await other`rollback`;
    other.release();
  }
}

const PATHS = ['/api/v1/bc?limit=1', '/api/v1/bc?limit=1&count=exact', '/api/v1/bc/changes?limit=1'];

test.each(PATHS)('%s that takes too long is answered query_timeout, and the pool works on', async (url) => {
  const headers = await headerFrom();
  expect((await limited.app.inject({ url, headers })).statusCode).toBe(200);
  await whileLocked(async () => {
    const answer = await limited.app.inject({ url, headers });
    expect([answer.statusCode, answer.json().code]).toEqual([503, 'query_timeout']);
    expect(answer.json().detail).toContain('Narrow the filter');
  });
  const again = await Promise.all([1, 2, 3].map(() => limited.app.inject({ url, headers })));
  expect(again.map(({ statusCode }) => statusCode)).toEqual([200, 200, 200]);
});

test('an export has no time limit', async () => {
  const headers = await headerFrom();
  let answer: Promise<{ statusCode: number; body: string }> | undefined;
  await whileLocked(async () => {
    const list = limited.app.inject({ url: '/api/v1/bc?limit=1', headers });
    answer = limited.app.inject({ url: '/api/v1/bc/export?format=ndjson', headers });
    // Both statements wait for the table; the one of the list ends by its limit, that of the export goes on.
    expect((await list).json().code).toBe('query_timeout');
    await waitFor(async () => (await waiting()) === 1, 'the export to wait');
    await limited.app.inject({ url: '/api/v1/bc?limit=1', headers });
    expect(await waiting()).toBe(1);
  });
  expect((await answer)?.statusCode).toBe(200);
});

test.each(PATHS)('if the client of %s leaves, PostgreSQL stops its statement', async (path) => {
  const headers = await headerFrom();
  const url = await listenTo(patient.app);
  await whileLocked(async () => {
    const requests = Array.from({ length: CONNECTIONS }, () => {
      const request = get(`${url}${path}`, { headers });
      request.on('error', () => {});
      return request;
    });
    await waitFor(async () => (await waiting()) === CONNECTIONS, 'the statements to wait');
    for (const request of requests) request.destroy();
    await waitFor(async () => (await waiting()) === 0, 'the end of the statements');
  });
  expect((await patient.app.inject({ url: path, headers })).statusCode).toBe(200);
});

test('while slow queries hold every connection, /readyz and the check of a key answer', async () => {
  const headers = await headerFrom();
  let slow: Promise<number>[] = [];
  await whileLocked(async () => {
    slow = Array.from({ length: CONNECTIONS + 2 }, () =>
      patient.app.inject({ url: '/api/v1/bc?limit=1', headers }).then(({ statusCode }) => statusCode),
    );
    await waitFor(async () => (await waiting()) === CONNECTIONS, 'every connection to wait');
    const ready = await patient.app.inject('/readyz');
    expect([ready.statusCode, ready.json()]).toEqual([200, { status: 'ready' }]);
    const unknown = await patient.app.inject({
      url: '/api/v1/bc?limit=1',
      headers: bearer(`psl_${'a'.repeat(8)}_${'b'.repeat(43)}`),
    });
    expect([unknown.statusCode, unknown.json().code]).toEqual([401, 'bad_key']);
    expect(await waiting()).toBe(CONNECTIONS);
  });
  expect(await Promise.all(slow)).toEqual(slow.map(() => 200));
});
