import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { pino } from 'pino';
import { inject } from 'vitest';
import { openRedis, type RedisConnection } from '../../src/queues/redis.ts';

/** The Redis of this run. Its keys may be shared with other tests: see `freshPrefix`. */
export function redisUrl(): string {
  return inject('redisUrl');
}

/** A BullMQ key prefix of its own. Keys under it are removed when the run ends. */
export function freshPrefix(): string {
  return `${inject('templateName')}_${randomUUID()}`;
}

/** A connection with the role `cache`, for the Tryton client. */
export function openCacheRedis(url = redisUrl()): Redis {
  const redis = openRedis(url, 'cache', pino({ level: 'silent' }));
  allowSlowAnswers(redis);
  return redis;
}

/**
 * Commands may take longer than 250 ms, because a loaded machine stops a process for that long. The client's own limit
 * of 2 s holds.
 */
export function allowSlowAnswers(redis: RedisConnection): void {
  if (redis instanceof Redis) delete redis.options.commandTimeout;
}
