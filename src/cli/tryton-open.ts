import { once } from 'node:events';
import type { RedisConfig } from '../config.ts';
import { readTrytonConfig } from '../config.ts';
import { clientOptions } from '../gateway/open.ts';
import type { Logger } from '../logger.ts';
import { createLogger } from '../logger.ts';
import type { RedisConnection } from '../queues/connection.ts';
import { openRedis } from '../queues/connection.ts';
import { withResources } from '../resources.ts';
import { TrytonClient } from '../tryton/client.ts';
import type { CommandContext } from './io.ts';
import { QUIET } from './io.ts';

const REDIS_WAIT_MS = 2000;

/**
 * Runs `work` with a client of the Tryton that is configured. It shares session and cache with the API where Redis is
 * there; else it has a session of its own, which it ends: sessions that are left behind slow Tryton down.
 *
 * @throws ConfigError where no Tryton is configured.
 */
export async function withTryton<T>(
  { io, env }: CommandContext,
  work: (tryton: TrytonClient) => Promise<T>,
): Promise<T> {
  const { tryton: config, redis: shared, queuePrefix: prefix, logLevel } = readTrytonConfig(env, QUIET);
  const logger = createLogger(logLevel, 'cli');
  return withResources(async (defer) => {
    const redis = shared === null ? null : await tryRedis(shared, logger);
    if (redis !== null) defer(() => redis.disconnect());
    else if (shared !== null) io.stderr.write('Redis does not answer: session and cache are not shared.\n');
    const options = redis === null ? config : clientOptions(config, { redis, prefix });
    const tryton = new TrytonClient({ ...options, logger });
    defer(() => tryton.close());
    // Work is done: a server that is gone by now needs no mention.
    if (redis === null) defer(() => tryton.logout().catch(() => {}));
    return work(tryton);
  });
}

/** Null where Redis does not answer soon. */
async function tryRedis(server: RedisConfig, log: Logger): Promise<RedisConnection | null> {
  const redis = openRedis(server, 'cache', log);
  try {
    await once(redis, 'ready', { signal: AbortSignal.timeout(REDIS_WAIT_MS) });
    return redis;
  } catch {
    redis.disconnect();
    return null;
  }
}
