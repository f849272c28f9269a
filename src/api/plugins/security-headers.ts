import type { FastifyHelmetOptions } from '@fastify/helmet';
import helmet from '@fastify/helmet';
import type { FastifyInstance } from 'fastify';

/** Half a year. Without subdomains, because other host names may be served differently. */
const HSTS = 'max-age=15552000';

/** Headers of data: a browser runs no script of it, shows it in no frame and does not guess its type. */
const OF_DATA = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
} as const;

/** Sources that a page may load, by directive. */
type Policy = Readonly<Record<string, readonly string[]>>;

const OWN: Policy = {
  'default-src': ["'self'"],
  'base-uri': ["'self'"],
  'form-action': ["'self'"],
  'frame-ancestors': ["'none'"],
  'object-src': ["'none'"],
};

/** The dashboard loads its own files, nothing inline. */
export const DASHBOARD_POLICY = OWN;

/** Third-party pages, bull-board and Swagger UI: they use inline styles and small images in styles. */
export const FOREIGN_PAGE_POLICY: Policy = {
  ...OWN,
  'style-src': ["'self'", "'unsafe-inline'"],
  'img-src': ["'self'", 'data:'],
};

/**
 * Adds security headers to every answer of the routes that follow. They are fixed, because helmet would build them for
 * each request. HSTS is sent only if the browser used TLS, which a trusted proxy reports. There are no CORS headers, so
 * pages of other origins cannot read answers.
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
