import { statfs } from 'node:fs/promises';
import { sql } from 'drizzle-orm';
import type { Config } from '../config/index.ts';
import type { Database } from '../db/client.ts';
import { findInstallation } from '../db/installation.ts';
import { pendingMigrations } from '../db/migrate.ts';
import { BC_KEY } from '../db/schema/sync.ts';
import { DatabaseNotMigratedError, DatabaseUnavailableError } from '../db/schema-check.ts';
import { ownerKey } from '../queues/owner.ts';
import { connectedWorkers, type Queues } from '../queues/queues.ts';
import { answerOf, type RedisConnection } from '../queues/redis.ts';
import { placeOfUrl } from '../shared/redact.ts';
import { withTimeout } from '../shared/timeout.ts';
import { type Finding, failed, NO_WORKER, ok, warning } from './findings.ts';

export interface CheckedStores {
  readonly config: Config;
  readonly db: Database;
  readonly redis: RedisConnection;
  readonly queues: Queues;
}

/** The oldest that has everything that is used. */
const OLDEST_POSTGRES = 14;
/** BullMQ needs 6.2; the tests run on 7. */
const OLDEST_REDIS = 6.2;
/** A worker uses up to about thirty connections, the API twelve. */
const ENOUGH_CONNECTIONS = 60;
const GIGABYTE = 1e9;

/** Below this share or size, PostgreSQL may soon fill its disk. */
const FREE_SHARE = 0.1;
const FREE_BYTES = 2 * GIGABYTE;

const STORE_LIMIT_MS = 5000;

export async function* checkPostgres({ config, db }: CheckedStores): AsyncGenerator<Finding> {
  const facts = await postgresFacts(db).catch((cause: unknown) => {
    throw new DatabaseUnavailableError(config.databaseUrl, cause);
  });
  const version = `Version ${facts.version} at ${placeOfUrl(config.databaseUrl)}, ${size(facts.bytes)}`;
  yield Number.parseInt(facts.version, 10) >= OLDEST_POSTGRES
    ? ok('version', version)
    : failed('version', version, `Use PostgreSQL ${OLDEST_POSTGRES} or newer.`);
  const pending = await pendingMigrations(db);
  yield pending.length === 0
    ? ok('migrations', 'All migrations are applied.')
    : failed('migrations', new DatabaseNotMigratedError(config.databaseUrl, pending).message);
  yield rightsOf(facts);
  yield* settingsOf(facts);
  yield* diskOf(facts);
}

type PostgresFacts = Awaited<ReturnType<typeof postgresFacts>>;

async function postgresFacts(db: Database) {
  const [row] = await db.execute<{
    version: string;
    bytes: string;
    user: string;
    mayCreate: boolean;
    isReplica: boolean;
    isReadOnly: boolean;
    encoding: string;
    commit: string;
    connections: number;
    directory: string | null;
  }>(sql`
    select current_setting('server_version') as version, pg_database_size(current_database())::text as bytes,
      current_user as "user", coalesce(has_schema_privilege(current_schema(), 'create'), false) as "mayCreate",
      pg_is_in_recovery() as "isReplica", current_setting('default_transaction_read_only')::bool as "isReadOnly",
      current_setting('server_encoding') as encoding, current_setting('synchronous_commit') as commit,
      current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int as connections,
      case when pg_has_role('pg_read_all_settings', 'usage') then current_setting('data_directory') end as directory`);
  if (row === undefined) throw new Error('PostgreSQL gave no answer');
  return row;
}

function rightsOf({ user, mayCreate, isReplica, isReadOnly }: PostgresFacts): Finding {
  if (isReplica)
    return failed(
      'rights',
      'This PostgreSQL is a standby, which can only be read.',
      'Name the primary in DATABASE_URL.',
    );
  if (isReadOnly)
    return failed(
      'rights',
      `Transactions of ${user} can only read (default_transaction_read_only).`,
      `Run: alter role ${user} set default_transaction_read_only = off`,
    );
  return mayCreate
    ? ok('rights', `${user} may create tables and views.`)
    : failed(
        'rights',
        `${user} may not create tables or views.`,
        `Run: grant create on schema public to ${user}`,
      );
}

function* settingsOf({ encoding, commit, connections }: PostgresFacts): Generator<Finding> {
  yield encoding === 'UTF8'
    ? ok('encoding', 'The encoding is UTF8.')
    : failed(
        'encoding',
        `The encoding is ${encoding}.`,
        'Create the database with: createdb --encoding UTF8',
      );
  yield connections >= ENOUGH_CONNECTIONS
    ? ok('connections', `${connections} connections are allowed.`)
    : warning(
        'connections',
        `Only ${connections} connections are allowed. A worker uses up to thirty, the API twelve.`,
        'Raise max_connections.',
      );
  if (commit === 'off')
    yield warning(
      'synchronous_commit',
      'synchronous_commit is off: a crash of PostgreSQL may lose the last changes, until a sweep reads them again.',
      'Set synchronous_commit to on.',
    );
}

/** The disk is visible only if PostgreSQL runs on this machine and the user may read its settings. */
async function* diskOf({ directory }: PostgresFacts): AsyncGenerator<Finding> {
  const disk = directory === null ? null : await statfs(directory).catch(() => null);
  if (disk === null) return;
  const [free, total] = [disk.bavail * disk.bsize, disk.blocks * disk.bsize];
  const text = `${size(free)} of ${size(total)} are free on the disk of PostgreSQL.`;
  yield free < Math.min(FREE_BYTES, total * FREE_SHARE)
    ? failed('disk', text, 'Make room: PostgreSQL stops when its disk is full.')
    : ok('disk', text);
}

const size = (bytes: number | string): string =>
  Number(bytes) >= GIGABYTE
    ? `${(Number(bytes) / GIGABYTE).toFixed(1)} GB`
    : `${Math.ceil(Number(bytes) / 1e6)} MB`;

export async function* checkRedis({ config, db, redis }: CheckedStores): AsyncGenerator<Finding> {
  const info = await redisInfo({ config, redis });
  const version = `Version ${info.get('redis_version')} at ${placeOfUrl(config.redis.url)}`;
  yield Number.parseFloat(info.get('redis_version') ?? '') >= OLDEST_REDIS
    ? ok('version', version)
    : failed('version', version, `Use Redis ${OLDEST_REDIS} or newer.`);
  const policy = info.get('maxmemory_policy');
  yield policy === 'noeviction'
    ? ok('policy', 'Keys are never evicted (maxmemory-policy noeviction).')
    : failed(
        'policy',
        `Redis may evict keys (maxmemory-policy ${policy}), so jobs would be lost.`,
        'Set maxmemory-policy noeviction in redis.conf.',
      );
  yield info.get('aof_enabled') === '1'
    ? ok('persistence', 'Redis keeps every write on disk (appendonly yes).')
    : warning(
        'persistence',
        'Redis does not keep every write on disk: after a restart jobs may be missing, and the next runs read again.',
        'Set appendonly yes in redis.conf.',
      );
  yield await ownerOf({ config, db, redis });
}

async function redisInfo({
  config,
  redis,
}: Pick<CheckedStores, 'config' | 'redis'>): Promise<Map<string, string>> {
  const text = await answerOf(redis, config.redis, () => within(redis.info()));
  return new Map(text.split('\r\n').map((line) => line.split(':', 2) as [string, string]));
}

const within = <T>(work: Promise<T>): Promise<T> =>
  withTimeout(
    work,
    STORE_LIMIT_MS,
    () => new Error(`no answer within ${STORE_LIMIT_MS / 1000} s`),
    undefined,
  );

async function ownerOf({ config, db, redis }: Omit<CheckedStores, 'queues'>): Promise<Finding> {
  const prefix = config.queuePrefix;
  const [owner, own] = await Promise.all([
    within(redis.get(ownerKey(prefix))),
    // Without PostgreSQL or its tables the installation is unknown.
    findInstallation(db, BC_KEY).catch(() => null),
  ]);
  if (owner === null || own === null) return ok('owner', `The keys ${prefix}:* have no owner yet.`);
  return owner === own
    ? ok('owner', `The keys ${prefix}:* belong to this installation.`)
    : failed(
        'owner',
        `The keys ${prefix}:* belong to another installation.`,
        `Set another QUEUE_PREFIX, or delete the key ${ownerKey(prefix)} if that installation no longer exists.`,
      );
}

export async function* checkWorkers({ config, queues }: CheckedStores): AsyncGenerator<Finding> {
  if (config.odoo === null) return;
  const workers = await within(connectedWorkers(queues)).catch(() => null);
  if (workers === null)
    yield failed('workers', 'Whether workers are connected is unknown while Redis is away.');
  else
    yield workers === 0
      ? failed('workers', NO_WORKER)
      : ok('workers', `${workers} ${workers === 1 ? 'worker is' : 'workers are'} connected.`);
}
