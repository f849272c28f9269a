import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { recordOdooHealth } from '../../../src/db/upstream-health.ts';
import { startApi } from '../http/start-api.ts';
import type { TrytonApi } from '../tryton/tryton-api.ts';
import { startTrytonApi } from '../tryton/tryton-api.ts';

let api: TrytonApi;
beforeAll(async () => {
  api = await startTrytonApi();
});
afterAll(() => api.close());

const upstreams = async () => (await api.inject('/api/v1/upstreams')).json();

test('an Odoo that no worker has asked yet is unknown, then as a worker saw it last', async () => {
  const unknown = { version: null, protocol: null, latencyMs: null, lastSuccess: null, lastError: null };
  expect((await upstreams()).odoo).toEqual(unknown);
  const at = new Date('2026-11-22T08:00:00Z');
  const manner = { version: '19.0', protocol: 'json2', latencyMs: 12 };
  const error = { at, method: 'read', code: 'odoo_timeout', message: 'too late' };
  await recordOdooHealth(
    api.db,
    'mirror@http://odoo.invalid/prod',
    { success: { at, method: 'search' }, error },
    manner,
  );
  await recordOdooHealth(
    api.db,
    'another@http://odoo.invalid/prod',
    { success: { at, method: 'read' }, error: null },
    { ...manner, version: '14.0' },
  );
  expect((await upstreams()).odoo).toEqual({
    ...manner,
    lastSuccess: { at: at.toISOString(), method: 'search' },
    lastError: { ...error, at: at.toISOString() },
  });
  await api.db.execute(sql`truncate odoo_health`);
});

test('a Tryton is reported as in ping, with the share of calls that the cache answered', async () => {
  const { tryton: before } = await upstreams();
  expect(before).toMatchObject({ reachable: true, authenticated: true, circuit: null, cacheHitRate: null });
  for (let asked = 0; asked < 4; asked += 1) {
    await api.rpc({ method: 'model.party.party.fields_get', params: [['name']] });
  }
  await api.inject('/api/v1/tryton/ping');
  const { tryton } = await upstreams();
  expect(tryton).toMatchObject({ version: expect.stringMatching(/^7\.0/), cacheHitRate: 0.75 });
  expect(tryton).not.toHaveProperty('cache');
});

test('who looks again and again does not make Tryton work', async () => {
  await upstreams();
  api.arrived();
  for (let asked = 0; asked < 5; asked += 1) await upstreams();
  expect(api.arrived()).toEqual([]);
});

test('an upstream without configuration is null', async () => {
  const without = await startApi({ ODOO_URL: '' });
  try {
    expect((await without.inject('/api/v1/upstreams')).json()).toEqual({ odoo: null, tryton: null });
  } finally {
    await without.close();
  }
});
