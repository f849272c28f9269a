import { expect, onTestFinished, test } from 'vitest';
import { redisUrl } from '../../support/redis.ts';
import { startRedisProxy } from '../../tryton/cache/redis-proxy.ts';
import { startTrytonApi } from './tryton-api.ts';

const CALL = { method: 'model.party.party.search_read', params: [[], 0, 3, null, ['name']], cache: 600 };

test('a kept answer costs one round trip to Redis, the rate limit included', async () => {
  const proxy = await startRedisProxy(redisUrl());
  const api = await startTrytonApi({ REDIS_URL: proxy.url, API_RATE_LIMIT: '30000' }, { sales: 10 });
  onTestFinished(async () => {
    await api.close();
    await proxy.stop();
  });
  const fetched = await api.rpc(CALL);
  const before = proxy.trips();
  for (let sent = 1; sent <= 20; sent += 1) {
    const kept = await api.rpc(CALL);
    expect([kept.status, kept.text]).toEqual([200, fetched.text]);
    expect(kept.headers['ratelimit-remaining']).toBe(String(30_000 - 1 - sent));
  }
  expect(proxy.trips() - before).toBe(20);
  expect(api.arrived()).toEqual([CALL.method]);
});
