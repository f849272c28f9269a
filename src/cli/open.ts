import type { Config, DatabaseConfig, MirrorConfig, RedisConfig } from '../config.ts';
import { readDatabaseConfig } from '../config.ts';
import type { Database } from '../db/connection.ts';
import { openDatabase } from '../db/connection.ts';
import { pendingMigrations } from '../db/migrations.ts';
import { createLogger } from '../logger.ts';
import type { RedisConnection } from '../queues/connection.ts';
import { openRedis } from '../queues/connection.ts';
import type { Queues } from '../queues/queues.ts';
import { openQueues } from '../queues/queues.ts';
import { withResources } from '../resources.ts';
import type { Mirror } from '../sync/mirror.ts';
import { openMirror } from '../sync/open.ts';
import { claimQueues, keepQueues } from '../sync/ownership.ts';
import { DatabaseNotMigratedError, DatabaseUnavailableError, RedisUnavailableError } from './errors.ts';
import type { Environment } from './io.ts';

export interface OpenMirror {
  readonly mirror: Mirror;
  readonly redis: RedisConnection;
  readonly prefix: string;
}

/**
 * Runs `work` with the mirror open, once PostgreSQL and Redis are known to answer.
 *
 * @throws DatabaseUnavailableError, DatabaseNotMigratedError, RedisUnavailableError, ForeignQueuesError
 */
export async function withMirror<T>(
  config: MirrorConfig,
  work: (open: OpenMirror) => Promise<T>,
): Promise<T> {
  await checkDatabase(config);
  await checkRedis(config.redis);
  return withResources(async (defer) => {
    const log = createLogger(config.logLevel, 'cli', 'at once', config.prettyLogs);
    const open = openMirror(config, log, defer);
    const { queuePrefix: prefix, redis: server } = config;
    const stores = { db: open.mirror.db, redis: open.redis, prefix, server };
    await claimQueues(stores);
    // A run may take hours, and this process may work on its jobs itself.
    const owner = keepQueues(stores, log);
    defer(owner.stop);
    return Promise.race([work({ ...open, prefix }), owner.lost]);
  });
}

/**
 * Runs `work` with the database and the queues, for commands that need no Odoo.
 *
 * @throws DatabaseUnavailableError, DatabaseNotMigratedError, RedisUnavailableError, ForeignQueuesError
 */
export async function withStores<T>(
  config: Config,
  work: (stores: { readonly db: Database; readonly queues: Queues }) => Promise<T>,
): Promise<T> {
  await checkDatabase(config);
  await checkRedis(config.redis);
  return withResources(async (defer) => {
    const { db, close } = openDatabase(config.databaseUrl, { max: 2, timeouts: config.databaseTimeouts });
    defer(close);
    const log = createLogger(config.logLevel, 'cli', 'at once', config.prettyLogs);
    const redis = openRedis(config.redis, 'producer', log);
    defer(() => redis.disconnect());
    const queues = openQueues(redis, config.queuePrefix, log);
    defer(queues.close);
    await claimQueues({ db, redis, prefix: config.queuePrefix, server: config.redis });
    return work({ db, queues });
  });
}

/**
 * Runs `work` on the database, which is all it needs.
 *
 * @throws ConfigError, DatabaseUnavailableError, DatabaseNotMigratedError
 */
export async function withDatabase<T>(
  env: Environment | undefined,
  work: (db: Database) => Promise<T>,
): Promise<T> {
  const config = readDatabaseConfig(env);
  await checkDatabase(config);
  const { db, close } = openDatabase(config.databaseUrl, { max: 1, timeouts: config.databaseTimeouts });
  try {
    return await work(db);
  } finally {
    await close();
  }
}

/**
 * Asked first, so that what is wrong is one clear sentence.
 *
 * @throws DatabaseUnavailableError, DatabaseNotMigratedError
 */
export async function checkDatabase(config: DatabaseConfig): Promise<void> {
  const pending = await missingMigrations(config);
  if (pending.length > 0) throw new DatabaseNotMigratedError(config.databaseUrl, pending);
}

/** @throws DatabaseUnavailableError */
export async function missingMigrations({
  databaseUrl,
  databaseTimeouts,
}: DatabaseConfig): Promise<string[]> {
  const { db, close } = openDatabase(databaseUrl, { max: 1, timeouts: databaseTimeouts });
  try {
    return await pendingMigrations(db);
  } catch (cause) {
    throw new DatabaseUnavailableError(databaseUrl, cause);
  } finally {
    await close();
  }
}

/**
 * Asked on a connection of its own: those of BullMQ wait for Redis as long as it takes.
 *
 * @throws RedisUnavailableError
 */
async function checkRedis(server: RedisConfig): Promise<void> {
  const redis = openRedis(server, 'producer', createLogger('silent', 'cli'));
  let connectionError: Error | undefined;
  redis.on('error', (error) => {
    connectionError = error;
  });
  try {
    await redis.ping();
  } catch (cause) {
    throw new RedisUnavailableError(server, connectionError ?? cause);
  } finally {
    redis.disconnect();
  }
}
