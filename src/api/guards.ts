import type { Config, OdooConfig } from '../config.ts';
import type { Queryable } from '../db/connection.ts';
import { hasDocument } from '../db/documents-read.ts';
import type { RedisConnection } from '../queues/connection.ts';
import type { TrytonClient } from '../tryton/client.ts';
import type { ApiDeps } from './deps.ts';
import {
  BcNotFoundError,
  OdooNotConfiguredError,
  RedisUnavailableError,
  TrytonNotConfiguredError,
} from './errors.ts';
import { within } from './within.ts';

/** @throws OdooNotConfiguredError where the mirror is switched off. */
export function requireOdoo(config: Config): OdooConfig {
  if (config.odoo === null) throw new OdooNotConfiguredError();
  return config.odoo;
}

/** @throws TrytonNotConfiguredError where there is no gateway. */
export function requireTryton({ tryton }: Pick<ApiDeps, 'tryton'>): TrytonClient {
  if (tryton === null) throw new TrytonNotConfiguredError();
  return tryton;
}

/**
 * Asked before anything is queued: BullMQ waits for a Redis that was never reached, however long it takes.
 *
 * @throws RedisUnavailableError
 */
export async function requireRedis(redis: RedisConnection): Promise<void> {
  try {
    await within(redis.ping(), 'Redis');
  } catch (cause) {
    throw new RedisUnavailableError({ cause });
  }
}

/** @throws BcNotFoundError where the mirror has no such BC, archived or not. */
export async function requireDocument(db: Queryable, odooId: number): Promise<void> {
  if (!(await hasDocument(db, odooId))) throw new BcNotFoundError(odooId);
}
