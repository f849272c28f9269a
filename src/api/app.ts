import { randomUUID } from 'node:crypto';
import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import { fastify, LogController } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';
import { guardApi } from './access.ts';
import { bcApi } from './bc-api.ts';
import type { ApiDeps } from './deps.ts';
import { closeWhileDraining } from './draining.ts';
import { describeApi } from './openapi.ts';
import { handleError, makeProblem, sendProblem } from './problem.ts';
import { parseQueryString } from './query-string.ts';
import { adminRoutes } from './routes/admin.ts';
import { failureRoutes } from './routes/failures.ts';
import { healthRoutes } from './routes/health.ts';
import { hookRoutes } from './routes/hooks.ts';
import { incidentRoutes } from './routes/incidents.ts';
import { modelRoute } from './routes/model.ts';
import { requestRoutes } from './routes/requests.ts';
import { runRoutes } from './routes/runs.ts';
import { syncRoutes } from './routes/sync.ts';
import { trytonPingRoute } from './routes/tryton-ping.ts';
import { trytonRpcRoute } from './routes/tryton-rpc.ts';

const BODY_LIMIT_BYTES = 1024 * 1024;
/** Time a client has to send its whole request: slow senders do not hold a socket for ever. */
const REQUEST_TIMEOUT_MS = 30_000;
/** Longer than the idle limit of common load balancers (60 s), so that they, not we, close an idle connection. */
const KEEP_ALIVE_TIMEOUT_MS = 72_000;

export type Api = ReturnType<typeof createApi>;

/** The API without its port: routes, errors, logging, OpenAPI. `close()` leaves what `deps` holds open. */
export async function buildApp(deps: ApiDeps): Promise<FastifyInstance> {
  const api = createApi(deps.log);
  logRequests(api);
  closeWhileDraining(api, deps);
  await describeApi(api);
  await guardApi(api, deps);
  healthRoutes(api, deps);
  await bcApi(api, deps);
  syncRoutes(api, deps);
  modelRoute(api, deps);
  runRoutes(api, deps);
  failureRoutes(api, deps);
  incidentRoutes(api, deps);
  requestRoutes(api, deps);
  trytonPingRoute(api, deps);
  await trytonRpcRoute(api, deps);
  hookRoutes(api, deps);
  await adminRoutes(api, deps);
  return api;
}

function createApi(log: FastifyBaseLogger) {
  const api = fastify({
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: () => randomUUID(),
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
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

/** Many clients name JSON as the type of every POST, also of one without a body. */
function acceptEmptyJson(api: FastifyInstance): void {
  const parse = api.getDefaultJsonParser('error', 'error');
  api.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body: string, done) => {
    if (body === '') done(null, undefined);
    else void parse(request, body, done);
  });
}

/** One line for each answer. The query string stays out of the log: a caller may put anything there. */
function logRequests(api: FastifyInstance): void {
  // Looking for secrets in what cannot hold any would take longer than writing it.
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
