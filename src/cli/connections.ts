import { once } from 'node:events';
import {
  type Config,
  ConfigError,
  type DatabaseConfig,
  type MirrorConfig,
  type MirrorSettings,
  type RedisConfig,
  readDatabaseConfig,
  readMirrorModels,
  readTrytonConfig,
} from '../config/index.ts';
import { type Database, openDatabase } from '../db/client.ts';
import { listMirrors, registerMirror, tablesOf } from '../db/documents/mirrors.ts';
import { bcStore, type MirrorStore } from '../db/documents/tables.ts';
import { pendingMigrations } from '../db/migrate.ts';
import { BC_KEY } from '../db/schema/sync.ts';
import { DatabaseNotMigratedError, DatabaseUnavailableError } from '../db/schema-check.ts';
import { clientOptions } from '../gateway.ts';
import { mirrorPrefix, openQueues, type Queues } from '../queues/queues.ts';
import { answerOf, openRedis, type RedisConnection } from '../queues/redis.ts';
import { withResources } from '../shared/lifecycle.ts';
import { createLogger, type Logger } from '../shared/logger.ts';
import { BC_MIRROR } from '../shared/mirror-names.ts';
import type { SyncContext } from '../sync/context.ts';
import { openMirrors } from '../sync/create-context.ts';
import { claimQueues, keepQueues } from '../sync/queue-ownership.ts';
import { TrytonClient } from '../tryton/client.ts';
import { MirrorNeverRanError } from './errors.ts';
import { type CommandContext, type Environment, type Io, QUIET } from './io.ts';
import { mirrorNamed } from './mirrors.ts';
import { whileBusy } from './progress.ts';

type Defer = (release: () => Promise<unknown>) => void;

interface OpenMirrors {
  /** In the order of the configuration. */
  readonly mirrors: readonly SyncContext[];
  readonly redis: RedisConnection;
  readonly prefix: string;
}

export interface OpenMirror extends Omit<OpenMirrors, 'mirrors'> {
  readonly mirror: SyncContext;
}

/**
 * Runs `work` with the mirror of that name open, after PostgreSQL and Redis have answered. Without a name: `bc`, or the
 * first one.
 *
 * @throws UnknownMirrorError, DatabaseUnavailableError, DatabaseNotMigratedError, RedisUnavailableError, ForeignQueuesError
 */
export async function withMirror<T>(
  io: Io,
  config: MirrorConfig,
  work: (open: OpenMirror) => Promise<T>,
  name?: string,
): Promise<T> {
  const chosen = mirrorNamed(config.mirrors, name);
  const openOne = ({ mirrors: [mirror], ...open }: OpenMirrors) => {
    if (mirror === undefined) throw new Error(`The mirror ${chosen.name} was not opened.`);
    return work({ ...open, mirror });
  };
  return withMirrors(io, config, openOne, [chosen]);
}

/**
 * The same with all mirrors of the configuration.
 *
 * @throws DatabaseUnavailableError, DatabaseNotMigratedError, RedisUnavailableError, ForeignQueuesError
 */
export async function withMirrors<T>(
  io: Io,
  config: MirrorConfig,
  work: (open: OpenMirrors) => Promise<T>,
  opened: readonly MirrorSettings[] = config.mirrors,
): Promise<T> {
  await whileBusy(io, CONNECTING, checkStores(config));
  return withResources(async (defer) => {
    const log = createLogger(config.logLevel, 'cli', 'at once', config.prettyLogs);
    const { mirrors, db, redis } = openMirrors(config, log, defer, {}, opened);
    const { queuePrefix: prefix, redis: server } = config;
    const stores = { db, redis, prefix, server };
    await claimQueues(stores);
    for (const own of config.mirrors) await registerMirror(db, own);
    // A run may take hours, and this process may process its jobs.
    const owner = keepQueues(stores, log);
    defer(owner.stop);
    return Promise.race([work({ mirrors, redis, prefix }), owner.lost]);
  });
}

export interface OpenStores {
  readonly db: Database;
  readonly redis: RedisConnection;
  /** Opens the queues of a mirror; they are closed after the work. */
  readonly queuesOf: (mirror: string) => Queues;
}

/**
 * Runs `work` with the database and the queues, for commands that need no Odoo.
 *
 * @throws DatabaseUnavailableError, DatabaseNotMigratedError, RedisUnavailableError, ForeignQueuesError
 */
export async function withStores<T>(
  io: Io,
  config: Config,
  work: (stores: OpenStores) => Promise<T>,
): Promise<T> {
  await whileBusy(io, CONNECTING, checkStores(config));
  return withResources(async (defer) => {
    const db = openPool(config, defer);
    const log = createLogger(config.logLevel, 'cli', 'at once', config.prettyLogs);
    const redis = openRedis(config.redis, 'producer', log);
    defer(() => redis.disconnect());
    const queuesOf = (name: string) => {
      const queues = openQueues(redis, mirrorPrefix(config.queuePrefix, name), log);
      defer(queues.close);
      return queues;
    };
    await claimQueues({ db, redis, prefix: config.queuePrefix, server: config.redis });
    return work({ db, redis, queuesOf });
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

/** A mirror of the table `mirror`, with its tables. */
export interface StoredMirror extends MirrorStore<Database> {
  readonly name: string;
  readonly key: string;
}

/**
 * The mirrors that ever ran, by name. `bc` is one of them if there is no other, because a process of an older version
 * does not enter it into the list.
 */
export async function storedMirrors(db: Database): Promise<StoredMirror[]> {
  const rows = await listMirrors(db);
  if (rows.length === 0) return [{ ...bcStore(db), name: BC_MIRROR, key: BC_KEY }];
  return rows.map((row) => ({ ...tablesOf(row), db, name: row.name, key: row.key }));
}

const NO_FILE = { mirrors: null, problems: [] };

/**
 * Runs `work` with the tables of one mirror, which may have left the configuration. Needs the database only. Without a
 * name: `bc` or the first mirror of MIRRORS_FILE; without a file, of those that ever ran.
 *
 * @throws ConfigError, UnknownMirrorError, MirrorNeverRanError, DatabaseUnavailableError, DatabaseNotMigratedError
 */
export async function withStoredMirror<T>(
  env: Environment | undefined,
  name: string | undefined,
  work: (mirror: StoredMirror) => Promise<T>,
): Promise<T> {
  const { mirrors: inFile, problems } = name === undefined ? readMirrorModels(env) : NO_FILE;
  if (inFile === null && problems.length > 0) throw new ConfigError(problems);
  return withDatabase(env, async (db) => {
    const stored = await storedMirrors(db);
    if (inFile === null) return work(mirrorNamed(stored, name));
    const chosen = mirrorNamed(inFile, undefined);
    const found = stored.find((mirror) => mirror.name === chosen.name);
    if (found === undefined) throw new MirrorNeverRanError(chosen.name);
    return work(found);
  });
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
