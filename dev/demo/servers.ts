import { sql } from 'drizzle-orm';
import type { Redis } from 'ioredis';
import { type Database, openDatabase } from '../../src/db/client.ts';
import { migrate } from '../../src/db/migrate.ts';
import { bc } from '../../src/db/schema/documents.ts';
import { openQueues, type Queues } from '../../src/queues/queues.ts';
import { openRedis } from '../../src/queues/redis.ts';
import { createLogger } from '../../src/shared/logger.ts';
import { type Services, startServices } from '../services/index.ts';
import { atMost, type Context } from './context.ts';
import { ForeignMirrorError } from './errors.ts';

/** Limit for servers that are still starting when the end comes. After it, their watcher removes them. */
const SERVICES_LIMIT_MS = 20_000;
const QUEUES_LIMIT_MS = 5000;

/** PostgreSQL and Redis, given or started by the demo. */
export async function startStores({ ending, screen, defer }: Context): Promise<Services> {
  const starting = startServices({
    log: (line) => screen.line(line),
    variables: { database: 'DATABASE_URL', redis: 'REDIS_URL' },
  });
  defer(() =>
    atMost(
      SERVICES_LIMIT_MS,
      starting.then((services) => services.stop()).catch(() => {}),
    ),
  );
  return ending.before(starting);
}

/** Migrates the database and opens it. */
export async function openMigrated({ ending, defer }: Context, url: string) {
  await ending.before(migrate(url));
  const { db, close } = openDatabase(url, { max: 4 });
  defer(close);
  return db;
}

/**
 * The queues of the worker. If `prefix` is `own`, all its keys are deleted at the end: a given Redis is left unchanged.
 */
export function openDemoQueues({ defer }: Context, url: string, prefix: string, own: boolean): Queues {
  const log = createLogger('silent', 'demo');
  const redis = openRedis(url, 'producer', log);
  defer(() => redis.disconnect());
  const queues = openQueues(redis, prefix, log);
  defer(() => atMost(QUEUES_LIMIT_MS, queues.close()));
  if (own) defer(() => atMost(QUEUES_LIMIT_MS, removeKeys(redis, prefix)));
  return queues;
}

/** The keys of the queues and of the API. */
async function removeKeys(redis: Redis, prefix: string): Promise<void> {
  for await (const keys of redis.scanStream({ match: `${prefix}:*`, count: 1000 })) {
    if (keys.length > 0) await redis.unlink(keys);
  }
}

const MARK = 'mirrors the sandbox of the demo';

/**
 * Marks a given, migrated database as the demo's, unless it has the mirror of a real Odoo.
 *
 * @throws ForeignMirrorError
 */
export async function claimDatabase(db: Database): Promise<void> {
  const [found] = await db.execute<{ used: boolean; mark: string | null }>(sql`
    select exists(select from ${bc}) as used, obj_description('sync_state'::regclass, 'pg_class') as mark`);
  if (found?.used === true && found.mark !== MARK) throw new ForeignMirrorError();
  await db.execute(sql.raw(`comment on table sync_state is '${MARK}'`));
}
