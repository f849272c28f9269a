import { randomBytes } from 'node:crypto';
import postgres from 'postgres';
import { atMost, type Stage } from '../../dev/demo/context.ts';
import { startServices } from '../../dev/services/index.ts';
import type { Workspace } from '../../dev/services/workspace.ts';
import { openWorkspace } from '../../dev/services/workspace.ts';
import { openRedis } from '../../src/queues/redis.ts';
import { createLogger } from '../../src/shared/logger.ts';

/** PostgreSQL and Redis for all rounds, and a directory for logs. */
export interface Servers {
  readonly workspace: Workspace;
  readonly databaseUrl: string;
  readonly redisUrl: string;
  /** Their versions, by name. */
  readonly versions: Readonly<Record<string, string>>;
}

const STOP_LIMIT_MS = 20_000;

/** Servers of their own, or those of `BENCH_DATABASE_URL` and `BENCH_REDIS_URL`. Everything is deferred. */
export async function startServers({ ending, screen, defer }: Stage): Promise<Servers> {
  const workspace = await openWorkspace();
  defer(() => workspace.clean());
  const starting = startServices({
    log: (line) => screen.line(line),
    variables: { database: 'BENCH_DATABASE_URL', redis: 'BENCH_REDIS_URL' },
  });
  defer(() =>
    atMost(
      STOP_LIMIT_MS,
      starting.then((services) => services.stop()).catch(() => {}),
    ),
  );
  const { databaseUrl, redisUrl } = await ending.before(starting);
  const versions = {
    PostgreSQL: await postgresVersion(databaseUrl),
    Redis: await redisVersion(redisUrl),
  };
  return { workspace, databaseUrl, redisUrl, versions };
}

/** An empty database beside the given one. `defer` drops it, because the measurement fills it. */
export async function scratchDatabase(
  { databaseUrl }: Pick<Servers, 'databaseUrl'>,
  defer: Stage['defer'],
): Promise<string> {
  const name = `passerelle_mirror_bench_${randomBytes(6).toString('hex')}`;
  // template0: it has no connections.
  await onServer(databaseUrl, (sql) => sql`create database ${sql(name)} template template0`);
  defer(() => onServer(databaseUrl, (sql) => sql`drop database if exists ${sql(name)} with (force)`));
  const url = new URL(databaseUrl);
  url.pathname = `/${name}`;
  return url.href;
}

async function onServer<T>(url: string, work: (sql: postgres.Sql) => Promise<T>): Promise<T> {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  try {
    return await work(sql);
  } finally {
    await sql.end({ timeout: 5 });
  }
}

async function postgresVersion(url: string): Promise<string> {
  const [row] = await onServer(url, (sql) => sql<{ server_version: string }[]>`show server_version`);
  return row?.server_version.split(' ')[0] ?? 'unknown';
}

async function redisVersion(url: string): Promise<string> {
  const redis = openRedis(url, 'producer', createLogger('silent', 'bench'));
  try {
    return /^redis_version:(\S+)/m.exec(await redis.info('server'))?.[1] ?? 'unknown';
  } finally {
    redis.disconnect();
  }
}
