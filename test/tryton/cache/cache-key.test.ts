import { afterEach, describe, expect, it } from 'vitest';
import { cacheKey } from '../../../src/tryton/cache/entry.ts';
import type { Wire } from '../../../src/tryton/types.ts';
import { parseWire } from '../../../src/tryton/wire/json.ts';
import { freshPrefix } from '../../support/redis.ts';
import { closeCaches, openCache, read, server } from './caches.ts';

afterEach(closeCaches);

const scope = { server: 'http://tryton.example/tryton/', user: 'admin' };
const method = 'model.party.party.search';
const key = (params: readonly Wire[], changed: object = {}) =>
  cacheKey({ ...scope, ...changed }, method, params);

describe('the key of a cached answer', () => {
  it('does not depend on the order of names in objects, at any depth', () => {
    expect(key([[['a', '=', { x: 1, y: { p: 1, q: 2 } }]], { language: 'fr', company: 1 }])).toBe(
      key([[['a', '=', { y: { q: 2, p: 1 }, x: 1 }]], { company: 1, language: 'fr' }]),
    );
  });

  it.each<[string, readonly Wire[], readonly Wire[]]>([
    ['the order of a list', [[1, 2]], [[2, 1]]],
    ['the context', [[1], { language: 'fr' }], [[1], { language: 'en' }]],
    ['a missing context', [[1], {}], [[1]]],
    ['a number and its text', [1], ['1']],
    ['null and false', [null], [false]],
    ['numbers beyond 2^53', [9007199254740993n], [9007199254740992n]],
    ['NaN and null', [Number.NaN], [null]],
    ['nesting', [[[1], 2]], [[1, [2]]]],
    ['an empty list and an empty object', [[]], [{}]],
    ['a member called __proto__', [parseWire('{"__proto__":1}')], [parseWire('{"__proto__":2}')]],
    ['texts that look like a boundary', ['a","b'], ['a', 'b']],
  ])('tells apart: %s', (_case, one, other) => {
    expect(key(one)).not.toBe(key(other));
    expect(key(one)).toBe(key(one));
  });

  it('distinguishes servers, databases, users and methods', () => {
    const keys = [
      key([]),
      key([], { server: 'http://other.example/tryton/' }),
      key([], { server: 'http://tryton.example/test/' }),
      key([], { user: 'sale' }),
      cacheKey(scope, 'model.party.party.read', []),
    ];
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('holds nothing that can be read', () => {
    expect(key(['Dupont'], { user: 'Dupont' })).toMatch(/^[\w-]{43}$/);
  });
});

describe('answers of a shared cache', () => {
  it.each([
    ['two users', { user: 'admin' }, { user: 'sale' }],
    ['two servers', { server: 'http://a.example/tryton/' }, { server: 'http://b.example/tryton/' }],
    ['two databases', { server: 'http://a.example/one/' }, { server: 'http://a.example/two/' }],
  ])('never mix for %s', async (_case, one, other) => {
    const prefix = freshPrefix();
    const [a, b] = [openCache({ prefix, ...one }), openCache({ prefix, ...other })];
    const [ofA, ofB] = [server('for a'), server('for b')];
    for (const round of [1, 2]) {
      expect(await read(a.cache, ofA)).toBe('for a');
      expect(await read(b.cache, ofB), `round ${round}`).toBe('for b');
    }
    expect([ofA.state.asked, ofB.state.asked]).toEqual([1, 1]);
  });

  it('never mix for two contexts, asked in turn and at once', async () => {
    const { cache } = openCache();
    const languages = ['fr', 'en', 'de', 'fr', 'en', 'de'];
    const ask = async (language: string) =>
      (await cache.read(method, [[1], { language }], { ttl: 60 }, server(language).fetch)).wire();
    expect(await Promise.all(languages.map(ask))).toEqual(languages);
    for (const language of languages) expect(await ask(language)).toBe(language);
    // The second of simultaneous calls in a language shares the first one's fetch, or finds its result.
    const { hit = 0, miss = 0 } = cache.counters()[method] ?? {};
    expect(hit).toBeGreaterThanOrEqual(6);
    expect(hit + miss).toBe(12);
  });
});
