import { setImmediate } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { TrytonUserError } from '../../../src/tryton/errors.ts';
import type { Wire } from '../../../src/tryton/types.ts';
import { waitFor } from '../../support/wait-for.ts';
import { closeCaches, openCache, PARAMS, READ, read, server, slowServer } from './caches.ts';

afterEach(closeCaches);

const CALLERS = 64;
const error = new TrytonUserError({ server: 'http://tryton.example/tryton/', method: READ }, 'no', '');

/** 64 callers, all of whom have looked into the cache when this resolves. */
async function together({ cache, redis }: ReturnType<typeof openCache>, slow: ReturnType<typeof slowServer>) {
  // Once there are versions, looking is a single round trip, and Redis answers in order.
  await read(cache, server('not kept'), {});
  const outcomes = Promise.allSettled(Array.from({ length: CALLERS }, () => read(cache, slow)));
  await slow.asked;
  await redis.ping();
  await setImmediate();
  return { outcomes };
}

describe('callers that ask for the same thing at once', () => {
  it('share one fetch', async () => {
    const opened = openCache();
    const slow = slowServer();
    const all = await together(opened, slow);
    slow.answer('shared');
    for (const outcome of await all.outcomes)
      expect(outcome).toEqual({ status: 'fulfilled', value: 'shared' });
    expect(slow.calls()).toBe(1);
    expect(opened.cache.counters()[READ]).toEqual({ hit: 0, miss: CALLERS, stale: 0, bypass: 1, error: 0 });
  });

  it('share its error, and the next one asks again', async () => {
    const opened = openCache();
    const slow = slowServer();
    const all = await together(opened, slow);
    slow.fail(error);
    for (const outcome of await all.outcomes) expect(outcome).toEqual({ status: 'rejected', reason: error });
    expect(slow.calls()).toBe(1);
    expect(await read(opened.cache, server('again'))).toBe('again');
  });

  it('are no cause for warnings when they come before there is a connection', async () => {
    const warnings: Error[] = [];
    const note = (warning: Error) => warnings.push(warning);
    process.on('warning', note);
    const { cache } = openCache({ early: true });
    const source = server('x');
    await Promise.all(Array.from({ length: CALLERS }, () => read(cache, source)));
    process.off('warning', note);
    expect(warnings).toEqual([]);
    expect(cache.counters()[READ]).toMatchObject({ error: 0 });
  });

  it('look in Redis together, and all the same each gets their own', async () => {
    const { cache, redis } = openCache();
    const answers = ['one', 'two', 'three'];
    const ask = async (answer: string) => {
      const result = await cache.read(READ, [answer], { ttl: 60 }, server(answer).fetch);
      await result.kept;
      return result.wire();
    };
    await Promise.all(answers.map(ask));
    const looked = vi.spyOn(redis, 'mgetBuffer');
    expect(await Promise.all(answers.map(ask))).toEqual(answers);
    expect(looked).toHaveBeenCalledTimes(1);
    expect(cache.counters()[READ]).toMatchObject({ hit: 3, miss: 3 });
  });

  it('share nothing with those who ask for something else', async () => {
    const { cache } = openCache();
    const [one, two] = [slowServer(), slowServer()];
    const ask = async (params: readonly Wire[], { fetch }: typeof one) =>
      (await cache.read(READ, params, { ttl: 60 }, fetch)).wire();
    const first = ask(PARAMS, one);
    const second = ask([...PARAMS, 1], two);
    await Promise.all([one.asked, two.asked]);
    one.answer('one');
    two.answer('two');
    expect(await Promise.all([first, second])).toEqual(['one', 'two']);
  });
});

describe('a stale answer', () => {
  const options = { ttl: 60, stale: 600 };

  it('is given at once, while one fetch renews it', async () => {
    const { cache, pass } = openCache();
    await read(cache, server('old'), options);
    pass(61);
    const slow = slowServer();
    const answers = await Promise.all(Array.from({ length: CALLERS }, () => read(cache, slow, options)));
    expect(answers).toEqual(Array.from({ length: CALLERS }, () => 'old'));
    expect(await read(cache, slow, options)).toBe('old');
    slow.answer('new');
    await waitFor(async () => (await read(cache, slow, options)) === 'new', 'the renewed answer');
    expect(slow.calls()).toBe(1);
    expect(cache.counters()[READ]).toMatchObject({ miss: 1, hit: 1 });
    expect(cache.counters()[READ]?.stale).toBeGreaterThan(CALLERS);
  });

  it('is kept by Redis for its life and the time after', async () => {
    const { cache, redis, prefix } = openCache();
    await read(cache, server('old'), options);
    const [key = ''] = await redis.keys(`${prefix}:tryton:cache:sealed:*`);
    expect(Math.abs((await redis.pttl(key)) - 660_000)).toBeLessThan(5000);
  });

  it('is not given when it is too old, or to callers who did not ask for it', async () => {
    const { cache, pass } = openCache();
    await read(cache, server('old'), options);
    pass(61);
    expect(await read(cache, server('new'), { ttl: 60 })).toBe('new');
    await read(cache, server('newer'), options);
    pass(661);
    expect(await read(cache, server('newest'), options)).toBe('newest');
  });

  it('is not given after a write', async () => {
    const { cache, pass } = openCache();
    await read(cache, server('old'), options);
    pass(61);
    await cache.invalidate('party.party');
    expect(await read(cache, server('new'), options)).toBe('new');
  });

  it('stays when it cannot be renewed; the log says why, and nothing is thrown at the process', async () => {
    const { cache, pass, log } = openCache();
    await read(cache, server('old'), options);
    pass(61);
    const fails = { fetch: () => Promise.reject(error) };
    expect(await read(cache, fails, options)).toBe('old');
    const line = await waitFor(() => log.find(({ level }) => level === 'warn'), 'a line in the log');
    expect(line.details).toMatchObject({ method: READ, code: 'tryton_user_error' });
    expect(await read(cache, server('new'), options)).toBe('old');
    await waitFor(async () => (await read(cache, server('newer'), options)) === 'new', 'the renewed answer');
  });
});

describe('counters', () => {
  it('count at most a thousand methods by name, the others together', async () => {
    const { cache } = openCache();
    const { fetch } = server('x');
    for (let number = 0; number < 1010; number++) await cache.read(`model.a.b${number}.press`, [], {}, fetch);
    await cache.read('model.a.b0.press', [], {}, fetch);
    const counters = cache.counters();
    expect(Object.keys(counters)).toHaveLength(1001);
    expect(counters['(other)']).toMatchObject({ bypass: 10 });
    expect(counters['model.a.b0.press']).toMatchObject({ bypass: 2 });
  });

  it('are a copy', async () => {
    const { cache } = openCache();
    const before = cache.counters();
    await read(cache, server('x'));
    expect(before).toEqual({});
  });
});
