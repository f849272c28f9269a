import type { Config, OdooConfig } from '../config/index.ts';
import { hasDocument } from '../db/documents/queries.ts';
import type { MirrorStore } from '../db/documents/tables.ts';
import type { RedisConnection } from '../queues/redis.ts';
import { RedisUnavailableError } from '../shared/errors.ts';
import type { TrytonClient } from '../tryton/client.ts';
import type { ApiContext } from './context.ts';
import { answerWithin, BcNotFoundError, OdooNotConfiguredError, TrytonNotConfiguredError } from './errors.ts';

/** @throws OdooNotConfiguredError */
export function requireOdoo(config: Config): OdooConfig {
  if (config.odoo === null) throw new OdooNotConfiguredError();
  return config.odoo;
}

/** @throws TrytonNotConfiguredError */
export function requireTryton({ tryton }: Pick<ApiContext, 'tryton'>): TrytonClient {
  if (tryton === null) throw new TrytonNotConfiguredError();
  return tryton;
}

/**
 * Call it before a job is queued: BullMQ waits without a limit for a Redis that was never reached.
 *
 * @throws RedisUnavailableError
 */
export async function requireRedis(redis: RedisConnection): Promise<void> {
  try {
    await answerWithin(redis.ping(), 'Redis');
  } catch (cause) {
    throw new RedisUnavailableError(cause);
  }
}

/** @throws BcNotFoundError if the mirror has no such BC, archived or not. */
export async function requireDocument(store: MirrorStore, odooId: number): Promise<void> {
  if (!(await hasDocument(store, odooId))) throw new BcNotFoundError(odooId);
}
