import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SandboxTryton } from '../../../dev/sandbox-tryton/sandbox.ts';
import { startSandboxTryton } from '../../../dev/sandbox-tryton/sandbox.ts';
import { redisUrl } from '../../support/redis.ts';
import { waitFor } from '../../support/wait-for.ts';
import type { RedisProxy } from '../cache/redis-proxy.ts';
import { startRedisProxy } from '../cache/redis-proxy.ts';
import { openGatewayClient, settingsFor } from './gateway-setup.ts';

const READ = 'model.party.party.search_read';

describe('Redis stopped under load', () => {
  let sandbox: SandboxTryton;
  let proxy: RedisProxy;
  beforeAll(async () => {
    sandbox = await startSandboxTryton({ sales: 20, latencyMs: 2 });
    proxy = await startRedisProxy(redisUrl());
  });
  afterAll(async () => {
    await proxy?.stop();
    await sandbox?.stop();
  });

  it.each([
    ['refused', () => proxy.down()],
    ['that hang', async () => proxy.hang()],
  ])(
    'by connections %s: calls go on without the cache, and with it again when it is back',
    async (_how, stop) => {
      const { client } = openGatewayClient(settingsFor(sandbox), { redis: proxy.url });
      const params = [[], 0, 5, [['id', 'ASC']], ['name']];
      const expected = await client.call(READ, params);
      const failures: unknown[] = [];
      let answers = 0;
      let over = false;
      const caller = async () => {
        while (!over) {
          const call = client.cachedCall(READ, params, { ttl: 60 });
          await call.then(
            (answer) => {
              answers += 1;
              expect(answer).toEqual(expected);
            },
            (error: unknown) => failures.push(error),
          );
        }
      };
      const workers = Array.from({ length: 8 }, caller);
      const more = (least: number, what: string) => {
        const before = answers;
        return waitFor(() => answers >= before + least, what);
      };
      const hits = () => client.cacheCounters()[READ]?.hit ?? 0;
      try {
        await waitFor(() => hits() > 0, 'a hit');
        await stop();
        await more(16, 'answers without Redis');
        // Those were maybe on their way; these are not.
        const sent = sandbox.calls.length;
        await more(16, 'more answers without Redis');
        expect(sandbox.calls.length).toBeGreaterThan(sent);
        sandbox.forgetSessions();
        await more(16, 'answers after the session was lost as well');
        await proxy.up();
        const before = hits();
        await waitFor(() => hits() > before, 'a hit after Redis came back');
      } finally {
        over = true;
        await proxy.up();
        await Promise.all(workers);
      }
      expect(failures).toEqual([]);
      expect(client.cacheCounters()[READ]?.error).toBeGreaterThan(0);
    },
  );
});
