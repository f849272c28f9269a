import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger';
import swagger from '@fastify/swagger';
import type { FastifyInstance } from 'fastify';
import { jsonSchemaTransform } from 'fastify-type-provider-zod';
import { problem } from './problem.ts';

/** Describes every route that is added after this call, at `/openapi.json`. */
export async function describeApi(api: FastifyInstance): Promise<void> {
  await api.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Passerelle',
        version: '1',
        description:
          'Odoo documents as they stand in the mirror, the runs that bring them, and calls of Tryton methods. ' +
          'Every answer under /api tells ' +
          'the rate limit of its key: RateLimit-Limit and RateLimit-Remaining in requests, RateLimit-Reset in seconds.',
      },
      tags: [
        { name: 'bc', description: 'mirrored documents' },
        { name: 'sync', description: 'runs, state and failures of the mirror' },
        { name: 'tryton', description: 'the gateway to Tryton' },
        { name: 'health', description: 'probes' },
      ],
      components: {
        securitySchemes: {
          [API_KEY]: { type: 'http', scheme: 'bearer', description: 'made by `passerelle keys create`' },
        },
      },
    },
    transform: describeAccess,
  });
  api.get('/openapi.json', { schema: { hide: true } }, async () => api.swagger());
}

const API_KEY = 'apiKey';

/** What comes of the scope that a route declares. */
const describeAccess: NonNullable<FastifyDynamicSwaggerOptions['transform']> = (given) => {
  const { schema, route } = given;
  const scope = route.config?.scope;
  if (scope === undefined || schema === undefined) return jsonSchemaTransform(given);
  const response = {
    ...(schema.response as object | undefined),
    401: refusal('No API key, or one that is not good (any more)'),
    403: refusal('The key does not reach this'),
    429: refusal('Too many requests; Retry-After tells the seconds to wait'),
  };
  return jsonSchemaTransform({
    ...given,
    schema: { ...schema, security: [{ [API_KEY]: [scope] }], response },
  });
};

function refusal(description: string) {
  return { description, content: { 'application/problem+json': { schema: problem } } };
}
