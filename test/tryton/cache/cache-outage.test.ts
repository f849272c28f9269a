import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TrytonUnknownFateError } from '../../../src/tryton/errors.ts';
import type { CacheStore } from '../../../src/tryton/types.ts';
import { freshPrefix, redisUrl } from '../../support/redis.ts';
import { waitFor } from '../../support/wait-for.ts';
import { closeCaches, openCache, READ, read, server, slowServer, write } from './caches.ts';
import { startRedisProxy } from './redis-proxy.ts';

let proxy: Awaited<ReturnType<typeof startRedisProxy>>;
beforeEach(async () => {
  proxy = await startRedisProxy(redisUrl());
});
afterEach(async () => {
  closeCaches();
  await proxy.stop();
});

type Opened = ReturnType<typeof openCache>;
const levels = ({ log }: Opened) => log.map(({ level }) => level);
const full = Object.assign(new Error('OOM command not allowed'), { name: 'ReplyError' });
const WRITE = 'model.party.party.write';

/** Calls until the cache answers again. */
const works = async (opened: Opened) => {
  // A call waits for a connection for 250 ms only: on a loaded machine that would be an outage of its own.
  await waitFor(() => opened.redis.status === 'ready', 'the connection to Redis');
  await waitFor(async () => {
    const source = server('probe');
    const ask = () => opened.cache.read('model.a.b.read', [], { ttl: 60 }, source.fetch);
    await ask();
    await ask();
    return source.state.asked < 2;
  }, 'a cache that works');
};

describe('Redis', () => {
  it('that was never there is a miss: every call is answered, the log has it once', async () => {
    const opened = openCache({ url: 'redis://127.0.0.1:1' });
    const source = server('x');
    for (let call = 0; call < 20; call++) expect(await read(opened.cache, source)).toBe('x');
    await write(opened.cache, source, 'y');
    opened.pass(5);
    expect(await read(opened.cache, source)).toBe('y');
    expect(opened.cache.counters()[READ]).toEqual({ hit: 0, miss: 0, stale: 0, bypass: 0, error: 21 });
    expect(levels(opened)).toEqual(['warn']);
    expect(opened.log[0]?.details).toEqual({ reason: 'no connection to Redis' });
  });

  it.each(['down', 'hang', 'forget'] as const)(
    'that stops (%s) and restarts is used again, without a restart of ours',
    async (how) => {
      const opened = openCache({ url: proxy.url });
      await works(opened);
      for (let outage = 1; outage <= 2; outage++) {
        await proxy[how]();
        const source = server('x');
        for (let call = 0; call < 10; call++) expect(await read(opened.cache, source)).toBe('x');
        expect(source.state.asked).toBe(10);
        await proxy.up();
        await works(opened);
        // On a loaded machine a slow answer may be an outage too; each is logged once, and so is its end.
        expect(levels(opened).join(' ')).toMatch(new RegExp(`^(warn info ?){${outage},}$`));
      }
    },
  );

  it('that hangs costs one wait per second, not one per call', async () => {
    let asked = 0;
    const counting = (store: CacheStore): CacheStore => {
      const count = <T>(result: Promise<T>) => {
        asked += 1;
        return result;
      };
      return changed(store, {
        read: (key, tags) => count(store.read(key, tags)),
        foresee: (tags, ms) => count(store.foresee(tags, ms)),
        bump: (tags, holdMs) => count(store.bump(tags, holdMs)),
      });
    };
    const opened = openCache({ url: proxy.url, store: counting });
    await works(opened);
    proxy.hang();
    opened.redis.options.commandTimeout = 250;
    asked = 0;
    const began = performance.now();
    for (let call = 0; call < 50; call++) await read(opened.cache, server('x'));
    await write(opened.cache, server('x'), 'y');
    expect(asked).toBeGreaterThan(0);
    expect(asked).toBeLessThanOrEqual(1 + (performance.now() - began) / 1000);
    // Each wait is the short one for a command, not the one for a dead connection.
    expect(opened.log[0]?.details).toEqual({ reason: 'Command timed out' });
  });

  it('that still hangs after the rest is tried by one call while the others go on', async () => {
    let asked = 0;
    const look = (): Promise<never> => {
      asked += 1;
      return asked === 1 ? Promise.reject(new Error('Command timed out')) : new Promise(() => {});
    };
    const opened = openCache({ store: (store) => changed(store, { read: look }) });
    await read(opened.cache, server('x'));
    await read(opened.cache, server('x'));
    expect(asked).toBe(1);
    opened.pass(2);
    const probe = read(opened.cache, server('x'));
    const others = await Promise.all([1, 2, 3].map((value) => read(opened.cache, server(value))));
    expect(others).toEqual([1, 1, 1]);
    expect(asked).toBe(2);
    probe.catch(() => {});
  });

  it('that says no to one thing is still asked for others, and logged once', async () => {
    const opened = openCache({
      store: (store) => changed(store, { write: () => Promise.reject(full) }),
    });
    const source = server('x');
    for (let call = 0; call < 5; call++) await read(opened.cache, source);
    expect(opened.cache.counters()[READ]).toMatchObject({ miss: 5, error: 0 });
    expect(levels(opened)).toEqual(['warn']);
  });

  it('that does not know a command has nothing of its arguments logged', async () => {
    const unknown = Object.assign(
      new Error("ERR unknown command 'SET', with args beginning with: 'key' 'Dupont' "),
      { name: 'ReplyError' },
    );
    const opened = openCache({
      store: (store) => changed(store, { write: () => Promise.reject(unknown) }),
    });
    await read(opened.cache, server('Dupont'));
    expect(opened.log[0]?.details).toEqual({ reason: "ERR unknown command 'SET'" });
  });

  it('that is away does not make 64 callers ask Tryton 64 times, nor a read join a fetch from before a write', async () => {
    const { cache } = openCache({ url: 'redis://127.0.0.1:1' });
    const slow = slowServer();
    const early = Promise.all(Array.from({ length: 64 }, () => read(cache, slow)));
    await slow.asked;
    const parties = server('before');
    await write(cache, parties, 'after');
    expect(await read(cache, parties)).toBe('after');
    slow.answer('before');
    expect(new Set(await early)).toEqual(new Set(['before']));
    expect(slow.calls()).toBe(1);
  });
});

describe('a write while Redis is away', () => {
  let refusing = false;
  const sometimes =
    (store: CacheStore): CacheStore['bump'] =>
    (tags, holdMs) =>
      refusing ? Promise.reject(full) : store.bump(tags, holdMs);

  /** A process behind the proxy and one that is not, both with "before" in the cache. */
  async function start() {
    const prefix = freshPrefix();
    const near = openCache({ prefix });
    const far = openCache({
      prefix,
      url: proxy.url,
      store: (store) => changed(store, { bump: sometimes(store) }),
    });
    const parties = server('before');
    await works(far);
    await read(far.cache, parties);
    await read(near.cache, parties);
    expect(parties.state.asked).toBe(1);
    return { near, far, parties };
  }

  it('is seen by the next cached read of its process when Redis is back', async () => {
    const { far, parties } = await start();
    await proxy.down();
    await write(far.cache, parties, 'after');
    await proxy.up();
    await waitFor(async () => {
      expect(await read(far.cache, parties)).toBe('after');
      return (far.cache.counters()[READ]?.hit ?? 0) > 0;
    }, 'a hit');
  });

  it('is never hidden from its own process, and its next cached read makes the bump good', async () => {
    const { near, far, parties } = await start();
    refusing = true;
    await write(far.cache, parties, 'after');
    expect(await read(far.cache, parties)).toBe('after');
    expect(far.cache.counters()[READ]).toMatchObject({ error: 1 });
    refusing = false;
    expect(await read(far.cache, parties)).toBe('after');
    expect(await read(near.cache, parties)).toBe('after');
    expect(parties.state.asked).toBe(3);
  });

  it('is announced to the other processes when Redis is back, also if this one is never called again', async () => {
    const { near, far, parties } = await start();
    await proxy.down();
    await write(far.cache, parties, 'after');
    expect(await read(near.cache, parties)).toBe('before');
    await proxy.up();
    await waitFor(async () => (await read(near.cache, parties)) === 'after', 'the late bump');
    await waitFor(() => far.log.length > 1, 'the answer to the late bump');
    expect(far.log.map(({ level }) => level)).toEqual(['warn', 'info']);
  });

  it('does not let an answer from before it be kept', async () => {
    const { near, far, parties } = await start();
    await near.cache.invalidate('party.party');
    const slow = slowServer();
    const early = read(far.cache, slow);
    await slow.asked;
    refusing = true;
    await write(far.cache, parties, 'after');
    slow.answer('before');
    await early;
    expect(await read(near.cache, parties)).toBe('after');
    refusing = false;
    expect(await read(far.cache, parties)).toBe('after');
  });

  it('still blocks its model when its fate is unknown', async () => {
    const { near, far, parties } = await start();
    await proxy.down();
    const site = { server: 'http://tryton.example/tryton/', method: WRITE };
    await (await far.cache.writing(WRITE, []))(new TrytonUnknownFateError(site, 'reset'));
    await proxy.up();
    await waitFor(async () => {
      await read(near.cache, parties);
      return (near.cache.counters()[READ]?.bypass ?? 0) > 0;
    }, 'the hold');
  });

  it('to more models than are remembered makes everything stale', async () => {
    const { near, far, parties } = await start();
    await proxy.down();
    for (let model = 0; model < 1001; model++) await far.cache.invalidate(`a.b${model}`);
    await proxy.up();
    parties.state.value = 'after';
    await waitFor(async () => (await read(near.cache, parties)) === 'after', 'the bump of everything');
  });
});

function changed(store: CacheStore, changes: Partial<CacheStore>): CacheStore {
  return {
    read: (key, tags) => store.read(key, tags),
    write: (key, entry, ttlMs) => store.write(key, entry, ttlMs),
    foresee: (tags, ms) => store.foresee(tags, ms),
    bump: (tags, holdMs) => store.bump(tags, holdMs),
    ...changes,
  };
}
