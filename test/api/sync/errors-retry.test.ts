import { readFileSync } from 'node:fs';
import { sql } from 'drizzle-orm';
import { afterEach, expect, test } from 'vitest';
import { makeProblem } from '../../../src/api/problem-details.ts';
import { openDatabase } from '../../../src/db/client.ts';
import { openRedis } from '../../../src/queues/redis.ts';
import { createLogger } from '../../../src/shared/logger.ts';
import type { TestApi } from '../http/start-api.ts';
import { startApi } from '../http/start-api.ts';

const releases: (() => unknown)[] = [];
afterEach(async () => {
  for (const release of releases.splice(0).reverse()) await release();
});

async function start(...given: Parameters<typeof startApi>): Promise<TestApi> {
  const api = await startApi(...given);
  releases.push(() => api.close());
  return api;
}

type Answer = Awaited<ReturnType<TestApi['inject']>>;

/** Status, code, and the seconds of header and body. */
function outcome({ statusCode, headers, ...answer }: Answer) {
  const { code, retryAfter } = answer.json();
  return [statusCode, code, headers['retry-after'], retryAfter];
}

const RPC = {
  method: 'POST',
  url: '/api/v1/tryton/rpc',
  payload: { method: 'model.party.party.read', params: [[1], ['name']] },
} as const;

test('PostgreSQL that is away is retried in a few seconds', async () => {
  const { db, close } = openDatabase('postgres://user@127.0.0.1:1/nothing');
  releases.push(close);
  const api = await start({}, { db });
  expect(outcome(await api.inject('/api/v1/sync'))).toEqual([503, 'database_unavailable', '5', 5]);
  expect(outcome(await api.inject('/readyz'))).toEqual([503, 'not_ready', '5', 5]);
});

test('Redis that is away is retried in a few seconds', async () => {
  const redis = openRedis('redis://127.0.0.1:1', 'producer', createLogger('silent', 'test'));
  releases.push(() => redis.disconnect());
  const api = await start({}, { redis });
  const answer = await api.inject({ method: 'POST', url: '/api/v1/bc/1/resync' });
  expect(outcome(answer)).toEqual([503, 'redis_unavailable', '5', 5]);
});

test('a Tryton that is away is retried in a few seconds, for each call of a batch too', async () => {
  const api = await start({
    TRYTON_RPC_URL: 'http://127.0.0.1:1/nothing/',
    TRYTON_USER: 'gateway',
    TRYTON_PASSWORD: 'secret',
  });
  expect(outcome(await api.inject(RPC))).toEqual([503, 'tryton_unreachable', '5', 5]);
  const [one] = (await api.inject({ ...RPC, payload: [RPC.payload] })).json();
  expect(one.error).toMatchObject({ code: 'tryton_unreachable', retryAfter: 5 });
});

test('a process that stops is followed by another one', async () => {
  const stop = new AbortController();
  const api = await start({}, { stopping: stop.signal });
  stop.abort();
  expect(outcome(await api.inject('/readyz'))).toEqual([503, 'not_ready', '5', 5]);
  expect(outcome(await api.inject('/api/v1/sync/events'))).toEqual([503, 'shutting_down', '5', 5]);
});

test('what waits for a person has no time', async () => {
  const api = await start({ ODOO_URL: '', ODOO_DB: '', ODOO_USER: '', ODOO_PASSWORD: '' });
  const resync = await api.inject({ method: 'POST', url: '/api/v1/bc/1/resync' });
  expect(outcome(resync)).toEqual([503, 'odoo_not_configured', undefined, undefined]);
  expect(outcome(await api.inject(RPC))).toEqual([503, 'tryton_not_configured', undefined, undefined]);
  await api.db.execute(sql`alter table sync_log rename to hidden`);
  const runs = await api.inject('/api/v1/sync/runs');
  expect(outcome(runs)).toEqual([503, 'database_not_migrated', undefined, undefined]);
});

test('every 503 says when to retry, unless it waits for a person', () => {
  const text = readFileSync(new URL('../../../docs/reference/errors.md', import.meta.url), 'utf8');
  const codes = [...text.matchAll(/^\| `(\w+)` \| 503 \|/gm)].map(([, code = '']) => code);
  expect(codes).toContain('too_many_listeners');
  expect(codes.filter((code) => makeProblem(code).retryAfter === undefined)).toEqual([
    ...['dashboard_not_built', 'database_not_migrated', 'odoo_not_configured', 'query_timeout'],
    'tryton_not_configured',
    // Its time is that of the error.
    'tryton_rate_limited',
  ]);
});

test('the OpenAPI document has the header where it may come', async () => {
  const { paths } = (await (await start()).inject('/openapi.json')).json();
  const { responses } = paths['/api/v1/bc/export'].get;
  expect(responses['429'].headers['Retry-After']).toEqual({
    schema: { type: 'integer' },
    description: 'seconds after which to ask again: with `rate_limited`',
  });
  expect(responses['503'].headers['Retry-After'].description).toContain('`too_many_exports`');
  expect(responses['400'].headers).toBeUndefined();
  expect(paths['/api/v1/tryton/ping'].get.responses['503'].headers['Retry-After'].description).not.toContain(
    'tryton_not_configured',
  );
});
