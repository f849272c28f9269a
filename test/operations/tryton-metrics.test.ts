import { afterAll, beforeAll, expect, it } from 'vitest';
import type { TrytonApi } from '../api/tryton/tryton-api.ts';
import { startTrytonApi } from '../api/tryton/tryton-api.ts';
import { waitFor } from '../support/wait-for.ts';
import { figure, samplesOf } from './samples.ts';

let api: TrytonApi;
beforeAll(async () => {
  api = await startTrytonApi();
});
afterAll(() => api.close());

const scrape = async () => (await api.app.inject('/metrics')).payload;
const READ = { method: 'model.party.party.search_read', params: [[], 0, 1, null, ['name'], {}] };

it('the gateway counts what its cache was asked for, its calls and its sign-ins', async () => {
  let asked = 0;
  const cache = 'passerelle_tryton_cache_requests_total';
  // A Redis that is slow for a moment is an outcome, too.
  const text = await waitFor(async () => {
    expect((await api.rpc({ ...READ, cache: 60 })).status).toBe(200);
    asked += 1;
    const found = await scrape();
    return (figure(found, cache, { outcome: 'hit' }) ?? 0) > 0 && found;
  }, 'an answer from the cache');
  expect(figure(text, cache, { outcome: 'miss' })).toBeGreaterThan(0);
  const outcomes = samplesOf(text).filter(({ name }) => name === cache);
  expect(outcomes.reduce((sum, { value }) => sum + value, 0)).toBe(asked);
  expect(figure(text, 'passerelle_tryton_logins_total', { outcome: 'success' })).toBe(1);
  expect(figure(text, 'passerelle_tryton_circuit_open')).toBe(0);
  const calls = 'passerelle_rpc_duration_seconds_count';
  const server = 'tryton';
  expect(figure(text, calls, { server, method: 'model.*.search_read', outcome: 'success' })).toBeGreaterThan(
    0,
  );
  expect(figure(text, calls, { server, method: 'common.db.login', outcome: 'success' })).toBe(1);
});

it('names that callers make up are no labels', async () => {
  for (let i = 0; i < 5; i++) await api.rpc({ method: `model.made.up.method${i}`, params: [{}] });
  const text = await scrape();
  expect(text).not.toContain('method3');
  expect(text).toContain('method="model.*.other"');
});

it('a refused login opens the circuit, for everybody to see', async () => {
  const refused = await startTrytonApi({ TRYTON_PASSWORD: 'not the password' });
  await refused.rpc(READ);
  const text = (await refused.app.inject('/metrics')).payload;
  expect(figure(text, 'passerelle_tryton_circuit_open')).toBe(1);
  expect(figure(text, 'passerelle_tryton_logins_total', { outcome: 'failure' })).toBe(1);
  expect(text).not.toContain('not the password');
  await refused.close();
});
