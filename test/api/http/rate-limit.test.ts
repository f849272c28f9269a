import type { Redis } from 'ioredis';
import { afterEach, describe, expect, it } from 'vitest';
import { newKeyText } from '../../../src/db/api-keys.ts';
import { openRedis } from '../../../src/queues/redis.ts';
import { createLogger } from '../../../src/shared/logger.ts';
import { redisUrl } from '../../support/redis.ts';
import type { TestApi } from './start-api.ts';
import { bearer, startApi } from './start-api.ts';

let api: TestApi;
let patient: Redis | undefined;
afterEach(async () => {
  await api.close();
  patient?.disconnect();
});

/** With a connection to Redis that waits for its answers: no count is lost on a busy machine. */
async function startCounting(env: Record<string, string> = {}): Promise<TestApi> {
  patient = openRedis(redisUrl(), 'producer', createLogger('silent', 'test'));
  return startApi(env, { cacheRedis: patient });
}

const limits = (headers: Record<string, unknown>) =>
  ['limit', 'remaining', 'reset'].map((name) => headers[`ratelimit-${name}`]);

const get = (headers: Record<string, string>, remoteAddress = '203.0.113.9') =>
  api.app.inject({ url: '/api/v1/sync/runs', headers, remoteAddress });

describe('the limit of a key', () => {
  it('is in every answer; an exceeded limit gives 429 with the time to wait', async () => {
    api = await startCounting({ API_RATE_LIMIT: '3' });
    const reader = await api.headerOf({ scopes: ['bc:read'] });
    const sent = [await get(reader), await get(reader), await get(reader)];
    expect(sent.map(({ statusCode }) => statusCode)).toEqual([200, 200, 200]);
    expect(sent.map(({ headers }) => limits(headers))).toEqual([
      ['3', '2', expect.stringMatching(/^\d+$/)],
      ['3', '1', expect.stringMatching(/^\d+$/)],
      ['3', '0', expect.stringMatching(/^\d+$/)],
    ]);
    const refused = await get(reader);
    expect([refused.statusCode, refused.json().code]).toEqual([429, 'rate_limited']);
    expect(refused.headers['content-type']).toContain('application/problem+json');
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    expect(Number(refused.headers['retry-after'])).toBeLessThanOrEqual(60);
    expect(limits(refused.headers)).toEqual(['3', '0', refused.headers['retry-after']]);
    // Another key of the same address has a limit of its own, and the same key from elsewhere has not.
    expect((await get(await api.headerOf({ scopes: ['bc:read'] }))).statusCode).toBe(200);
    expect((await get(reader, '203.0.113.10')).statusCode).toBe(429);
  });

  it('counts refusals for a missing scope and unknown paths too', async () => {
    api = await startCounting({ API_RATE_LIMIT: '2' });
    const headers = await api.headerOf({ scopes: ['sync:write'] });
    expect((await get(headers)).statusCode).toBe(403);
    expect((await api.app.inject({ url: '/api/v1/nowhere', headers })).headers['ratelimit-remaining']).toBe(
      '0',
    );
    expect((await get(headers)).statusCode).toBe(429);
  });

  it('is kept in Redis under QUEUE_PREFIX, for all processes together', async () => {
    api = await startCounting({ API_RATE_LIMIT: '5' });
    await get(await api.headerOf({ scopes: ['bc:read'] }));
    const keys = await api.redis.keys(`${api.config.queuePrefix}:rate-limit:*`);
    expect(keys.map((key) => key.slice(api.config.queuePrefix.length)).sort()).toEqual([
      ':rate-limit:key:2',
      ':rate-limit:peer:203.0.113.9',
    ]);
    for (const key of keys) expect(await api.redis.pttl(key)).toBeGreaterThan(0);
  });

  it('can be off', async () => {
    api = await startCounting({ API_RATE_LIMIT: 'off' });
    const answer = await get(await api.headerOf({ scopes: ['bc:read'] }));
    expect(answer.statusCode).toBe(200);
    expect(limits(answer.headers)).toEqual([undefined, undefined, undefined]);
  });

  it('refuses no call while Redis is away', async () => {
    const cacheRedis = openRedis('redis://127.0.0.1:1', 'cache', createLogger('silent', 'test'));
    api = await startApi({ API_RATE_LIMIT: '1' }, { cacheRedis });
    const reader = await api.headerOf({ scopes: ['bc:read'] });
    for (let sent = 0; sent < 3; sent += 1) expect((await get(reader)).statusCode).toBe(200);
    expect((await get(bearer(newKeyText().key))).statusCode).toBe(401);
    cacheRedis.disconnect();
  });
});

describe('guessing', () => {
  it('is limited by address, before PostgreSQL is asked; keys that were good go on from there', async () => {
    api = await startCounting();
    const reader = await api.headerOf({ scopes: ['bc:read'] });
    expect((await get(reader)).statusCode).toBe(200);
    const guess = () => get(bearer(newKeyText().key));
    const answers = await Promise.all(Array.from({ length: 299 }, guess));
    expect(new Set(answers.map(({ statusCode }) => statusCode))).toEqual(new Set([401]));
    expect((await get({})).statusCode).toBe(429);
    const refused = await guess();
    expect([refused.statusCode, refused.json().code]).toEqual([429, 'rate_limited']);
    expect(refused.headers).toHaveProperty('retry-after');
    expect((await get(reader)).statusCode).toBe(200);
    // Without its table no guess could be answered 429 but for the limit.
    await api.db.execute('alter table api_key rename to hidden');
    expect((await guess()).statusCode).toBe(429);
    expect((await get(bearer(newKeyText().key), '203.0.113.10')).statusCode).toBe(503);
  });
});
