import swagger from '@fastify/swagger';
import type { FastifyInstance } from 'fastify';
import { jsonSchemaTransform } from 'fastify-type-provider-zod';

/** Describes every route that is added after this call, at `/openapi.json`. */
export async function describeApi(api: FastifyInstance): Promise<void> {
  await api.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Passerelle',
        version: '1',
        description: 'Odoo documents as they stand in the mirror, and the runs that bring them.',
      },
      tags: [
        { name: 'bc', description: 'mirrored documents' },
        { name: 'sync', description: 'runs, state and failures of the mirror' },
        { name: 'health', description: 'probes' },
      ],
    },
    transform: jsonSchemaTransform,
  });
  api.get('/openapi.json', { schema: { hide: true } }, async () => api.swagger());
}
