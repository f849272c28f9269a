import type { Config } from '../src/config/index.ts';
import type { Database } from '../src/db/client.ts';
import { pendingMigrations } from '../src/db/migrate.ts';
import { BadMetricsTokenError, checkToken } from '../src/observability/metrics/token.ts';
import type { WorkerMetrics } from '../src/observability/metrics/worker-metrics.ts';
import { depth } from '../src/queues/queues.ts';
import { errorMessage, PasserelleError } from '../src/shared/errors.ts';
import type { Log } from '../src/shared/logger.ts';
import { resultWithin } from '../src/shared/timeout.ts';
import type { SyncContext } from '../src/sync/context.ts';

/** The servers that a worker needs for its work. Its mirrors share one connection to Redis. */
interface Served {
  readonly db: Database;
  readonly mirrors: readonly Pick<SyncContext, 'queues'>[];
}

/** A check that takes longer counts as failed. */
const LIMIT_MS = 2000;

/**
 * Another process, usually another worker, listens on METRICS_PORT.
 *
 * @fix Give each worker of a machine its own METRICS_PORT, or unset it.
 */
class MetricsPortError extends PasserelleError {
  readonly code = 'metrics_port_unusable';
  constructor(port: number, reason: unknown) {
    super(
      `METRICS_PORT ${port} cannot be listened on (${errorMessage(reason)}); each worker of a machine needs its own.`,
    );
  }
}

/**
 * Serves `/metrics`, `/healthz` and `/readyz` if METRICS_PORT is set. A worker without a mirror has no work, so it is
 * always ready. `close` aborts answers in progress.
 *
 * @throws MetricsPortError
 */
export async function serveProbes(
  { http: { host }, metrics: { port, token } }: Pick<Config, 'http' | 'metrics'>,
  metrics: WorkerMetrics,
  served: Served | null,
  log: Log,
): Promise<{ close(): Promise<unknown> }> {
  if (port === null) return { close: async () => {} };
  // Loaded only with a port: it costs each start about 0.2 s of CPU.
  const { fastify } = await import('fastify');
  const server = fastify({ forceCloseConnections: true });
  server.get('/healthz', async () => ({ status: 'ok' }));
  server.get('/readyz', async (_request, reply) => {
    const missing = served === null ? [] : await missingOf(served);
    if (missing.length === 0) return { status: 'ready' };
    return reply.code(503).send({ status: 'not_ready', missing });
  });
  // The probes need no token.
  server.get('/metrics', async ({ headers }, reply) => {
    checkToken(token, headers.authorization);
    const { contentType, text } = await metrics.scrape();
    return reply.type(contentType).send(text);
  });
  server.setNotFoundHandler((_request, reply) => reply.code(404).send({ status: 'not_found' }));
  server.setErrorHandler((error, { url }, reply) => {
    if (error instanceof BadMetricsTokenError)
      return reply.code(401).send({ code: error.code, detail: error.message });
    log.error({ url, reason: errorMessage(error) }, 'a probe failed');
    return reply.code(500).send();
  });
  try {
    await server.listen({ host, port });
  } catch (error) {
    throw new MetricsPortError(port, error);
  }
  return server;
}

/** Names of the servers that do not answer. */
async function missingOf({ db, mirrors }: Served): Promise<string[]> {
  const [first] = mirrors;
  const [pending, jobs] = await Promise.all([
    resultWithin(() => pendingMigrations(db), LIMIT_MS),
    first === undefined ? 0 : resultWithin(() => depth(first.queues.sync), LIMIT_MS),
  ]);
  return [
    ...(pending === null ? ['postgresql'] : []),
    ...(pending !== null && pending.length > 0 ? ['migrations'] : []),
    ...(jobs === null ? ['redis'] : []),
  ];
}
