import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSandboxTryton } from '../../../dev/sandbox-tryton/sandbox.ts';
import type { TestApi } from '../../api/http/start-api.ts';
import { startApi } from '../../api/http/start-api.ts';
import type { OwnRedis, RedisServers } from '../../support/redis-servers.ts';
import { hasRedisBinary, openRedisServers } from '../../support/redis-servers.ts';
import type { TestSetup } from '../../support/test-setup.ts';
import { openTestSetup } from '../../support/test-setup.ts';
import { waitFor } from '../../support/wait-for.ts';

const SLOTS = 16_384;
const PREFIX = 'clustered';

describe.skipIf(!hasRedisBinary)('with a Redis cluster of three masters', () => {
  let servers: RedisServers;
  let nodes: OwnRedis[];
  let clients: Redis[];
  let env: Record<string, string>;
  beforeAll(async () => {
    servers = await openRedisServers();
    const settings = ['cluster-enabled yes', 'cluster-node-timeout 2000'];
    nodes = await Promise.all([0, 1, 2].map(() => servers.start(settings)));
    clients = nodes.map(({ port }) => new Redis(port, '127.0.0.1'));
    const share = Math.ceil(SLOTS / 3);
    for (const [at, client] of clients.entries()) {
      const slots = Array.from(
        { length: Math.min(share, SLOTS - at * share) },
        (_, slot) => at * share + slot,
      );
      await client.cluster('ADDSLOTS', ...slots);
      if (at > 0) await client.cluster('MEET', '127.0.0.1', nodes[0]?.port ?? 0);
    }
    for (const client of clients) {
      await waitFor(async () => {
        const info = String(await client.cluster('INFO'));
        return /cluster_state:ok/.test(info) && /cluster_known_nodes:3/.test(info);
      }, 'the cluster to be formed');
    }
    env = { REDIS_URL: `redis://127.0.0.1:${nodes[0]?.port}`, REDIS_CLUSTER: 'on', QUEUE_PREFIX: PREFIX };
  });
  afterAll(async () => {
    for (const client of clients ?? []) client.disconnect();
    await servers?.stop();
  });

  /** Which nodes have keys, and whose. */
  const placesOf = async () => {
    const keys = await Promise.all(clients.map((client) => client.keys('*')));
    return { nodes: keys.filter((list) => list.length > 0).length, keys: keys.flat() };
  };

  describe('the mirror', () => {
    let setup: TestSetup;
    beforeAll(async () => {
      setup = await openTestSetup({ env: { ...env, SYNC_PAGE_SIZE: '10' } });
      await setup.work();
    });
    afterAll(() => setup.close());

    it('runs full, single and incremental runs with all its keys in one slot', async () => {
      const bcs = setup.odoo.count('dimagaz.bc');
      expect(await setup.run('full')).toMatchObject({ status: 'success', created: bcs });
      expect(await setup.run('single', [1, 2])).toMatchObject({ status: 'success', seen: 2 });
      expect(await setup.run('incremental')).toMatchObject({ status: 'success' });
      const { nodes: used, keys } = await placesOf();
      expect(keys.length).toBeGreaterThan(5);
      expect(keys.filter((key) => !key.startsWith(`{${PREFIX}}:`))).toEqual([]);
      expect(used).toBe(1);
    });
  });

  describe('the API', () => {
    let api: TestApi;
    let tryton: Awaited<ReturnType<typeof startSandboxTryton>>;
    beforeAll(async () => {
      tryton = await startSandboxTryton();
      api = await startApi({
        ...env,
        TRYTON_RPC_URL: tryton.url,
        TRYTON_USER: tryton.user,
        TRYTON_PASSWORD: tryton.password,
        API_RATE_LIMIT: '1000',
      });
    });
    afterAll(async () => {
      await api?.close();
      await tryton?.stop();
    });

    it('is ready, queues work, counts requests and shares session and cached answers in that slot', async () => {
      expect((await api.inject('/readyz')).statusCode).toBe(200);
      expect((await api.inject({ method: 'POST', url: '/api/v1/bc/1/resync' })).statusCode).toBe(202);
      const body = { method: 'model.res.user.search_count', params: [[]], cache: 60 };
      const call = () => api.inject({ method: 'POST', url: '/api/v1/tryton/rpc', payload: body });
      const first = await call();
      expect(first.statusCode).toBe(200);
      expect(Number(first.headers['ratelimit-remaining'])).toBeLessThan(1000);
      await waitFor(
        async () => (await placesOf()).keys.some((key) => key.includes('tryton:cache:sealed')),
        'the answer to be kept',
      );
      const asked = tryton.calls.length;
      expect((await call()).json()).toEqual(first.json());
      expect(tryton.calls).toHaveLength(asked);
      const { nodes: used, keys } = await placesOf();
      for (const part of ['rate-limit', 'tryton:session', 'tryton:cache', 'sync:']) {
        expect(keys.join('\n')).toContain(`{${PREFIX}}:${part}`);
      }
      expect(used).toBe(1);
    });
  });
});
