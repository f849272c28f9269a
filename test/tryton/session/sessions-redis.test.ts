import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { createRedisSessionStore } from '../../../src/tryton/session/redis-store.ts';
import { freshPrefix, openCacheRedis } from '../../support/redis.ts';
import { waitFor } from '../../support/wait-for.ts';
import { sessionOf } from './session-parts.ts';

const SECRET = { server: 'http://tryton.example/tryton/', user: 'some-login', password: 's3cret-value' };
const CIRCUIT = { until: Date.now() + 60_000, code: 'tryton_bad_credentials', reason: 'refused at the door' };
const TTL_MS = 60_000;

describe('a session in Redis', () => {
  const redis = openCacheRedis();
  let prefix = freshPrefix();
  const storeOf = (other: Partial<typeof SECRET> = {}) =>
    createRedisSessionStore(redis, { prefix, ...SECRET, ...other });
  const everything = async () => {
    const keys = await redis.keys(`${prefix}*`);
    const values = await Promise.all(keys.map((key) => redis.get(key)));
    return keys.map((key, index) => [key, values[index] ?? ''] as const);
  };
  const keyOf = async (kind: string) => {
    const [key] = await redis.keys(`${prefix}:tryton:${kind}:*`);
    return key ?? expect.fail(`no ${kind}`);
  };
  afterEach(() => {
    prefix = freshPrefix();
  });
  afterAll(() => redis.disconnect());

  it('is returned unchanged to every process with the same password', async () => {
    const session = sessionOf(1_767_225_600_123);
    await storeOf().write(session, TTL_MS);
    await storeOf().openCircuit(CIRCUIT, TTL_MS);
    expect(await storeOf().read()).toEqual(session);
    expect(await storeOf().readCircuit()).toEqual(CIRCUIT);
    for (const [key] of await everything()) expect(await redis.pttl(key)).toBeGreaterThan(TTL_MS - 30_000);
  });

  it('is another one with another password, user or server, and so is the circuit', async () => {
    await storeOf().write(sessionOf(1), TTL_MS);
    await storeOf().openCircuit(CIRCUIT, TTL_MS);
    for (const other of [{ password: 'changed' }, { user: 'other' }, { server: 'http://other.example/' }]) {
      expect(await storeOf(other).read()).toBeNull();
      expect(await storeOf(other).readCircuit()).toBeNull();
    }
  });

  it('reveals to a reader of Redis neither the user, the server, the password nor the key', async () => {
    const session = sessionOf(1, 'the-session-key');
    const store = storeOf();
    await store.write({ ...session, login: SECRET.user }, TTL_MS);
    await store.openCircuit(CIRCUIT, TTL_MS);
    const release = await store.claimLogin();
    const found = await everything();
    expect(found).toHaveLength(3);
    for (const text of found.flat()) {
      for (const form of [text, Buffer.from(text, 'base64').toString('latin1')]) {
        for (const secret of [SECRET.user, 'tryton.example', SECRET.password, session.key, 'refused'])
          expect(form).not.toContain(secret);
      }
    }
    await release?.();
  });

  it('looks different each time it is written', async () => {
    const session = sessionOf(1);
    await storeOf().write(session, TTL_MS);
    const [first] = await everything();
    await storeOf().write(session, TTL_MS);
    const [second] = await everything();
    expect(second?.[0]).toBe(first?.[0]);
    expect(second?.[1]).not.toBe(first?.[1]);
  });

  it('counts as absent when it was changed, cut or put in another place', async () => {
    const store = storeOf();
    await store.write(sessionOf(1), TTL_MS);
    await store.openCircuit(CIRCUIT, TTL_MS);
    const [sessionKey, circuitKey] = [await keyOf('session'), await keyOf('circuit')];
    const sealed = (await redis.get(sessionKey)) ?? '';
    await redis.set(sessionKey, (await redis.get(circuitKey)) ?? '');
    await redis.set(circuitKey, sealed);
    expect(await store.read()).toBeNull();
    expect(await store.readCircuit()).toBeNull();
    const bytes = Buffer.from(sealed, 'base64');
    for (let place = 0; place < bytes.length; place += 1) {
      const changed = Buffer.from(bytes);
      changed[place] = (changed[place] ?? 0) ^ 1;
      await redis.set(sessionKey, changed.toString('base64'));
      expect(await store.read()).toBeNull();
    }
    for (const other of [
      '',
      'x',
      '{"key":"x"}',
      sealed.slice(0, -8),
      bytes.subarray(0, 20).toString('base64'),
    ]) {
      await redis.set(sessionKey, other);
      expect(await store.read()).toBeNull();
    }
    await redis.set(sessionKey, sealed);
    expect(await store.read()).not.toBeNull();
  });

  it('cannot be moved to where another installation looks for its own', async () => {
    await storeOf().write(sessionOf(1), TTL_MS);
    const from = await keyOf('session');
    const sealed = (await redis.get(from)) ?? '';
    const other = freshPrefix();
    await redis.set(from.replace(prefix, other), sealed);
    expect(await createRedisSessionStore(redis, { prefix: other, ...SECRET }).read()).toBeNull();
    expect(await storeOf().read()).not.toBeNull();
  });

  it('is removed unless another one has taken its place', async () => {
    const store = storeOf();
    const [first, second] = [sessionOf(1), sessionOf(2)];
    await store.write(second, TTL_MS);
    await store.remove(first);
    expect(await store.read()).toEqual(second);
    await store.remove(second);
    expect(await store.read()).toBeNull();
  });

  it('is signed in for by one at a time', async () => {
    const release = await storeOf().claimLogin();
    expect(await storeOf().claimLogin()).toBeNull();
    await release?.();
    const next = await storeOf().claimLogin();
    expect(next).not.toBeNull();
    // Not its own any more: nothing happens.
    await release?.();
    expect(await storeOf().claimLogin()).toBeNull();
    await next?.();
  });

  it('stays claimed as long as the login takes, also when Redis lost its data', async () => {
    const release = await storeOf().claimLogin();
    const key = await keyOf('claim');
    await redis.pexpire(key, 5000);
    await waitFor(async () => (await redis.pttl(key)) > 5000, 'the claim to be extended');
    await redis.del(key);
    await waitFor(async () => (await redis.exists(key)) === 1, 'the claim to be there again');
    await release?.();
    expect(await redis.exists(key)).toBe(0);
  });

  it('leaves the claim of another process alone when its own was lost', async () => {
    const release = await storeOf().claimLogin();
    const key = await keyOf('claim');
    await redis.set(key, 'of another process', 'PX', 60_000);
    await release?.();
    expect(await redis.get(key)).toBe('of another process');
  });
});
