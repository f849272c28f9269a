import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify';
import type postgres from 'postgres';
import { buildApp } from '../../../src/api/app.ts';
import { API_SETTINGS, type ApiContext, type ApiSettings } from '../../../src/api/context.ts';
import { readApiConfig } from '../../../src/config/index.ts';
import type { NewApiKey } from '../../../src/db/api-keys.ts';
import { createApiKey } from '../../../src/db/api-keys.ts';
import { registerMirror } from '../../../src/db/documents/mirrors.ts';
import { openGateway } from '../../../src/gateway.ts';
import { openApiMetrics } from '../../../src/observability/metrics/api-metrics.ts';
import { mirrorPrefix, openQueues } from '../../../src/queues/queues.ts';
import { openRedis } from '../../../src/queues/redis.ts';
import { createLogger } from '../../../src/shared/logger.ts';
import { freshDatabase } from '../../support/database.ts';
import { allowSlowAnswers, freshPrefix, redisUrl } from '../../support/redis.ts';
import { waitFor } from '../../support/wait-for.ts';

export interface TestApi extends ApiContext {
  readonly app: FastifyInstance;
  /** A session of its own, for what others do meanwhile. */
  reserve(): Promise<postgres.ReservedSql>;
  /** A key for everything. */
  readonly key: string;
  /** The login of the admin pages, as a header. */
  readonly admin: { readonly authorization: string };
  /** Sends a request with that key (under /admin: with the login), or with the `authorization` that is given. */
  inject(request: string | InjectOptions): Promise<LightMyRequestResponse>;
  /** The header with a new key. */
  headerOf(key: Omit<NewApiKey, 'name'>): Promise<{ authorization: string }>;
  close(): Promise<void>;
}

const ODOO = {
  ODOO_URL: 'http://odoo.invalid',
  ODOO_DB: 'prod',
  ODOO_USER: 'mirror',
  ODOO_PASSWORD: 'secret',
};

/** Administration methods have to be named. */
const METHODS = ['*', 'model.res.user.*', 'model.res.user.warning.*'];

export const basic = (user: string, password: string) => ({
  authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
});

export const bearer = (key: string) => ({ authorization: `Bearer ${key}` });

/**
 * The API on a database and queues of its own. `env` overrides variables; an empty text unsets one. `replaced`
 * replaces parts of its context, `settings` its settings.
 */
export async function startApi(
  env: Record<string, string> = {},
  replaced: Partial<ApiContext> = {},
  settings: Partial<ApiSettings> = {},
): Promise<TestApi> {
  const database = await freshDatabase();
  const config = readApiConfig({
    DATABASE_URL: database.url,
    REDIS_URL: redisUrl(),
    QUEUE_PREFIX: freshPrefix(),
    ...ODOO,
    ...env,
  });
  const log = replaced.log ?? createLogger('silent', 'test');
  const redis = openRedis(config.redis, 'producer', log);
  const cacheRedis = openRedis(config.redis, 'cache', log);
  allowSlowAnswers(cacheRedis);
  // A call waits for a connection for 250 ms only, which is short on a loaded machine.
  if (env['REDIS_URL'] === undefined)
    await waitFor(() => cacheRedis.status === 'ready', 'the connection to Redis');
  const queues = openQueues(redis, config.queuePrefix, log);
  const others = new Map(
    config.mirrors
      .filter(({ name }) => name !== 'bc')
      .map(({ name }) => [name, openQueues(redis, mirrorPrefix(config.queuePrefix, name), log)]),
  );
  const stores = { redis: cacheRedis, prefix: config.queuePrefix, db: database.db };
  const releases: (() => Promise<void>)[] = [];
  const metrics = openApiMetrics();
  const defer = (release: () => Promise<void>) => releases.push(release);
  const gateway = openGateway(config.tryton, stores, log, defer, metrics.gateway);
  for (const mirror of config.mirrors) await registerMirror(database.db, mirror);
  const stopping = new AbortController().signal;
  const opened = {
    config,
    db: database.db,
    reserveDb: replaced.db ?? database.db,
    queues,
    queuesOf: (name: string) => others.get(name) ?? queues,
    redis,
    cacheRedis,
    log,
    metrics,
    tracing: null,
    stopping,
  };
  const deps: ApiContext = { ...opened, ...gateway, ...replaced };
  const app = await buildApp(deps, { ...API_SETTINGS, ...settings });
  await app.ready();
  await waitFor(() => cacheRedis.status === 'ready', 'the connection to Redis');
  const { key } = await createApiKey(database.db, { name: 'test', scopes: ['admin'], methods: METHODS });
  const admin = basic(config.http.adminUser, config.http.adminPassword);
  return {
    ...deps,
    app,
    reserve: database.reserve,
    key,
    admin,
    inject: (request) => injectWith(app, urlOf(request).startsWith('/admin') ? admin : bearer(key), request),
    headerOf: async (wanted) => bearer((await createApiKey(database.db, { name: 'a test', ...wanted })).key),
    close: async () => {
      await app.close();
      for (const release of releases.reverse()) await release();
      await queues.close();
      redis.disconnect();
      cacheRedis.disconnect();
      await database.close();
    },
  };
}

/** With `key`, unless the request brings a key of its own. */
export function inject(app: FastifyInstance, key: string, request: string | InjectOptions) {
  return injectWith(app, bearer(key), request);
}

function injectWith(
  app: FastifyInstance,
  login: { readonly authorization: string },
  request: string | InjectOptions,
) {
  const options = typeof request === 'string' ? { url: request } : request;
  return app.inject({ ...options, headers: { ...login, ...options.headers } });
}

function urlOf(request: string | InjectOptions): string {
  const url = typeof request === 'string' ? request : request.url;
  return typeof url === 'string' ? url : (url?.pathname ?? '');
}
