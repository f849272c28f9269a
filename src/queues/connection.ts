import { Redis } from 'ioredis';
import { errorMessage } from '../errors.ts';
import type { Logger } from '../logger.ts';

/** `worker` waits for Redis as long as it takes; `producer` fails at once, so that a request gets its 503. */
export type RedisRole = 'worker' | 'producer';

/** Opens one connection. Connection errors are logged, then ioredis reconnects by itself. */
export function openRedis(url: string, role: RedisRole, log: Logger): Redis {
  const redis = new Redis(url, {
    maxRetriesPerRequest: role === 'worker' ? null : 1,
    enableOfflineQueue: true,
    connectionName: `passerelle-${role}`,
  });
  redis.on('error', (error) => log.warn({ reason: errorMessage(error) }, 'redis connection'));
  return redis;
}
