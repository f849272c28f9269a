import { createHash, timingSafeEqual } from 'node:crypto';
import { fastify } from 'fastify';
import { errorMessage, PasserelleError } from '../../shared/errors.ts';
import type { Scraped } from './registry.ts';

/** Missing or invalid metrics token. Send METRICS_TOKEN as `Authorization: Bearer <token>`. */
class BadMetricsTokenError extends PasserelleError {
  readonly code = 'bad_metrics_token';
  constructor() {
    super('Missing or invalid metrics token. Send METRICS_TOKEN as `Authorization: Bearer <token>`.');
  }
}

/**
 * @param token null: no token is needed, because metrics contain no secret and no content of a BC.
 * @throws BadMetricsTokenError
 */
export function checkToken(token: string | null, authorization: string | undefined): void {
  if (token === null) return;
  const digest = (text: string) => createHash('sha256').update(text).digest();
  if (!timingSafeEqual(digest(authorization ?? ''), digest(`Bearer ${token}`)))
    throw new BadMetricsTokenError();
}

/** Another process, usually another worker, listens on METRICS_PORT. */
class MetricsPortError extends PasserelleError {
  readonly code = 'metrics_port_unusable';
  constructor(port: number, reason: unknown) {
    super(
      `METRICS_PORT ${port} cannot be listened on (${errorMessage(reason)}); each worker of a machine needs its own.`,
    );
  }
}

interface Served {
  readonly host: string;
  readonly port: number;
  /** See METRICS_TOKEN. Probes need none. */
  readonly token: string | null;
  readonly scrape: () => Promise<Scraped>;
  /** Names of the servers that do not answer; empty if the worker is ready. */
  readonly missing: () => Promise<readonly string[]>;
}

/**
 * Serves `/metrics`, `/healthz` and `/readyz` of a process without an API. `close` aborts answers in
 * progress.
 *
 * @throws MetricsPortError
 */
export async function serveMetrics({ host, port, token, scrape, missing }: Served) {
  const server = fastify({ forceCloseConnections: true });
  server.get('/healthz', async () => ({ status: 'ok' }));
  server.get('/readyz', async (_request, reply) => {
    const found = await missing();
    if (found.length === 0) return { status: 'ready' };
    return reply.code(503).send({ status: 'not_ready', missing: found });
  });
  server.get('/metrics', async ({ headers }, reply) => {
    checkToken(token, headers.authorization);
    const { contentType, text } = await scrape();
    return reply.type(contentType).send(text);
  });
  server.setNotFoundHandler((_request, reply) => reply.code(404).send({ status: 'not_found' }));
  server.setErrorHandler((error, _request, reply) =>
    error instanceof BadMetricsTokenError
      ? reply.code(401).send({ code: error.code, detail: error.message })
      : reply.code(500).send(),
  );
  try {
    await server.listen({ host, port });
  } catch (error) {
    throw new MetricsPortError(port, error);
  }
  return server;
}
