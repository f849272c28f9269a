import type { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { RateLimitStore } from '../../../src/api/plugins/rate-limit.ts';
import { openRedis } from '../../../src/queues/redis.ts';
import { createLogger } from '../../../src/shared/logger.ts';
import { freshPrefix, redisUrl } from '../../support/redis.ts';
import { waitFor } from '../../support/wait-for.ts';

let redis: Redis;
let space: string;
beforeEach(() => {
  redis = openRedis(redisUrl(), 'producer', createLogger('silent', 'test'));
  space = `${freshPrefix()}:`;
});
afterEach(() => redis.disconnect());

/** One process. */
function openStore(windowMs = 60_000) {
  const store = new RateLimitStore(redis, space, windowMs);
  return (key = 'key:1', max = 1000) => store.count(key, max);
}

describe('a limit counted in portions', () => {
  it('counts each request of a process, and asks Redis for one in ten of a thousand', async () => {
    const count = openStore();
    const asked = vi.spyOn(redis, 'eval');
    for (let sent = 1; sent <= 100; sent += 1) expect((await count()).remaining).toBe(1000 - sent);
    expect(asked.mock.calls.length).toBeLessThanOrEqual(12);
    expect(await redis.pttl(`${space}key:1`)).toBeGreaterThan(0);
  });

  it('never exceeds the limit, and with a few processes nearly reaches it', async () => {
    const processes = [openStore(), openStore(), openStore()];
    let through = 0;
    for (let sent = 0; sent < 1200; sent += 1) {
      const [count] = processes.splice(0, 1);
      if (count === undefined) continue;
      if (!(await count()).exceeded) through += 1;
      processes.push(count);
    }
    expect(through).toBeLessThanOrEqual(1000);
    expect(through).toBeGreaterThan(980);
  });

  it('is exact for small limits, with several processes too', async () => {
    const [one, other] = [openStore(), openStore()];
    const counts: number[] = [];
    for (let sent = 0; sent < 4; sent += 1)
      counts.push((await one('key:1', 7)).remaining, (await other('key:1', 7)).remaining);
    expect(counts).toEqual([6, 5, 4, 3, 2, 1, 0, 0]);
    expect((await other('key:1', 7)).exceeded).toBe(true);
  });

  it('is exact for requests that come at once', async () => {
    const count = openStore();
    const counts = await Promise.all(Array.from({ length: 350 }, () => count('key:1', 300)));
    expect(counts.filter(({ exceeded }) => !exceeded)).toHaveLength(300);
  });

  it('asks nothing more once it is reached', async () => {
    const count = openStore();
    for (let sent = 0; sent < 3; sent += 1) await count('key:1', 2);
    const asked = vi.spyOn(redis, 'eval');
    const { exceeded, ms } = await count('key:1', 2);
    expect(exceeded).toBe(true);
    expect(ms).toBeGreaterThan(0);
    expect(ms).toBeLessThanOrEqual(60_000);
    expect(asked).not.toHaveBeenCalled();
  });

  it('restarts when its window ends', async () => {
    const count = openStore(100);
    await waitFor(async () => (await count('key:1', 2)).exceeded, 'the limit to be reached');
    await waitFor(async () => (await count('key:1', 2)).remaining === 1, 'the next window');
  });

  it('has a count for each key', async () => {
    const count = openStore();
    await count('key:1');
    expect((await count('key:2')).remaining).toBe(999);
  });

  it('says what went wrong with Redis, each time', async () => {
    const count = openStore();
    redis.disconnect();
    await expect(count()).rejects.toThrow('Connection is closed');
    await expect(count()).rejects.toThrow('Connection is closed');
  });
});
