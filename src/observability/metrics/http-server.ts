import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server } from 'node:http';
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
 * @param token null: everybody may look, there is neither a secret nor anything of a BC in them.
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
  /** See METRICS_TOKEN; the probes are open. */
  readonly token: string | null;
  readonly scrape: () => Promise<Scraped>;
  /** Names of the servers that do not answer; empty if the worker is ready. */
  readonly missing: () => Promise<readonly string[]>;
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

/**
 * Serves `/metrics`, `/healthz` and `/readyz` of a process without an API. `close` aborts answers in
 * progress.
 *
 * @throws MetricsPortError
 */
export async function serveMetrics(served: Served): Promise<{ close(): void }> {
  const server = createServer((request, response) => {
    answer(request, served).then(
      ({ status, type, text }) => response.writeHead(status, { 'content-type': type }).end(text),
      () => response.writeHead(500).end(),
    );
  });
  await listening(server, served);
  return {
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

function listening(server: Server, { host, port }: Served): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(new MetricsPortError(port, error)));
    server.listen({ host, port }, resolve);
  });
}

async function answer({ url = '', headers }: IncomingMessage, served: Served): Promise<Answer> {
  switch (url.split('?', 1)[0]) {
    case '/healthz':
      return json(200, { status: 'ok' });
    case '/readyz': {
      const missing = await served.missing();
      return missing.length === 0
        ? json(200, { status: 'ready' })
        : json(503, { status: 'not_ready', missing });
    }
    case '/metrics':
      return metrics(headers.authorization, served);
    default:
      return json(404, { status: 'not_found' });
  }
}

async function metrics(authorization: string | undefined, { token, scrape }: Served): Promise<Answer> {
  try {
    checkToken(token, authorization);
  } catch (error) {
    if (error instanceof BadMetricsTokenError) return json(401, { code: error.code, detail: error.message });
    throw error;
  }
  const { contentType: type, text } = await scrape();
  return { status: 200, type, text };
}

const json = (status: number, value: object): Answer => ({
  status,
  type: 'application/json',
  text: JSON.stringify(value),
});
