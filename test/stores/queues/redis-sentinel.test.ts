import { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { OwnRedis, RedisServers } from '../../support/redis-servers.ts';
import { hasRedisBinary, openRedisServers } from '../../support/redis-servers.ts';
import type { TestSetup } from '../../support/test-setup.ts';
import { openTestSetup } from '../../support/test-setup.ts';
import { waitFor } from '../../support/wait-for.ts';

let servers: RedisServers;
let master: OwnRedis;
let replica: OwnRedis;
let sentinel: OwnRedis;
let setup: TestSetup;

beforeEach(async () => {
  servers = await openRedisServers();
  master = await servers.start([]);
  replica = await servers.start([`replicaof 127.0.0.1 ${master.port}`]);
  await waitFor(
    () => ask(replica.port, async (redis) => /master_link_status:up/.test(await redis.info())),
    'a copy',
  );
  sentinel = await servers.start(
    [
      `sentinel monitor passerelle 127.0.0.1 ${master.port} 1`,
      'sentinel down-after-milliseconds passerelle 500',
      'sentinel failover-timeout passerelle 3000',
    ],
    { sentinel: true },
  );
  await waitFor(
    () =>
      ask(sentinel.port, async (redis) => {
        const known = await redis.call('sentinel', 'replicas', 'passerelle');
        return Array.isArray(known) && known.length === 1;
      }),
    'the sentinel to know the copy',
  );
  setup = await openTestSetup({
    sandbox: { documents: 200 },
    env: {
      // Nobody listens there: the sentinels say where Redis is.
      REDIS_URL: 'redis://127.0.0.1:1',
      REDIS_SENTINELS: `127.0.0.1:1,127.0.0.1:${sentinel.port}`,
      REDIS_SENTINEL_NAME: 'passerelle',
      ...{ SYNC_PAGE_SIZE: '20', SYNC_LEASE: '5s', QUEUE_LOCK: '2s' },
    },
  });
});
afterEach(async () => {
  await setup?.close();
  await servers?.stop();
});

async function ask<T>(port: number, question: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(port, '127.0.0.1');
  try {
    return await question(redis);
  } finally {
    redis.disconnect();
  }
}

const stored = async () => {
  const [row] = await setup.database.client`select count(*)::int as n from scrap_dimagaz_bc`;
  return row?.['n'] ?? 0;
};

test.skipIf(!hasRedisBinary)(
  'a run goes on at the server that the sentinels make the master when the one before is killed',
  async () => {
    setup.odoo.faults.latencyMs = 100;
    await setup.work();
    const runId = await setup.request('full');
    await waitFor(async () => (await stored()) > 20, 'the run to be under way');
    await master.end('SIGKILL');
    expect(await stored()).toBeLessThan(setup.odoo.count('dimagaz.bc'));
    const run = await setup.ended(runId);
    const bcs = setup.odoo.count('dimagaz.bc');
    expect(run).toMatchObject({ status: 'success', seen: bcs, created: bcs });
    expect(await ask(replica.port, async (redis) => (await redis.role())[0])).toBe('master');
    expect(await setup.run('incremental')).toMatchObject({ status: 'success' });
  },
);
