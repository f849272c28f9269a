import compress from '@fastify/compress';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';
import { FOREIGN_PAGE_POLICY, securePages } from '../plugins/security-headers.ts';

/**
 * Serves the OpenAPI document as a page at /docs without a login; it contains no data. All files come from this server.
 * Requests from the page carry the key that the user enters under Authorize; only the page keeps it.
 */
export async function docsRoutes(api: FastifyInstance): Promise<void> {
  await api.register(async (pages) => {
    securePages(pages, FOREIGN_PAGE_POLICY);
    await pages.register(compress, { encodings: ['br', 'gzip'], globalDecompression: false });
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
