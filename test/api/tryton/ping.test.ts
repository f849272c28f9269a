import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { openDatabase } from '../../../src/db/client.ts';
import { findTrytonHealth } from '../../../src/db/upstream-health.ts';
import { TrytonHealthRecorder } from '../../../src/upstream-health/tryton.ts';
import { waitFor } from '../../support/wait-for.ts';
import type { TrytonApi } from './tryton-api.ts';
import { HASTY, startTrytonApi } from './tryton-api.ts';

let api: TrytonApi;
beforeAll(async () => {
  api = await startTrytonApi();
  api.sandbox.create('party.party', { name: 'Dunder' });
});
afterAll(() => api.close());

const ping = async () => (await api.inject('/api/v1/tryton/ping')).json();

test('a healthy Tryton is reported in full', async () => {
  await api.rpc({ method: 'model.party.party.fields_get', params: [['name']] });
  await api.rpc({ method: 'model.party.party.fields_get', params: [['name']] });
  const found = await ping();
  expect(found).toMatchObject({
    reachable: true,
    authenticated: true,
    version: expect.stringMatching(/^7\.0/),
    latencyMs: expect.any(Number),
    sessionAgeMs: expect.any(Number),
    circuit: null,
    error: null,
    lastError: null,
    lastSuccess: { at: expect.stringMatching(/Z$/), method: expect.stringContaining('.') },
    cache: { 'model.party.party.fields_get': { hit: 1, miss: 1, stale: 0, bypass: 0, error: 0 } },
  });
});

test('many pings at once are one look', async () => {
  api.arrived();
  const found = await Promise.all(Array.from({ length: 50 }, ping));
  expect(found.every(({ authenticated }) => authenticated)).toBe(true);
  expect(api.arrived()).toHaveLength(2);
});

test('a Tryton that is down is an answer too, and is remembered', async () => {
  await api.sandbox.stop();
  const answer = await api.inject('/api/v1/tryton/ping');
  expect(answer.statusCode).toBe(200);
  expect(answer.json()).toMatchObject({
    reachable: false,
    authenticated: false,
    version: null,
    error: { code: 'tryton_unreachable' },
    lastError: { code: 'tryton_unreachable', message: expect.stringContaining('ECONNREFUSED') },
  });
  await api.sandbox.start();
  const after = await ping();
  expect(after).toMatchObject({ reachable: true, error: null, lastError: { code: 'tryton_unreachable' } });
  expect(Date.parse(after.lastSuccess.at)).toBeGreaterThan(Date.parse(after.lastError.at));
  const target = `${api.tryton?.user}@${api.tryton?.server}`;
  await waitFor(
    async () => (await findTrytonHealth(api.db, target)).error !== null,
    'the error in PostgreSQL',
  );
  const restarted = new TrytonHealthRecorder(api.db, target, api.log);
  expect((await restarted.read()).error?.code).toBe('tryton_unreachable');
});

test('a Tryton that hangs is reported within its time limit', async () => {
  const hasty = await startTrytonApi(HASTY);
  onTestFinished(() => hasty.close());
  hasty.sandbox.faults.when(/./, 'hang');
  const found = (await hasty.inject('/api/v1/tryton/ping')).json();
  expect(found).toMatchObject({ reachable: false, error: { code: 'tryton_timeout' } });
});

test('without PostgreSQL it reports the present state of Tryton, and no history', async () => {
  const { db, close } = openDatabase('postgres://user@127.0.0.1:1/none');
  const other = await startTrytonApi({}, {}, { trytonHealth: new TrytonHealthRecorder(db, 'x', api.log) });
  try {
    const found = (await other.inject('/api/v1/tryton/ping')).json();
    expect(found).toMatchObject({ reachable: true, lastSuccess: null, lastError: null });
  } finally {
    await other.close();
    await close();
  }
});

test('without the table it does so too', async () => {
  await api.db.execute(sql`alter table tryton_health rename to hidden`);
  expect(await ping()).toMatchObject({ reachable: true, lastSuccess: null });
  await api.db.execute(sql`alter table hidden rename to tryton_health`);
});
