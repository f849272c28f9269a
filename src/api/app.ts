import { randomUUID } from 'node:crypto';
import { type FastifyBaseLogger, type FastifyInstance, fastify, LogController } from 'fastify';
import { serializerCompiler, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import { Checks } from '../checks/index.ts';
import type { Config } from '../config/index.ts';
import { API_SETTINGS, type Api, type ApiContext, type ApiSettings } from './context.ts';
import { describeApi } from './openapi.ts';
import { guardApi } from './plugins/api-key-auth.ts';
import { limitUrls, parseQueryString, serverLimits } from './plugins/http-limits.ts';
import { QueryLimit } from './plugins/query-limit.ts';
import { secureAnswers } from './plugins/security-headers.ts';
import { trustedProxies, warnOfWideNetworks } from './plugins/trusted-proxies.ts';
import { handleError, makeProblem, sendProblem } from './problem-details.ts';
import { adminRoutes } from './routes/admin.ts';
import { docsRoutes } from './routes/api-docs.ts';
import { ExportPlaces } from './routes/documents/export.ts';
import { serveMirrors } from './routes/documents/place.ts';
import { healthRoutes, measureAnswers, metricsRoute } from './routes/health.ts';
import { mirrorRoutes, type Shared } from './routes/index.ts';
import { SyncStateBroadcaster } from './routes/sync/events.ts';
import { hookRoutes } from './routes/sync/odoo-webhook.ts';
import { TrytonStatusProbe } from './routes/tryton/ping.ts';
import { trytonRpcRoute } from './routes/tryton/rpc.ts';

/** Connections become idle after the close began, and would wait for a next request. */
const CHECK_INTERVAL_MS = 50;

/** While the process stops, each answer closes its connection, so that clients reconnect elsewhere. */
function closeWhileDraining(api: Api, { stopping }: Pick<ApiContext, 'stopping'>): void {
  api.addHook('onRequest', (_request, reply, done) => {
    if (stopping.aborted) reply.header('connection', 'close');
    done();
  });
}

/** Accepts no new requests, and returns when those in progress are answered, without a time limit. */
export async function closeWhenAnswered(api: FastifyInstance): Promise<void> {
  const look = setInterval(() => api.server.closeIdleConnections(), CHECK_INTERVAL_MS);
  try {
    await api.close();
  } finally {
    clearInterval(look);
  }
}

/**
 * The HTTP API without its port: BCs, runs, the Tryton gateway, webhooks, probes, metrics, /docs and /admin.
 *
 * Lifecycle: the caller opens `deps`, builds the app and listens. To stop, it aborts `deps.stopping`, waits for the
 * load balancer, calls `closeWhenAnswered`, and then closes `deps`; the app closes none of them.
 *
 * Order of the hooks: tracing, log, metrics, security headers, URL limit, API key and rate limit, handler. Hooks and
 * the OpenAPI document cover only routes that are added after them, so the order of the calls below matters.
 *
 * Invariants: every route under /api declares a scope. Every error is a problem by RFC 9457 with a stable code. The
 * routes of /api/v1 (but not Tryton calls) are mounted again under /admin, behind the admin login.
 *
 *     const app = await buildApp(deps);
 *     const answer = await app.inject({ url: '/api/v1/bc', headers: { authorization: `Bearer ${key}` } });
 */
export async function buildApp(
  deps: ApiContext,
  settings: ApiSettings = API_SETTINGS,
): Promise<FastifyInstance> {
  const api = createApi(deps.config, deps.log, settings);
  warnOfWideNetworks(deps.config.http.trustProxy, deps.log);
  if (deps.tracing !== null) await api.register(deps.tracing.http);
  logRequests(api);
  measureAnswers(api, deps);
  closeWhileDraining(api, deps);
  await secureAnswers(api);
  limitUrls(api);
  await describeApi(api);
  await guardApi(api, deps);
  const shared = share(api, deps, settings);
  healthRoutes(api, deps);
  metricsRoute(api, deps);
  await mirrorRoutes(api, deps, shared);
  await trytonRpcRoute(api, deps);
  hookRoutes(api, deps);
  await docsRoutes(api, deps);
  await adminRoutes(api, deps, shared, settings.webRoot);
  return api;
}

/** Objects that all mounts of the API share: event broadcaster, checks, Tryton status, limits of exports and queries. */
function share(api: Api, deps: ApiContext, settings: ApiSettings): Shared {
  const mirrors = serveMirrors(deps);
  const feed = new SyncStateBroadcaster(deps, mirrors, {
    everyMs: settings.eventEveryMs,
    heartbeatMs: settings.eventHeartbeatMs,
    stateTimeoutMs: settings.eventStateTimeoutMs,
  });
  // A stream does not end by itself, and the server would wait for it.
  api.addHook('preClose', async () => feed.close());
  const checks = new Checks(deps);
  api.addHook('onClose', () => checks.close());
  const trytonStatus = deps.tryton === null ? null : new TrytonStatusProbe(deps.tryton, deps);
  return {
    mirrors,
    feed,
    checks,
    trytonStatus,
    exports: new ExportPlaces(settings.exportPieceMs),
    queries: new QueryLimit(settings),
  };
}

function createApi(config: Config, log: FastifyBaseLogger, settings: ApiSettings): Api {
  const api = fastify({
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: () => randomUUID(),
    ...serverLimits(settings),
    trustProxy: trustedProxies(config.http.trustProxy),
    forceCloseConnections: 'idle',
    routerOptions: { querystringParser: parseQueryString, ignoreTrailingSlash: true },
    frameworkErrors: handleError,
  }).withTypeProvider<ZodTypeProvider>();
  acceptEmptyJson(api);
  api.setValidatorCompiler(validatorCompiler);
  api.setSerializerCompiler(serializerCompiler);
  api.setErrorHandler(handleError);
  api.setNotFoundHandler((request, reply) =>
    sendProblem(reply, makeProblem('not_found', `No route ${request.method} ${path(request.url)}.`)),
  );
  return api;
}

/** Many clients send the JSON type with every POST, even without a body. */
function acceptEmptyJson(api: FastifyInstance): void {
  const parse = api.getDefaultJsonParser('error', 'error');
  api.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body: string, done) => {
    if (body === '') done(null, undefined);
    else void parse(request, body, done);
  });
}

/** Logs one line for each answer, without the query string, which may contain secrets. */
function logRequests(api: FastifyInstance): void {
  // These members contain no secrets, and redaction takes longer than writing them.
  const log = api.log.child({}, { redact: [] });
  api.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id);
    done();
  });
  api.addHook('onResponse', (request, reply, done) => {
    log.info(
      {
        reqId: request.id,
        method: request.method,
        path: path(request.url),
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime),
        ...(request.apiKey === null ? {} : { key: request.apiKey.prefix }),
      },
      'request',
    );
    done();
  });
}

const path = (url: string): string => url.split('?', 1)[0] ?? url;
