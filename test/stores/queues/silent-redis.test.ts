import { afterEach, beforeEach, it } from 'vitest';
import { openRedis } from '../../../src/queues/redis.ts';
import { createLogger } from '../../../src/shared/logger.ts';
import { freshPrefix, redisUrl } from '../../support/redis.ts';
import { waitFor } from '../../support/wait-for.ts';
import { type RedisProxy, startRedisProxy } from '../../tryton/cache/redis-proxy.ts';

const log = createLogger('silent', 'test');
let proxy: RedisProxy;
beforeEach(async () => {
  proxy = await startRedisProxy(redisUrl());
});
afterEach(() => proxy.stop());

it('a connection that leads nowhere, without being closed, is replaced, and the command is sent again', async () => {
  const redis = openRedis(proxy.url, 'producer', log);
  try {
    const key = freshPrefix();
    await redis.set(key, 'before');
    proxy.forget();
    let answer: string | null = null;
    void redis.get(key).then((value) => {
      answer = value;
    });
    // Without a limit the command would wait for as long as the process lives.
    await waitFor(() => answer === 'before', 'the answer over a new connection', 60_000);
  } finally {
    redis.disconnect();
  }
});
