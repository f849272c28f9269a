import { afterEach, describe, expect, it } from 'vitest';
import { TrytonRequestError } from '../../../src/tryton/errors.ts';
import type { Wire } from '../../../src/tryton/types.ts';
import { toJson } from '../../../src/tryton/wire/json.ts';
import { waitFor } from '../../support/wait-for.ts';
import { closeCaches, openCache, PARAMS, READ, read, server } from './caches.ts';

afterEach(closeCaches);

describe('what is kept', () => {
  it('answers a second read without asking the server, also in another process', async () => {
    const { cache, prefix } = openCache();
    const other = openCache({ prefix });
    const parties = server([{ id: 1, name: 'Dupont' }]);
    expect(await read(cache, parties)).toEqual([{ id: 1, name: 'Dupont' }]);
    expect(await read(cache, parties)).toEqual([{ id: 1, name: 'Dupont' }]);
    expect(await read(other.cache, parties)).toEqual([{ id: 1, name: 'Dupont' }]);
    expect(parties.state.asked).toBe(1);
    expect(cache.counters()[READ]).toEqual({ hit: 1, miss: 1, stale: 0, bypass: 0, error: 0 });
    expect(other.cache.counters()[READ]).toMatchObject({ hit: 1, miss: 0 });
  });

  it.each<[string, Wire]>([
    ['null', null],
    ['a whole number beyond 2^53', [9007199254740993n]],
    ['NaN and infinities', [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]],
    ['tagged values', { __class__: 'Decimal', decimal: '1.50' }],
    ['line breaks and other letters', 'Rue\nde l’Église\u2028☃'],
  ])('keeps %s as it came', async (_case, value) => {
    const { cache } = openCache();
    const source = server(value);
    await read(cache, source);
    expect(await read(cache, source)).toEqual(value);
    expect(source.state.asked).toBe(1);
  });

  it.each<[string, Wire]>([
    ['plain values', [{ id: 1, name: 'l’Église', amount: 1.5 }]],
    ['whole numbers beyond 2^53 and the negative zero', [9007199254740993n, 1e20, -0]],
    ['NaN and infinities', [Number.NaN, Number.POSITIVE_INFINITY]],
  ])('gives the same JSON when it was kept: %s', async (_case, value) => {
    const { cache } = openCache();
    const source = server(value);
    const json = async () => (await cache.read(READ, PARAMS, { ttl: 60 }, source.fetch)).json();
    const fetched = await json();
    expect(fetched).toBe(toJson(value));
    expect(await json()).toBe(fetched);
    expect(source.state.asked).toBe(1);
  });

  it('keeps no error', async () => {
    const { cache } = openCache();
    const fails = { fetch: () => Promise.reject(new Error('refused')) };
    await expect(read(cache, fails)).rejects.toThrow('refused');
    expect(await read(cache, server('back'))).toBe('back');
  });

  it('keeps and joins nothing of a method that is no read', async () => {
    const { cache } = openCache();
    const source = server('done');
    const press = () => cache.read('model.sale.sale.quote', [[1]], { ttl: 60 }, source.fetch);
    await Promise.all([press(), press()]);
    expect(source.state.asked).toBe(2);
    expect(cache.counters()['model.sale.sale.quote']).toMatchObject({ bypass: 2, hit: 0, miss: 0 });
  });

  it('does not return an entry that it cannot decode', async () => {
    const { cache, redis, prefix } = openCache();
    await read(cache, server('old'));
    const [key = ''] = await redis.keys(`${prefix}:tryton:cache:sealed:*`);
    const sealed = (await redis.getBuffer(key)) ?? Buffer.of();
    const changed = Buffer.from(sealed.map((byte, at) => (at === sealed.length - 1 ? byte ^ 1 : byte)));
    for (const [place, broken] of [Buffer.of(), Buffer.from('x'), sealed.subarray(1), changed].entries()) {
      await redis.set(key, broken, 'PX', 60_000);
      expect(await read(cache, server(place))).toBe(place);
    }
  });

  it('does not return the answer of another call in its place', async () => {
    const { cache, redis, prefix } = openCache();
    await read(cache, server('one'));
    const [first = ''] = await redis.keys(`${prefix}:tryton:cache:sealed:*`);
    const other = async (source: ReturnType<typeof server>) => {
      const result = await cache.read(READ, [[2]], { ttl: 60 }, source.fetch);
      await result.kept;
      return result.wire();
    };
    await other(server('two'));
    const [second = ''] = (await redis.keys(`${prefix}:tryton:cache:sealed:*`)).filter(
      (key) => key !== first,
    );
    await redis.copy(first, second, 'REPLACE');
    expect(await other(server('two again'))).toBe('two again');
  });

  it('is another one with another password, also for the same user', async () => {
    const { cache, prefix } = openCache();
    await read(cache, server('before'));
    const changed = openCache({ prefix, password: 'changed' });
    expect(await read(changed.cache, server('after'))).toBe('after');
    expect(changed.log).toEqual([]);
  });

  it('ignores the entries of a process that does not encrypt them, and leaves them to it', async () => {
    const { cache, redis, prefix, log } = openCache();
    await read(cache, server('sealed'));
    const [sealed = ''] = await redis.keys(`${prefix}:tryton:cache:sealed:*`);
    const plain = sealed.replace(':sealed:', ':entry:');
    const head = JSON.stringify({ versions: 'x', storedAt: Date.now(), cacheSeconds: null, strict: 7 });
    await redis.set(plain, `${head}\n"plain"`, 'PX', 60_000);
    expect(await read(cache, server('new'))).toBe('sealed');
    expect(await redis.get(plain)).toContain('"plain"');
    await redis.copy(plain, sealed, 'REPLACE');
    expect(await read(cache, server('new'))).toBe('new');
    expect(log).toEqual([]);
  });

  it('reveals nothing to a reader of Redis, and every key expires', async () => {
    const { cache, redis, prefix } = openCache();
    await read(cache, server('Dupont'));
    await (await cache.writing('model.party.party.write', []))();
    await read(cache, server('Dupont'));
    const keys = await redis.keys(`${prefix}*`);
    expect(keys.length).toBeGreaterThanOrEqual(3);
    for (const key of keys) {
      expect(key).toMatch(/:tryton:cache:(sealed|version|hold):[\w-]{43}$/);
      const value = (await redis.getBuffer(key))?.toString('latin1');
      for (const text of ['Dupont', 'storedAt', 'secret']) expect(value).not.toContain(text);
      expect(await redis.pttl(key)).toBeGreaterThan(0);
    }
  });

  it('keeps nothing where there is no store', async () => {
    const { createCache } = await import('../../../src/tryton/cache/cache.ts');
    const log = { debug: () => {}, info: () => {}, warn: () => {} };
    const scope = { server: 'http://tryton.example/tryton/', user: 'admin' };
    const cache = createCache({
      store: null,
      ...scope,
      maxEntryBytes: 1000,
      deadlineMs: 30_000,
      clock: Date.now,
      log,
    });
    const source = server('x');
    await read(cache, source);
    await (await cache.writing('model.party.party.write', []))();
    await read(cache, source);
    expect(source.state.asked).toBe(2);
    expect(cache.counters()[READ]).toMatchObject({ bypass: 2, miss: 0 });
  });
});

describe('how long', () => {
  it.each([
    ['the server’s word, where there is no other', 100, undefined, 100],
    ['what the caller wants, where the server says nothing', null, 100, 100],
    ['what the caller wants, where it is shorter', 100, 10, 10],
    ['the server’s word, where it is shorter', 10, 100, 10],
    ['a day at most', null, 1_000_000, 86_400],
    ['a day at most, whatever the server says', 1_000_000, undefined, 86_400],
    ['a day at most, whatever both say', 1_000_000, 1_000_000, 86_400],
  ])('is %s', async (_case, cacheSeconds, ttl, expected) => {
    const { cache, pass, redis, prefix } = openCache();
    const source = server('x', cacheSeconds);
    await read(cache, source, { ttl });
    const [key = ''] = await redis.keys(`${prefix}:tryton:cache:sealed:*`);
    const left = await redis.pttl(key);
    expect(left).toBeLessThanOrEqual(expected * 1000);
    expect(left).toBeGreaterThan(expected * 1000 - 5000);
    pass(expected - 5);
    await read(cache, source, { ttl });
    expect(source.state.asked).toBe(1);
    pass(6);
    await read(cache, source, { ttl });
    expect(source.state.asked).toBe(2);
  });

  it.each([
    ['neither server nor caller permits it', null, undefined],
    ['the server says 0 seconds', 0, undefined],
    ['the server says 0 seconds and the caller more', 0, 60],
  ])('is not at all where %s', async (_case, cacheSeconds, ttl) => {
    const { cache, redis, prefix } = openCache();
    const source = server('x', cacheSeconds);
    await read(cache, source, { ttl });
    await read(cache, source, { ttl });
    expect(source.state.asked).toBe(2);
    expect(await redis.keys(`${prefix}:tryton:cache:sealed:*`)).toEqual([]);
    expect(cache.counters()[READ]).toMatchObject({ bypass: 2, miss: 0 });
  });

  it('follows each caller: an entry kept by others for long is too old for a caller with a short ttl', async () => {
    const { cache, pass } = openCache();
    const source = server('x');
    await read(cache, source, { ttl: 1000 });
    pass(20);
    await read(cache, source, { ttl: 1000 });
    expect(source.state.asked).toBe(1);
    await read(cache, source, { ttl: 10 });
    expect(source.state.asked).toBe(2);
    await read(cache, source, {});
    expect(source.state.asked).toBe(3);
  });

  it('is decided by Redis in the end, whatever the clocks of processes say', async () => {
    const { cache, pass } = openCache();
    const source = server('x');
    await read(cache, source, { ttl: 1 });
    pass(-3600);
    await waitFor(async () => {
      await read(cache, source, { ttl: 1 });
      return source.state.asked === 2;
    }, 'the end of the entry in Redis');
  });

  it.each([
    { ttl: 0 },
    { ttl: -1 },
    { ttl: 1.5 },
    { ttl: Number.NaN },
    { ttl: Number.POSITIVE_INFINITY },
    { ttl: 5, stale: -1 },
    { ttl: 5, stale: 0.5 },
  ])('is refused when it is no whole number of seconds: %j', async (options) => {
    const { cache } = openCache();
    const source = server('x');
    await expect(read(cache, source, options)).rejects.toThrow(TrytonRequestError);
    expect(source.state.asked).toBe(0);
  });
});

describe('how large', () => {
  it('an entry above the limit is not kept', async () => {
    const { cache } = openCache({ maxEntryBytes: 1000 });
    const source = server('é'.repeat(500));
    await read(cache, source);
    await read(cache, source);
    expect(source.state.asked).toBe(2);
    expect(cache.counters()[READ]).toMatchObject({ bypass: 2, miss: 0 });
    const small = server('é'.repeat(200));
    await cache.read(READ, [...PARAMS, 1], { ttl: 60 }, small.fetch);
    await cache.read(READ, [...PARAMS, 1], { ttl: 60 }, small.fetch);
    expect(small.state.asked).toBe(1);
  });
});
