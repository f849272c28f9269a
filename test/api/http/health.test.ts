import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildApp } from '../../../src/api/app.ts';
import { openDatabase } from '../../../src/db/client.ts';
import { openApiMetrics } from '../../../src/observability/metrics/api-metrics.ts';
import { openQueues } from '../../../src/queues/queues.ts';
import { openRedis } from '../../../src/queues/redis.ts';
import { createLogger } from '../../../src/shared/logger.ts';
import type { TestApi } from './start-api.ts';
import { inject, startApi } from './start-api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

/** The same API without servers: port 1 refuses every connection. `db` replaces PostgreSQL. */
async function withNothingRunning(
  work: (app: TestApi['app']) => Promise<void>,
  db?: TestApi['db'],
): Promise<void> {
  const log = createLogger('silent', 'test');
  const database = openDatabase('postgres://user@127.0.0.1:1/nothing');
  const redis = openRedis('redis://127.0.0.1:1', 'producer', log);
  const cacheRedis = openRedis('redis://127.0.0.1:1', 'cache', log);
  const queues = openQueues(redis, 'nothing', log);
  const app = await buildApp({
    ...{
      config: api.config,
      log,
      queues,
      queuesOf: () => queues,
      redis,
      cacheRedis,
      tryton: null,
      trytonHealth: null,
      metrics: openApiMetrics(),
      tracing: null,
    },
    ...{ db: db ?? database.db, reserveDb: db ?? database.db, stopping: new AbortController().signal },
  });
  try {
    await work(app);
  } finally {
    redis.disconnect();
    cacheRedis.disconnect();
    await app.close();
    await database.close();
  }
}

test('healthz and readyz answer when everything is there', async () => {
  expect((await api.inject('/healthz')).json()).toEqual({ status: 'ok' });
  const ready = await api.inject('/readyz');
  expect(ready.statusCode).toBe(200);
  expect(ready.json()).toEqual({ status: 'ready' });
  expect(ready.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
});

test('concurrent probes of /readyz share one check', async () => {
  let pings = 0;
  const counting = await startApi();
  try {
    const { redis } = counting;
    const ping = redis.ping.bind(redis);
    Object.assign(redis, {
      ping: () => {
        pings += 1;
        return ping();
      },
    });
    const answers = await Promise.all(Array.from({ length: 20 }, () => counting.app.inject('/readyz')));
    expect(answers.map(({ statusCode }) => statusCode)).toEqual(answers.map(() => 200));
    expect(pings).toBeLessThan(20);
    const before = pings;
    await counting.app.inject('/readyz');
    expect(pings).toBe(before + 1);
  } finally {
    await counting.close();
  }
});

test('readyz names a migration that was not applied', async () => {
  await api.db.execute(sql`alter table drizzle.__drizzle_migrations rename to hidden`);
  try {
    const answer = await api.inject('/readyz');
    expect(answer.statusCode).toBe(503);
    expect(answer.headers['content-type']).toContain('application/problem+json');
    expect(answer.json()).toMatchObject({ code: 'not_ready', errors: [{ name: 'migrations' }] });
    expect(answer.json().detail).toContain('0000_mirror');
  } finally {
    await api.db.execute(sql`alter table drizzle.hidden rename to __drizzle_migrations`);
  }
});

test('without PostgreSQL and Redis the API is alive and names the missing servers', async () => {
  await withNothingRunning(async (app) => {
    expect((await app.inject('/healthz')).statusCode).toBe(200);
    const ready = await app.inject('/readyz');
    expect(ready.statusCode).toBe(503);
    expect(ready.json().errors.map(({ name }: { name: string }) => name)).toEqual(['postgresql', 'redis']);
  });
});

test('a route that needs PostgreSQL or Redis answers 503 with the code of the one that is down', async () => {
  await withNothingRunning(async (app) => {
    const runs = await inject(app, api.key, '/api/v1/sync/runs');
    expect([runs.statusCode, runs.json().code]).toEqual([503, 'database_unavailable']);
    expect(runs.body).not.toContain('127.0.0.1');
  });
  await withNothingRunning(async (app) => {
    const start = await inject(app, api.key, { method: 'POST', url: '/api/v1/bc/1/resync' });
    expect([start.statusCode, start.json().code]).toEqual([503, 'redis_unavailable']);
    expect(start.body).not.toContain('127.0.0.1');
    expect((await inject(app, api.key, '/api/v1/bc')).statusCode).toBe(200);
  }, api.db);
});
