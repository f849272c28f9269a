import { once } from 'node:events';
import {
  type Config,
  type DatabaseConfig,
  type MirrorConfig,
  type RedisConfig,
  readDatabaseConfig,
  readTrytonConfig,
} from '../config/index.ts';
import { type Database, openDatabase } from '../db/client.ts';
import { pendingMigrations } from '../db/migrate.ts';
import { BC_MIRROR, registerMirror } from '../db/mirrors.ts';
import { DatabaseNotMigratedError, DatabaseUnavailableError } from '../db/schema-check.ts';
import { clientOptions } from '../gateway.ts';
import { openQueues, type Queues } from '../queues/queues.ts';
import { answerOf, openRedis, type RedisConnection } from '../queues/redis.ts';
import { withResources } from '../shared/lifecycle.ts';
import { createLogger, type Logger } from '../shared/logger.ts';
import type { SyncContext } from '../sync/context.ts';
import { mirrorNamed, openMirrors } from '../sync/create-context.ts';
import { claimQueues, keepQueues } from '../sync/queue-ownership.ts';
import { TrytonClient } from '../tryton/client.ts';
import { UnknownMirrorError } from './errors.ts';
import { type CommandContext, type Environment, type Io, QUIET } from './io.ts';
import { whileBusy } from './progress.ts';

type Defer = (release: () => Promise<unknown>) => void;

export interface OpenMirror {
  readonly mirror: SyncContext;
  readonly redis: RedisConnection;
  readonly prefix: string;
}

/**
 * Runs `work` with the mirror open, after PostgreSQL and Redis have answered.
 *
 * @throws DatabaseUnavailableError, DatabaseNotMigratedError, RedisUnavailableError, ForeignQueuesError
 */
export async function withMirror<T>(
  io: Io,
  config: MirrorConfig,
  work: (open: OpenMirror) => Promise<T>,
  name = BC_MIRROR,
): Promise<T> {
  await whileBusy(io, CONNECTING, checkStores(config));
  return withResources(async (defer) => {
    const log = createLogger(config.logLevel, 'cli', 'at once', config.prettyLogs);
    const { mirrors, redis } = openMirrors(config, log, defer);
    const mirror = mirrorNamed(mirrors, name);
    if (mirror === null)
      throw new UnknownMirrorError(
        name,
        mirrors.map(({ definition }) => definition.name),
      );
    const { queuePrefix: prefix, redis: server } = config;
    const stores = { db: mirror.db, redis, prefix, server };
    await claimQueues(stores);
    await Promise.all(config.mirrors.map((own) => registerMirror(mirror.db, own)));
    // A run may take hours, and this process may process its jobs.
    const owner = keepQueues(stores, log);
    defer(owner.stop);
    return Promise.race([work({ mirror, redis, prefix }), owner.lost]);
  });
}

/**
 * Runs `work` with the database and the queues, for commands that need no Odoo.
 *
 * @throws DatabaseUnavailableError, DatabaseNotMigratedError, RedisUnavailableError, ForeignQueuesError
 */
export async function withStores<T>(
  io: Io,
  config: Config,
  work: (stores: { readonly db: Database; readonly queues: Queues }) => Promise<T>,
): Promise<T> {
  await whileBusy(io, CONNECTING, checkStores(config));
  return withResources(async (defer) => {
    const db = openPool(config, defer);
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
 * Runs `work` with the database only.
 *
 * @throws ConfigError, DatabaseUnavailableError, DatabaseNotMigratedError
 */
export async function withDatabase<T>(
  env: Environment | undefined,
  work: (db: Database) => Promise<T>,
): Promise<T> {
  return withResources(async (defer) => work(await openChecked(readDatabaseConfig(env), defer)));
}

/**
 * Opens PostgreSQL once it has answered and has all migrations.
 *
 * @throws DatabaseUnavailableError, DatabaseNotMigratedError
 */
export async function openChecked(config: DatabaseConfig, defer: Defer): Promise<Database> {
  await checkDatabase(config);
  return openPool(config, defer);
}

function openPool({ databaseUrl, databaseTimeouts }: DatabaseConfig, defer: Defer): Database {
  const { db, close } = openDatabase(databaseUrl, { max: 2, timeouts: databaseTimeouts });
  defer(close);
  return db;
}

const CONNECTING = 'Connecting to PostgreSQL and Redis';

/**
 * Called first, so that the error is one clear sentence.
 *
 * @throws DatabaseUnavailableError, DatabaseNotMigratedError, RedisUnavailableError
 */
async function checkStores(config: DatabaseConfig & Pick<Config, 'redis'>): Promise<void> {
  await checkDatabase(config);
  await checkRedis(config.redis);
}

/** @throws DatabaseUnavailableError, DatabaseNotMigratedError */
async function checkDatabase(config: DatabaseConfig): Promise<void> {
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
 * Uses its own connection, because those of BullMQ wait for Redis without a limit.
 *
 * @throws RedisUnavailableError
 */
async function checkRedis(server: RedisConfig): Promise<void> {
  const redis = openRedis(server, 'producer', createLogger('silent', 'cli'));
  try {
    await answerOf(redis, server, () => redis.ping());
  } finally {
    redis.disconnect();
  }
}

const REDIS_WAIT_MS = 2000;

/**
 * Runs `work` with a client of Tryton. With Redis it shares session and cache with the API. Without Redis it opens its
 * own session and ends it, because abandoned sessions slow Tryton down.
 *
 * @throws ConfigError if no Tryton is configured.
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
    // The work is done, so an error of the server does not matter.
    if (redis === null) defer(() => tryton.logout().catch(() => {}));
    return work(tryton);
  });
}

/** Null if Redis does not answer in time. */
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
