import type { FastifyInstance } from 'fastify';
import { buildApp } from '../../src/api/app.ts';
import type { ApiDeps } from '../../src/api/deps.ts';
import { readConfig } from '../../src/config.ts';
import { createLogger } from '../../src/logger.ts';
import { openRedis } from '../../src/queues/connection.ts';
import { openQueues } from '../../src/queues/queues.ts';
import { freshDatabase } from '../harness/database.ts';
import { freshPrefix, redisUrl } from '../harness/redis.ts';

export interface TestApi extends ApiDeps {
  readonly app: FastifyInstance;
  close(): Promise<void>;
}

const ODOO = {
  ODOO_URL: 'http://odoo.invalid',
  ODOO_DB: 'prod',
  ODOO_USER: 'mirror',
  ODOO_PASSWORD: 'secret',
};

/** The API on a database and queues of its own. `env` overrides variables; an empty text unsets one. */
export async function startApi(env: Record<string, string> = {}): Promise<TestApi> {
  const database = await freshDatabase();
  const config = readConfig({
    DATABASE_URL: database.url,
    REDIS_URL: redisUrl(),
    QUEUE_PREFIX: freshPrefix(),
    ...ODOO,
    ...env,
  });
  const log = createLogger('silent', 'test');
  const redis = openRedis(config.redisUrl, 'producer', log);
  const queues = openQueues(redis, config.queuePrefix, log);
  const app = await buildApp({ config, db: database.db, queues, redis, log });
  await app.ready();
  return {
    app,
    config,
    db: database.db,
    queues,
    redis,
    log,
    close: async () => {
      await app.close();
      await queues.close();
      redis.disconnect();
      await database.close();
    },
  };
}
