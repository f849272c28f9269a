import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshPrefix } from '../../support/redis.ts';
import type { OwnRedis, RedisServers } from '../../support/redis-servers.ts';
import { hasRedisBinary, openRedisServers } from '../../support/redis-servers.ts';
import { closeCaches, openCache, READ, read, server, write } from './caches.ts';

const MEGABYTE = 1024 * 1024;
const urlOf = ({ port }: OwnRedis) => `redis://127.0.0.1:${port}`;

describe.skipIf(!hasRedisBinary)('a Redis that may hold 32 MB and evict nothing', () => {
  let servers: RedisServers;
  let own: OwnRedis;
  let redis: Redis;
  beforeAll(async () => {
    servers = await openRedisServers();
    own = await servers.start(['maxmemory 32mb', 'maxmemory-policy noeviction']);
    redis = new Redis(urlOf(own));
  });
  afterAll(async () => {
    closeCaches();
    redis.disconnect();
    await servers.stop();
  });

  it('keeps answers in half of that, logs it once, and has room for the queues', async () => {
    const opened = openCache({ url: urlOf(own) });
    const source = server('x'.repeat(MEGABYTE / 2));
    const ask = (call: number) =>
      opened.cache.read('model.a.b.read', [[call]], { ttl: 3600 }, source.fetch).then(({ kept }) => kept);
    for (let call = 0; call < 60; call++) await ask(call);
    const [, used = 0] = /used_memory:(\d+)/.exec(await redis.info('memory')) ?? [];
    expect(Number(used)).toBeGreaterThan(14 * MEGABYTE);
    expect(Number(used)).toBeLessThan(18 * MEGABYTE);
    expect(opened.log).toMatchObject([
      { level: 'warn', details: { reason: expect.stringContaining('kept in half of maxmemory') } },
    ]);
    const asked = source.state.asked;
    await ask(0);
    expect(source.state.asked).toBe(asked);
    expect(await redis.set('a job', 'x'.repeat(4 * MEGABYTE))).toBe('OK');
  });

  it('logs one outage while answers come and go at the limit, and its end a minute after the last refusal', async () => {
    await redis.flushall();
    const opened = openCache({ url: urlOf(own) });
    const source = server('x'.repeat(MEGABYTE / 2));
    let call = 0;
    const ask = () =>
      opened.cache.read('model.a.b.read', [[call++]], { ttl: 3600 }, source.fetch).then(({ kept }) => kept);
    const fill = async () => {
      for (let more = 0; more < 40; more++) await ask();
    };
    const makeRoom = async () => {
      const entries = await redis.keys(`${opened.prefix}:*:sealed:*`);
      await redis.unlink(entries.slice(0, 8));
    };
    const levels = () => opened.log.map(({ level }) => level);
    await fill();
    for (let round = 0; round < 3; round++) {
      await makeRoom();
      await fill();
    }
    expect(levels()).toEqual(['warn']);
    opened.pass(61);
    await makeRoom();
    await ask();
    expect(levels()).toEqual(['warn', 'info']);
  });

  it('lets no process go on with what another one has written to while it is full', async () => {
    const prefix = freshPrefix();
    const [a, b] = [openCache({ prefix, url: urlOf(own) }), openCache({ prefix, url: urlOf(own) })];
    await redis.flushall();
    const parties = server('before');
    await read(b.cache, parties);
    await redis.config('SET', 'maxmemory', '1mb');
    await write(a.cache, parties, 'after');
    expect(await read(b.cache, parties)).toBe('after');
    await redis.config('SET', 'maxmemory', '32mb');
    expect(await read(b.cache, parties)).toBe('after');
    expect(await read(b.cache, parties)).toBe('after');
    expect(b.cache.counters()[READ]?.hit).toBe(1);
  });
});
