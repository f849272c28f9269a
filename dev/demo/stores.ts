import type { Redis } from 'ioredis';
import { openDatabase } from '../../src/db/client.ts';
import { migrate } from '../../src/db/migrate.ts';
import type { Queues } from '../../src/queues/queues.ts';
import { openQueues } from '../../src/queues/queues.ts';
import { openRedis } from '../../src/queues/redis.ts';
import { createLogger } from '../../src/shared/logger.ts';
import type { Services } from '../services/index.ts';
import { startServices } from '../services/index.ts';
import type { Stage } from './stage.ts';
import { atMost } from './stage.ts';

/** Servers that are still being started when the end comes get this long; then their watcher does the rest. */
const SERVICES_LIMIT_MS = 20_000;
const QUEUES_LIMIT_MS = 5000;

/** PostgreSQL and Redis, given or started here. */
export async function startStores({ ending, screen, defer }: Stage): Promise<Services> {
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
export async function openMigrated({ ending, defer }: Stage, url: string) {
  await ending.before(migrate(url));
  const { db, close } = openDatabase(url, { max: 4 });
  defer(close);
  return db;
}

/** The queues the worker reads. At the end all keys of `prefix` go where it is `own`: a given Redis is left as it was. */
export function openDemoQueues({ defer }: Stage, url: string, prefix: string, own: boolean): Queues {
  const log = createLogger('silent', 'demo');
  const redis = openRedis(url, 'producer', log);
  defer(() => redis.disconnect());
  const queues = openQueues(redis, prefix, log);
  defer(() => atMost(QUEUES_LIMIT_MS, queues.close()));
  if (own) defer(() => atMost(QUEUES_LIMIT_MS, removeKeys(redis, prefix)));
  return queues;
}

/** Queues, and what the API keeps beside them. */
async function removeKeys(redis: Redis, prefix: string): Promise<void> {
  for await (const keys of redis.scanStream({ match: `${prefix}:*`, count: 1000 })) {
    if (keys.length > 0) await redis.unlink(keys);
  }
}
