import { EventEmitter, once } from 'node:events';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createRedisCacheStore } from '../../../src/tryton/cache/redis-store.ts';
import type { TrytonClientOptions } from '../../../src/tryton/options.ts';
import type { CacheStore } from '../../../src/tryton/types.ts';
import { freshPrefix, openCacheRedis } from '../../support/redis.ts';
import { waitFor } from '../../support/wait-for.ts';
import { clientAndServer, clientOf, thrownBy } from '../client/clients.ts';
import type { Script } from '../client/scripted-server.ts';
import { failure, result } from '../client/scripted-server.ts';

const FIELDS = 'model.party.party.fields_get';
const READ = 'model.party.party.read';
const WRITE = 'model.party.party.write';
const session = { userId: 7, key: 'given' };

function store() {
  const redis = openCacheRedis();
  onTestFinished(() => redis.disconnect());
  return createRedisCacheStore(redis, {
    prefix: freshPrefix(),
    server: 'x',
    user: 'bot',
    password: 'secret',
  });
}

const cached = (script: Script, options: Partial<TrytonClientOptions> = {}) =>
  clientAndServer(script, { session, cache: store(), ...options });

describe('a cached call', () => {
  it('asks once for an answer that clients may keep, and reports only that call', async () => {
    const { server, client, outcomes } = await cached((request) => ({
      ...result(request, { name: {} }),
      headers: { 'x-tryton-cache': '86400' },
    }));
    expect(await client.cachedCall(FIELDS, [['name']])).toEqual({ name: {} });
    expect(await client.cachedCall(FIELDS, [['name']])).toEqual({ name: {} });
    expect(server.received).toHaveLength(1);
    expect(outcomes).toMatchObject([{ method: FIELDS }]);
    expect(client.cacheCounters()).toMatchObject({ [FIELDS]: { miss: 1, hit: 1 } });
  });

  it('knows contexts and users apart', async () => {
    const { client } = await cached((request) => result(request, 1));
    const other = clientOf(client.server, { user: 'other', session }).client;
    const french = client.cacheKey(READ, [[1], ['name'], { language: 'fr' }]);
    expect(client.cacheKey(READ, [[1], ['name']])).toBe(client.cacheKey(READ, [[1], ['name'], {}]));
    expect(
      new Set([french, client.cacheKey(READ, [[1], ['name']]), other.cacheKey(READ, [[1], ['name']])]).size,
    ).toBe(3);
  });

  it('sees writes through the client, failed or not', async () => {
    let name = 'old';
    const { server, client } = await cached((request) => {
      if (request.method === READ) return result(request, name);
      name = `${name}er`;
      return name === 'older' ? result(request, null) : failure(request, 'UserError', ['No', '']);
    });
    const read = () => client.cachedCall(READ, [[1], ['name']], { ttl: 60 });
    expect([await read(), await read()]).toEqual(['old', 'old']);
    await client.call(WRITE, [[1], { name: 'x' }]);
    expect(await read()).toBe('older');
    await thrownBy(client.call(WRITE, [[1], { name: 'x' }]));
    expect(await read()).toBe('olderer');
    await client.invalidate('party.party');
    await read();
    expect(server.methods()).toEqual([READ, WRITE, READ, WRITE, READ, READ]);
  });

  it('of a method that is no read is a call like any other', async () => {
    const { server, client } = await cached((request) => result(request, null));
    await client.cachedCall(WRITE, [[1], {}], { ttl: 60 });
    await client.cachedCall(WRITE, [[1], {}], { ttl: 60 });
    expect(server.methods()).toEqual([WRITE, WRITE]);
    expect(client.cacheCounters()).toMatchObject({ [WRITE]: { bypass: 2, hit: 0 } });
  });

  it('given up by one caller goes on for the others', async () => {
    const gate = new EventEmitter();
    const { server, client } = await cached(async (request) => {
      await once(gate, 'open');
      return result(request, 'shared');
    });
    const controller = new AbortController();
    const reason = new Error('enough');
    const hasty = thrownBy(client.cachedCall(READ, [[1], []], { ttl: 60, signal: controller.signal }));
    const patient = client.cachedCall(READ, [[1], []], { ttl: 60 });
    await waitFor(() => server.received.length === 1, 'the shared call');
    controller.abort(reason);
    expect(await hasty).toBe(reason);
    gate.emit('open');
    expect(await patient).toBe('shared');
    expect(server.received).toHaveLength(1);
  });

  it('asks once for what comes to be kept while others look for it', async () => {
    const inner = store();
    const gate = new EventEmitter();
    let reads = 0;
    const slow: CacheStore = {
      read: async (...asked) => {
        const found = await inner.read(...asked);
        reads += 1;
        return found;
      },
      write: async (...entry) => {
        gate.emit('writing');
        await once(gate, 'open');
        await inner.write(...entry);
      },
      foresee: (...tags) => inner.foresee(...tags),
      bump: (...tags) => inner.bump(...tags),
    };
    const { server, client } = await cached((request) => result(request, 'kept'), { cache: slow });
    const ask = () => client.cachedCall(READ, [[1], []], { ttl: 60 });
    const writing = once(gate, 'writing');
    const first = ask();
    await writing;
    const second = ask();
    await waitFor(() => reads === 2, 'the second look');
    gate.emit('open');
    expect(await Promise.all([first, second])).toEqual(['kept', 'kept']);
    expect(server.received).toHaveLength(1);
  });

  it('gives each caller an answer of its own, to change as it likes', async () => {
    const { server, client } = await cached((request) => result(request, [{ lines: [1] }]));
    const ask = () => client.cachedCall(READ, [[1], ['lines']], { ttl: 60 });
    const [one, other] = await Promise.all([ask(), ask()]);
    for (const answer of [one, await ask()])
      Object.assign(Array.isArray(answer) ? answer[0] : {}, { lines: [] });
    expect([other, await ask()]).toEqual([[{ lines: [1] }], [{ lines: [1] }]]);
    expect(server.received).toHaveLength(1);
  });
});
