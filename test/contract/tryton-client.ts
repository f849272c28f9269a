import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { CallOutcome, TrytonClientOptions } from '../../src/tryton/index.ts';
import { createRedisCacheStore, TrytonClient } from '../../src/tryton/index.ts';
import { freshPrefix, openCacheRedis } from '../support/redis.ts';
import { signIn, signOut, type Visit } from './tryton-ask.ts';

/** A client for one test, closed and signed out with it, and its calls. */
export function openTryton(visit: Visit, options: Partial<TrytonClientOptions> = {}) {
  const outcomes: CallOutcome[] = [];
  const { url, user, password } = visit;
  const client = new TrytonClient({
    url,
    user,
    password,
    onOutcome: (outcome) => outcomes.push(outcome),
    ...options,
  });
  onTestFinished(async () => {
    await client.logout();
    await client.close();
  });
  return { client, outcomes };
}

/** A list of ids, as `create` and `search` give them. */
export const idsIn = (value: unknown): number[] => (Array.isArray(value) ? value.map(Number) : []);

/** The gateway's client on the same server. */
export function clientContract(visit: () => Visit): void {
  describe('the client', () => {
    it('finds the server reachable and itself signed in', async () => {
      const { client } = openTryton(visit());
      expect(await client.ping()).toMatchObject({
        reachable: true,
        authenticated: true,
        version: expect.stringMatching(/^\d+\.\d+\.\d+$/),
        circuit: null,
        error: null,
      });
    });

    it('creates, finds, reads, writes and deletes a party, by either way to name a method', async () => {
      const { client } = openTryton(visit());
      const [id = 0] = idsIn(
        await client.call('model', 'party.party.create', [[{ name: 'Passerelle & Cie' }]]),
      );
      const names = async () => await client.call('model.party.party.read', [[id], ['name', 'rec_name']]);
      expect(await names()).toEqual([{ id, name: 'Passerelle & Cie', rec_name: 'Passerelle & Cie' }]);
      await client.call('model.party.party.write', [[id], { name: 'Passerelle « 2 » 🙂' }]);
      expect(await names()).toEqual([{ id, name: 'Passerelle « 2 » 🙂', rec_name: 'Passerelle « 2 » 🙂' }]);
      const search = () => client.call('model', 'party.party.search', [[['id', '=', id]], 0, 2, null, {}]);
      expect(await search()).toEqual([id]);
      expect(await client.call('model.party.party.delete', [[id]])).toBeNull();
      expect(await search()).toEqual([]);
    });

    it('adds a context where none is given, and its own to each', async () => {
      const { client } = openTryton(visit(), { context: { active_test: false } });
      const [id = 0] = idsIn(
        await client.call('model.party.party.create', [[{ name: 'Inactif', active: false }]]),
      );
      const domain = [['id', '=', id]];
      expect(await client.call('model.party.party.search', [domain])).toEqual([id]);
      expect(await client.call('model.party.party.search', [domain, { active_test: true }])).toEqual([]);
      await client.call('model.party.party.delete', [[id]]);
    });

    it('signs in again, once, when its session is gone on the server', async () => {
      const session = await signIn(visit());
      const { client, outcomes } = openTryton(visit(), { session });
      await signOut(visit().url, session);
      const searches = Array.from({ length: 8 }, () => client.call('model.party.party.search_count', [[]]));
      expect(new Set(await Promise.all(searches)).size).toBe(1);
      expect(outcomes.filter(({ error }) => error !== null)).toEqual([]);
    });

    it('goes on after its own logout', async () => {
      const { client } = openTryton(visit());
      const { userId } = await client.login();
      await client.logout();
      expect(await client.login()).toEqual({ userId });
      expect(await client.call('model.party.party.search_count', [[['id', '=', -1]]])).toBe(0);
    });
  });

  describe("the client's errors", () => {
    const failure = async (method: string, params: unknown[]) => {
      const { client } = openTryton(visit());
      return client.call(method, params).then(
        (value) => Promise.reject(new Error(`expected to fail, but answered ${JSON.stringify(value)}`)),
        (error: unknown) => error,
      );
    };

    it('say what Tryton says to its users', async () => {
      const error = await failure('model.party.party.read', [[2_000_000_000], ['name']]);
      expect(error).toMatchObject({ name: 'TrytonUserError', code: 'tryton_user_error', description: '' });
      expect(Object(error).detail).toMatch(/records/);
    });

    it('distinguish a method that is not offered, an unknown model, and all else', async () => {
      expect(await failure('model.party.party.nope', [[]])).toMatchObject({
        code: 'tryton_method_not_allowed',
      });
      const unknown = await failure('model.nope.nope.read', [[1], ['name']]);
      expect(unknown).toMatchObject({ name: 'TrytonRpcError', code: 'tryton_error' });
      expect(Object(unknown).message).toContain('nope.nope');
      expect(Object(unknown).message).not.toMatch(/Traceback|File "/);
    });

    it('name an unknown database', async () => {
      const url = new URL('/no_such_database/', visit().url).href;
      const { client } = openTryton(visit(), { url });
      const error = await client.call('model.party.party.search', [[]]).catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: 'tryton_unknown_database' });
    });

    it('report that a record was changed by another user', async () => {
      const { client } = openTryton(visit());
      const [id = 0] = idsIn(await client.call('model.party.party.create', [[{ name: 'Concurrence' }]]));
      const [row] = Object(await client.call('model.party.party.read', [[id], ['_timestamp']]));
      const context = { _timestamp: { [`party.party,${id}`]: row._timestamp } };
      await client.call('model.party.party.write', [[id], { name: 'Un' }, context]);
      const late = client.call('model.party.party.write', [[id], { name: 'Deux' }, context]);
      await expect(late).rejects.toMatchObject({ code: 'tryton_concurrency' });
      await client.call('model.party.party.delete', [[id]]);
    });
  });

  describe('the cache', () => {
    let redis: ReturnType<typeof openCacheRedis>;
    beforeAll(() => {
      redis = openCacheRedis();
    });
    afterAll(() => redis.disconnect());
    const open = () => {
      const { url: server, user, password } = visit();
      const cache = createRedisCacheStore(redis, { prefix: freshPrefix(), server, user, password });
      return openTryton(visit(), { cache });
    };
    const sent = ({ outcomes }: ReturnType<typeof openTryton>, method: string) =>
      outcomes.filter((outcome) => outcome.method === method).length;

    it('keeps fields_get for as long as the server lets it: a second call makes no request', async () => {
      const opened = open();
      const method = 'model.party.party.fields_get';
      const first = await opened.client.cachedCall(method, [['name', 'lang']]);
      expect(await opened.client.cachedCall(method, [['name', 'lang']])).toEqual(first);
      expect(sent(opened, method)).toBe(visit().isOld ? 2 : 1);
    });

    it('keeps answers without a server lifetime only on request, and not beyond a write', async () => {
      const opened = open();
      const { client } = opened;
      const [id = 0] = idsIn(await client.call('model.party.party.create', [[{ name: 'Avant' }]]));
      const method = 'model.party.party.read';
      const read = () => client.cachedCall(method, [[id], ['name']], { ttl: 60 });
      expect(await read()).toEqual([{ id, name: 'Avant' }]);
      await client.call('model.party.party.write', [[id], { name: 'Après' }]);
      expect(await read()).toEqual([{ id, name: 'Après' }]);
      expect(await client.cachedCall(method, [[id], ['name']])).toEqual([{ id, name: 'Après' }]);
      await client.call('model.party.party.delete', [[id]]);
    });
  });
}
