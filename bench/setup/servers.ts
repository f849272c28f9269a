import { randomBytes } from 'node:crypto';
import postgres from 'postgres';
import { untilReady } from '../../dev/demo/api.ts';
import { atMost } from '../../dev/demo/context.ts';
import { startServices } from '../../dev/services/index.ts';
import { choosePort, urlOf } from '../../src/embedded/ports.ts';
import type { Workspace } from '../../src/embedded/workspace.ts';
import { openWorkspace } from '../../src/embedded/workspace.ts';
import { openRedis } from '../../src/queues/redis.ts';
import { createLogger } from '../../src/shared/logger.ts';
import type { Context } from '../context.ts';
import type { Environment } from './processes.ts';
import { startServer } from './processes.ts';

/** PostgreSQL and Redis, and a directory for logs. */
export interface Servers {
  readonly workspace: Workspace;
  readonly databaseUrl: string;
  readonly redisUrl: string;
  /** Their versions, by name. */
  readonly versions: Readonly<Record<string, string>>;
}

const HOST = '127.0.0.1';
const STOP_LIMIT_MS = 20_000;
/** The API counts requests as in production. No benchmark sends so many in a minute. */
const UNREACHABLE_LIMIT = '10000000';

/** Starts new servers, or uses those of `BENCH_DATABASE_URL` and `BENCH_REDIS_URL`. */
export async function startServers({ ending, screen, defer }: Context): Promise<Servers> {
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

/** Creates an empty database on the server. The clean-up drops it. */
export async function createDatabase({ databaseUrl }: Servers, defer: Context['defer']): Promise<string> {
  const name = `passerelle_mirror_bench_${randomBytes(6).toString('hex')}`;
  // template0 never has connections, which would make the statement fail.
  await onServer(databaseUrl, (sql) => sql`create database ${sql(name)} template template0`);
  defer(() => onServer(databaseUrl, (sql) => sql`drop database if exists ${sql(name)} with (force)`));
  const url = new URL(databaseUrl);
  url.pathname = `/${name}`;
  return url.href;
}

/** The prefix of a benchmark's keys in Redis. */
export function newPrefix(): string {
  return `passerelle-bench-${randomBytes(6).toString('hex')}`;
}

/** Starts the API as in production, on a free port. @returns its URL, once it is ready. */
export async function startApi(
  context: Context,
  { workspace, redisUrl }: Servers,
  databaseUrl: string,
  settings: Environment = {},
): Promise<string> {
  const url = urlOf(HOST, await choosePort(HOST, 0, true));
  const prefix = newPrefix();
  startServer(context, workspace, {
    ...{ name: `api-${prefix}`, module: 'dist/src/server.js' },
    env: {
      ...{ DATABASE_URL: databaseUrl, REDIS_URL: redisUrl, QUEUE_PREFIX: prefix },
      ...{ HOST, PORT: new URL(url).port, API_RATE_LIMIT: UNREACHABLE_LIMIT },
      ...settings,
    },
  });
  await untilReady(url, context.ending);
  return url;
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
