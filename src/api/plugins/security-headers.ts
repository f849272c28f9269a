import type { FastifyHelmetOptions } from '@fastify/helmet';
import helmet from '@fastify/helmet';
import type { FastifyInstance } from 'fastify';

/** Half a year. Of this host name only: what other names serve is not ours to say. */
const HSTS = 'max-age=15552000';

/** Of answers that are data: a browser that opens one runs nothing of it, shows it in no frame, and believes its type. */
const OF_DATA = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
} as const;

/** What a page may load, by directive. */
type Policy = Readonly<Record<string, readonly string[]>>;

const OWN: Policy = {
  'default-src': ["'self'"],
  'base-uri': ["'self'"],
  'form-action': ["'self'"],
  'frame-ancestors': ["'none'"],
  'object-src': ["'none'"],
};

/** The dashboard: its own files, nothing inline. */
export const DASHBOARD_POLICY = OWN;

/**
 * Pages that we did not write, bull-board and Swagger UI: they style inline what they draw, and have small pictures in
 * their styles. Fonts that bull-board wants from elsewhere stay away.
 */
export const FOREIGN_PAGE_POLICY: Policy = {
  ...OWN,
  'style-src': ["'self'", "'unsafe-inline'"],
  'img-src': ["'self'", 'data:'],
};

/**
 * Headers of every answer that is added after this call: those of data, for which no route has to do anything. Fixed
 * ones, because helmet makes its own anew for each request. HSTS is said where the browser came by TLS, which only a
 * trusted proxy can tell. There are no CORS headers: no page of another origin reads an answer.
 */
export async function secureAnswers(api: FastifyInstance): Promise<void> {
  await api.register(helmet, { global: false });
  api.addHook('onRequest', (request, reply, done) => {
    reply.headers(OF_DATA);
    if (request.protocol === 'https') reply.header('strict-transport-security', HSTS);
    done();
  });
}

/** Headers of a scope that serves pages, in place of those of data. */
export function securePages(scope: FastifyInstance, policy: Policy): void {
  const options: FastifyHelmetOptions = {
    contentSecurityPolicy: { useDefaults: false, directives: mutable(policy) },
    referrerPolicy: { policy: 'same-origin' },
    strictTransportSecurity: false,
    xFrameOptions: { action: 'deny' },
  };
  scope.addHook('onRequest', async (_request, reply) => {
    for (const name of Object.keys(OF_DATA)) reply.removeHeader(name);
    await reply.helmet(options);
  });
}

const mutable = (policy: Policy) =>
  Object.fromEntries(Object.entries(policy).map(([name, sources]) => [name, [...sources]]));
