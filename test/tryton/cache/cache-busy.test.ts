import { afterEach, describe, expect, it } from 'vitest';
import type { CacheLookup, CacheStore } from '../../../src/tryton/types.ts';
import { waitFor } from '../../support/wait-for.ts';
import { closeCaches, openCache, PARAMS, READ, read, server } from './caches.ts';

afterEach(closeCaches);

/** A cache whose next look-up fails when `fail` is called, as one that ran out of time does. */
function setup() {
  let fail = () => {};
  const failure = new Promise<CacheLookup>((_, reject) => {
    fail = () => reject(new Error('Command timed out'));
  });
  let failing = false;
  const store = (real: CacheStore): CacheStore => ({
    read: (key, tags) => {
      if (!failing) return real.read(key, tags);
      failing = false;
      return failure;
    },
    write: (key, entry, ttlMs) => real.write(key, entry, ttlMs),
    foresee: (tags, ms) => real.foresee(tags, ms),
    bump: (tags, holdMs) => real.bump(tags, holdMs),
  });
  const opened = openCache({ store });
  const source = server('x');
  /** Begins a read that is without an answer until `fail`. */
  const late = async () => {
    failing = true;
    return (await opened.cache.read(READ, PARAMS, { ttl: 60 }, source.fetch)).wire();
  };
  return { ...opened, source, late, fail };
}

describe('a look-up that found no time', () => {
  it('while others were answered is a miss of its own, and the cache goes on', async () => {
    const { cache, redis, source, late, fail, log } = setup();
    await waitFor(() => redis.status === 'ready', 'the connection to Redis');
    await read(cache, source);
    const missed = late();
    expect(await read(cache, source)).toBe('x');
    fail();
    expect(await missed).toBe('x');
    expect(await read(cache, source)).toBe('x');
    expect(cache.counters()[READ]).toMatchObject({ hit: 2, miss: 1, error: 1 });
    expect(log).toEqual([]);
  });

  it('without any answer spares the store for a moment, and is logged', async () => {
    const { cache, redis, source, late, fail, log } = setup();
    await waitFor(() => redis.status === 'ready', 'the connection to Redis');
    await read(cache, source);
    const missed = late();
    fail();
    expect(await missed).toBe('x');
    expect(await read(cache, source)).toBe('x');
    expect(cache.counters()[READ]).toMatchObject({ hit: 0, miss: 1, error: 2 });
    expect(log).toMatchObject([{ level: 'warn', details: { reason: 'Command timed out' } }]);
  });
});

describe('a store that never answers', () => {
  it('does not delay the answer to a write that was carried out', async () => {
    const never = () => new Promise<never>(() => {});
    const { cache, log } = openCache({
      store: () => ({ read: never, write: never, foresee: never, bump: never }),
    });
    const written = await cache.writing('model.party.party.create', [[{}]]);
    await written();
    expect(log).toMatchObject([{ level: 'warn', details: { reason: 'no answer within 2000 ms' } }]);
  });
});
