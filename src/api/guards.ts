import type { Redis } from 'ioredis';
import type { Config, OdooConfig } from '../config.ts';
import { OdooNotConfiguredError, RedisUnavailableError } from './errors.ts';
import { within } from './within.ts';

/** @throws OdooNotConfiguredError where the mirror is switched off. */
export function requireOdoo(config: Config): OdooConfig {
  if (config.odoo === null) throw new OdooNotConfiguredError();
  return config.odoo;
}

/**
 * Asked before anything is queued: BullMQ waits for a Redis that was never reached, however long it takes.
 *
 * @throws RedisUnavailableError
 */
export async function requireRedis(redis: Redis): Promise<void> {
  try {
    await within(redis.ping(), 'Redis');
  } catch (cause) {
    throw new RedisUnavailableError({ cause });
  }
}
