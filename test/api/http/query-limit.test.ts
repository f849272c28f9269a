import { afterAll, beforeAll, expect, test } from 'vitest';
import { createApiKey } from '../../../src/db/api-keys.ts';
import { openDatabase } from '../../../src/db/client.ts';
import { freshDatabase } from '../../support/database.ts';
import { waitFor } from '../../support/wait-for.ts';
import { insertBc, saveTestFields } from '../documents/rows.ts';
import type { TestApi } from './start-api.ts';
import { bearer, startApi } from './start-api.ts';

const CONNECTIONS = 4;
const PER_KEY = 2;

let api: TestApi;
/** Its requests wait for as long as they must. */
let patient: TestApi;
let database: Awaited<ReturnType<typeof freshDatabase>>;
let pool: ReturnType<typeof openDatabase>;
let reserve: ReturnType<typeof openDatabase>;
beforeAll(async () => {
  database = await freshDatabase();
  await saveTestFields(database.db);
  await insertBc(database.db, 1, { name: 'BC 1' });
  pool = openDatabase(database.url, { max: CONNECTIONS });
  reserve = openDatabase(database.url, { max: 2 });
  const context = { db: pool.db, reserveDb: reserve.db };
  api = await startApi({}, context, { queriesPerKey: PER_KEY, queryWaitMs: 200 });
  patient = await startApi({}, context, { queriesPerKey: 1, queryWaitMs: 600_000 });
});
afterAll(async () => {
  await api.close();
  await patient.close();
  await pool.close();
  await reserve.close();
  await database.close();
});

const headerFrom = async () => {
  const { key } = await createApiKey(database.db, { name: 'a test', scopes: ['bc:read'] });
  return bearer(key);
};

/** Queries of the API that wait for the table of the BCs. */
const waiting = async () =>
  (
    await database.client`select from pg_stat_activity where pid in (
      select pid from pg_locks where not granted and relation = 'scrap_dimagaz_bc'::regclass)`
  ).length;

/** While another session holds the table of the BCs, so that each query of BCs waits. */
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

const PATHS = [
  '/api/v1/bc?limit=1',
  '/api/v1/bc/1',
  '/api/v1/bc/1/lines',
  '/api/v1/bc/1/history',
  '/api/v1/bc/changes',
];

test('slow queries of one key leave connections for another key and for the admin', async () => {
  const [greedy, other] = [await headerFrom(), await headerFrom()];
  const get = (url: string, headers: object) => api.app.inject({ url, headers: { ...headers } });
  let slow: ReturnType<typeof get>[] = [];
  await whileLocked(async () => {
    slow = PATHS.slice(0, PER_KEY).map((path) => get(path, greedy));
    await waitFor(async () => (await waiting()) === PER_KEY, 'the queries to wait');
    // Each one waits for a place of its key and gets none, whatever the route.
    const refused = await Promise.all(PATHS.map((path) => get(path, greedy)));
    for (const answer of refused) {
      expect([answer.statusCode, answer.json().code]).toEqual([429, 'too_many_queries']);
      expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    }
    expect(await waiting()).toBe(PER_KEY);
    expect((await get('/api/v1/sync/runs', other)).statusCode).toBe(200);
    expect((await get('/admin/api/v1/sync/runs', api.admin)).statusCode).toBe(200);
    expect((await get('/healthz', {})).statusCode).toBe(200);
    expect((await get('/readyz', {})).statusCode).toBe(200);
  });
  expect((await Promise.all(slow)).map(({ statusCode }) => statusCode)).toEqual([200, 200]);
  for (const path of PATHS) expect([path, (await get(path, greedy)).statusCode]).toEqual([path, 200]);
});

test('all admin pages together count as one key', async () => {
  const get = () => api.app.inject({ url: '/admin/api/v1/bc?limit=1', headers: { ...api.admin } });
  let slow: ReturnType<typeof get>[] = [];
  await whileLocked(async () => {
    slow = [get(), get()];
    await waitFor(async () => (await waiting()) === PER_KEY, 'the queries to wait');
    expect((await get()).json().code).toBe('too_many_queries');
  });
  expect((await Promise.all(slow)).map(({ statusCode }) => statusCode)).toEqual([200, 200]);
});

test('a request that waits gets the place of the one that ends before it, HEAD too', async () => {
  const headers = await headerFrom();
  const one = (method: 'GET' | 'HEAD') => patient.app.inject({ method, url: '/api/v1/bc?limit=1', headers });
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, at) => one(at % 2 === 0 ? 'GET' : 'HEAD')),
  );
  expect(answers.map(({ statusCode }) => statusCode)).toEqual(answers.map(() => 200));
});
