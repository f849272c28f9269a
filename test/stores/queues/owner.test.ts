import { afterAll, describe, expect, it } from 'vitest';
import { readConfig } from '../../../src/config/index.ts';
import { readInstallation } from '../../../src/db/installation.ts';
import { claimPrefix, ForeignQueuesError, ownerKey } from '../../../src/queues/owner.ts';
import { openRedis } from '../../../src/queues/redis.ts';
import { createLogger } from '../../../src/shared/logger.ts';
import { freshDatabase } from '../../support/database.ts';
import { freshPrefix, redisUrl } from '../../support/redis.ts';

const redis = openRedis(redisUrl(), 'producer', createLogger('silent', 'test'));
afterAll(() => redis.disconnect());

const serverOf = (env: Record<string, string>) =>
  readConfig({ DATABASE_URL: 'postgres://localhost/x', REDIS_URL: redisUrl(), ...env }).redis;

describe('the owner of a prefix', () => {
  it('is the first of many installations that claim it at once', async () => {
    const place = { redis, prefix: freshPrefix(), server: serverOf({}) };
    const names = Array.from({ length: 20 }, (_, at) => `installation ${at}`);
    const claims = await Promise.allSettled(names.map((name) => claimPrefix(place, name)));
    const owner = await redis.get(ownerKey(place.prefix));
    expect(names.filter((_, at) => claims[at]?.status === 'fulfilled')).toEqual([owner]);
    for (const claim of claims) {
      if (claim.status === 'rejected') expect(claim.reason).toBeInstanceOf(ForeignQueuesError);
    }
    await expect(claimPrefix(place, owner ?? '')).resolves.toBeUndefined();
  });

  it.each([
    [{ REDIS_URL: 'redis://me:secret-42@redis.example:7000/3' }, 'redis://redis.example:7000/3'],
    [{ REDIS_URL: 'rediss://redis.example/?password=secret-42' }, 'rediss://redis.example'],
    [
      { REDIS_URL: 'redis://:secret-42@unused', REDIS_SENTINELS: 'one:1,two:2', REDIS_SENTINEL_NAME: 'main' },
      "the sentinels' server main",
    ],
  ])('is asked for with a message that holds no password: %#', (env, place) => {
    const error = new ForeignQueuesError('passerelle', serverOf(env));
    expect(error.code).toBe('foreign_queues');
    expect(error.message).toBe(
      `Redis prefix passerelle at ${place} belongs to another installation. Set another QUEUE_PREFIX, ` +
        'or delete the key passerelle:owner if that installation no longer exists.',
    );
  });
});

describe('an installation', () => {
  it('is the same for all its processes, also when none has made the row yet', async () => {
    const database = await freshDatabase();
    try {
      const read = await Promise.all(
        Array.from({ length: 8 }, () => readInstallation(database.db, 'bclinbc')),
      );
      expect(new Set(read).size).toBe(1);
    } finally {
      await database.close();
    }
  });

  it('is another one in a restored copy of the database, which has the same mirror id: the copy is refused', async () => {
    const [one, other] = [await freshDatabase(), await freshDatabase()];
    try {
      const original = await readInstallation(one.db, 'bclinbc');
      const [id] = original.split(':');
      await other.client`insert into sync_state (key, mirror_id) values ('bclinbc', ${id ?? ''})`;
      const copy = await readInstallation(other.db, 'bclinbc');
      expect(copy.split(':')[0]).toBe(id);
      expect(copy).not.toBe(original);
      const place = { redis, prefix: freshPrefix(), server: serverOf({}) };
      await claimPrefix(place, original);
      await expect(claimPrefix(place, copy)).rejects.toThrow(ForeignQueuesError);
    } finally {
      await one.close();
      await other.close();
    }
  });
});
