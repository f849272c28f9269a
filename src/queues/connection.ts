import type { RedisOptions } from 'ioredis';
import { Redis } from 'ioredis';
import { errorMessage } from '../errors.ts';
import type { Log } from '../logger.ts';

/**
 * `worker` waits for Redis as long as it takes; `producer` fails at once, so that a request gets its 503; `cache`
 * gives up on a command after a quarter of a second, because what it asks for can be had without Redis.
 */
export type RedisRole = 'worker' | 'producer' | 'cache';

const OPTIONS: Readonly<Record<RedisRole, RedisOptions>> = {
  worker: { maxRetriesPerRequest: null, enableOfflineQueue: true },
  producer: { maxRetriesPerRequest: 1, enableOfflineQueue: true },
  cache: {
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    commandTimeout: 250,
    connectTimeout: 2000,
    // A connection whose other end is gone without a word would never be opened anew.
    socketTimeout: 2000,
    retryStrategy: (failures) => Math.min(100 * failures, 1000),
  },
};

/** Opens one connection. Connection errors are logged, then ioredis reconnects by itself. */
export function openRedis(url: string, role: RedisRole, log: Log): Redis {
  const redis = new Redis(url, { ...OPTIONS[role], connectionName: `passerelle-${role}` });
  // The cache itself tells of an outage, once; its connection would tell of each try.
  const level = role === 'cache' ? 'debug' : 'warn';
  redis.on('error', (error) => log[level]({ reason: errorMessage(error) }, 'redis connection'));
  return redis;
}
