import compress from '@fastify/compress';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';
import { FOREIGN_PAGE_POLICY, securePages } from '../plugins/security-headers.ts';

/**
 * The OpenAPI document as a page at /docs, open to all: it tells nothing of the data. Its files are this server's own.
 * Requests that are tried out there carry the key that is given under Authorize; it is kept in the page alone.
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
