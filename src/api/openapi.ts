import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger';
import swagger from '@fastify/swagger';
import type { FastifyInstance } from 'fastify';
import { jsonSchemaTransform } from 'fastify-type-provider-zod';
import { describeRoute } from './reference/describe.ts';
import { describeFilters } from './reference/filters.ts';

const API_KEY = 'apiKey';

const DOCUMENT = {
  openapi: '3.1.0',
  info: {
    title: 'Passerelle',
    version: '1',
    license: { name: 'MIT', identifier: 'MIT' },
    description:
      'Odoo documents as they stand in the mirror, the runs that bring them, and calls of Tryton methods.\n\n' +
      'Every answer under /api tells the rate limit of its key: RateLimit-Limit and RateLimit-Remaining in requests, ' +
      'RateLimit-Reset in seconds. A 429 has Retry-After, and so has a 503 that passes by itself. Errors are problems ' +
      'by RFC 9457: `code` is stable, `detail` is for people.\n\n' +
      'Answers of BCs have an ETag: with If-None-Match they are 304 while nothing changed. They come compressed by ' +
      'br or gzip to who accepts that.',
  },
  servers: [{ url: '/', description: 'this server' }],
  tags: [
    { name: 'bc', description: 'mirrored documents: lists, the change feed, files' },
    { name: 'sync', description: 'runs, state and failures of the mirror' },
    { name: 'tryton', description: 'the gateway to Tryton' },
    { name: 'health', description: 'probes and figures' },
  ],
  components: {
    securitySchemes: {
      [API_KEY]: {
        type: 'http',
        scheme: 'bearer',
        description: 'a key made by `passerelle keys create`, with the scopes that a route names',
      },
    },
  },
} satisfies FastifyDynamicSwaggerOptions['openapi'];

/** Describes every route that is added after this call, at `/openapi.json`. */
export async function describeApi(api: FastifyInstance): Promise<void> {
  await api.register(swagger, {
    openapi: DOCUMENT,
    transform,
    transformObject: describeFilters,
  });
  api.get('/openapi.json', { schema: { hide: true } }, async () => api.swagger());
}

/** The dashboard's copy of the API is for the dashboard. */
const isOfDashboard = (url: string): boolean => url.startsWith('/admin');

const transform: NonNullable<FastifyDynamicSwaggerOptions['transform']> = (given) => {
  if (isOfDashboard(given.url)) return { schema: { hide: true }, url: given.url };
  const { schema, url } = jsonSchemaTransform(given);
  const { config, method } = given.route;
  if (schema === undefined || schema.hide === true || typeof method !== 'string') return { schema, url };
  const security = config?.scope === undefined ? {} : { security: [{ [API_KEY]: [config.scope] }] };
  return { schema: { ...describeRoute(method, url, { ...schema }), ...security }, url };
};
