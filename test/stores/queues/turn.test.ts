import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { RedisLock } from '../../../src/queues/redis-lock.ts';
import { freshPrefix, redisUrl } from '../../support/redis.ts';
import { waitFor } from '../../support/wait-for.ts';

const LONG_MS = 600_000;

let redis: Redis;
beforeAll(() => {
  redis = new Redis(redisUrl());
});
afterAll(() => redis?.disconnect());

/** Work that lasts until `finish` is called. */
function lasting() {
  let finish = () => {};
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  return { work: () => finished, finish };
}

test('one process at a time has the turn, and the next one gets it afterwards', async () => {
  const prefix = freshPrefix();
  const [first, second] = [
    new RedisLock(redis, prefix, 'watchdog'),
    new RedisLock(redis, prefix, 'watchdog'),
  ];
  const { work, finish } = lasting();
  const working = first.run(LONG_MS, work);
  await waitFor(() => redis.exists(`${prefix}:watchdog`), 'the turn of the first');
  let turns = 0;
  const count = async () => {
    turns += 1;
  };
  await second.run(LONG_MS, count);
  expect(turns).toBe(0);
  finish();
  await working;
  await second.run(LONG_MS, count);
  expect([turns, await redis.exists(`${prefix}:watchdog`)]).toEqual([1, 0]);
});

test('a holder that works for long keeps the turn', async () => {
  const prefix = freshPrefix();
  const { work, finish } = lasting();
  const working = new RedisLock(redis, prefix, 'watchdog').run(1000, work);
  const token = await waitFor(() => redis.get(`${prefix}:watchdog`), 'the turn');
  // Without renewals, as of a frozen process, it would end.
  const leftMs = await redis.pttl(`${prefix}:watchdog`);
  expect(leftMs).toBeGreaterThan(0);
  expect(leftMs).toBeLessThanOrEqual(1000);
  await redis.pexpire(`${prefix}:watchdog`, LONG_MS);
  // Its renewal sets the time of the turn again.
  await waitFor(async () => (await redis.pttl(`${prefix}:watchdog`)) <= 1000, 'a renewal');
  expect(await redis.get(`${prefix}:watchdog`)).toBe(token);
  finish();
  await working;
});

test('a holder that lost the turn neither renews nor frees that of another process', async () => {
  const prefix = freshPrefix();
  const { work, finish } = lasting();
  const working = new RedisLock(redis, prefix, 'watchdog').run(1000, work);
  await waitFor(() => redis.get(`${prefix}:watchdog`), 'the turn');
  await redis.set(`${prefix}:watchdog`, 'another process');
  finish();
  await working;
  expect(await redis.get(`${prefix}:watchdog`)).toBe('another process');
});

test('a turn ends with an error of the work', async () => {
  const prefix = freshPrefix();
  const turn = new RedisLock(redis, prefix, 'watchdog');
  await expect(turn.run(LONG_MS, () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
  expect(await redis.exists(`${prefix}:watchdog`)).toBe(0);
});
