import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';
import type { ApiContext } from '../context.ts';
import { keepAnswers } from '../plugins/fixed-answers.ts';
import { limitAddresses } from '../plugins/rate-limit.ts';
import { FOREIGN_PAGE_POLICY, securePages } from '../plugins/security-headers.ts';

/**
 * Serves the OpenAPI document at /openapi.json, and as a page at /docs, without a login; it contains no data. All files
 * come from this server. Requests from the page carry the key that the user enters under Authorize; only the page keeps
 * it. With DOCS=off neither exists.
 */
export async function docsRoutes(
  api: FastifyInstance,
  deps: Pick<ApiContext, 'config' | 'cacheRedis'>,
): Promise<void> {
  if (!deps.config.http.docs) return;
  const limit = limitAddresses(deps);
  await api.register(async (document) => {
    document.addHook('onRequest', limit);
    keepAnswers(document);
    document.get('/openapi.json', { schema: { hide: true } }, async () => api.swagger());
  });
  await api.register(async (pages) => {
    securePages(pages, FOREIGN_PAGE_POLICY);
    pages.addHook('onRequest', limit);
    keepAnswers(pages);
    await pages.register(swaggerUi, {
      routePrefix: '/docs',
      theme: { title: 'Passerelle API' },
      uiConfig: {
        deepLinking: true,
        docExpansion: 'list',
        defaultModelsExpandDepth: -1,
        tryItOutEnabled: true,
      },
    });
  });
}
