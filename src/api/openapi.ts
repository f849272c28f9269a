import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger';
import swagger from '@fastify/swagger';
import type { FastifyInstance } from 'fastify';
import { jsonSchemaTransform } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { makeProblem, PROBLEM_DETAILS, problem, TELLS_WHEN } from './problem-details.ts';
import { bcReference } from './routes/documents/examples.ts';
import { serviceReference } from './routes/health.ts';
import { syncReference } from './routes/sync/examples.ts';
import { trytonReference } from './routes/tryton/rpc.ts';
import type { Reference, RouteReference } from './schemas.ts';

const REFERENCE: Reference = { ...bcReference, ...syncReference, ...trytonReference, ...serviceReference };

/** Any route under /api may answer these. */
const OF_ANY = ['invalid_request', 'missing_key', 'missing_scope', 'rate_limited', 'database_unavailable'];

/** Routes with an ETag; see `etag.ts`. Exports are streams and have none. */
const TAGGED = /^\/api\/v1\/bc(?!\/export)/;
const UNCHANGED = {
  304: { type: 'null', description: 'What If-None-Match names is the answer still; it has no body' },
};

/** A JSON schema, or a similar object. This module only adds members. */
type Json = Record<string, unknown>;

/** Adds descriptions, examples and problems to the schema of a route. `schema` is already JSON schema. */
function describeRoute(method: string, path: string, schema: Json): Json {
  const told = REFERENCE[`${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`];
  if (told === undefined) return schema;
  const underApi = path.startsWith('/api/');
  return {
    ...schema,
    description: schema['description'] ?? told.description,
    ...withParameters(schema, told),
    ...(told.body === undefined ? {} : { body: { ...asJson(schema['body']), examples: [told.body] } }),
    response: {
      ...withAnswer(asJson(schema['response']), told),
      ...(method === 'GET' && TAGGED.test(path) ? UNCHANGED : {}),
      ...problems(underApi ? [...told.problems, ...OF_ANY] : told.problems),
    },
  };
}

const asJson = (value: unknown): Json => (typeof value === 'object' && value !== null ? (value as Json) : {});

function withParameters(schema: Json, { parameters = {} }: RouteReference): Json {
  const parts = ['params', 'querystring'].filter((part) => schema[part] !== undefined);
  return Object.fromEntries(
    parts.map((part) => {
      const properties = asJson(asJson(schema[part])['properties']);
      const described = Object.entries(properties).map(([name, property]) => {
        const example = parameters[name];
        return [name, example === undefined ? property : { ...asJson(property), examples: [example] }];
      });
      return [part, { ...asJson(schema[part]), properties: Object.fromEntries(described) }];
    }),
  );
}

/** Only one answer of each route is good. */
function withAnswer(responses: Json, { answer }: RouteReference): Json {
  return Object.fromEntries(
    Object.entries(responses).map(([status, response]) => {
      if (!status.startsWith('2')) return [status, response];
      const { content, ...rest }: Json = { description: 'The answer', ...asJson(response) };
      if (answer === undefined) return [status, { ...rest, ...(content === undefined ? {} : { content }) }];
      if (content === undefined) return [status, { ...rest, examples: [answer] }];
      const typed = Object.entries(asJson(content)).map(([type, media]) => {
        const example = type.endsWith('ndjson') ? NDJSON : answer;
        return [type, { ...asJson(media), example }];
      });
      return [status, { ...rest, content: Object.fromEntries(typed) }];
    }),
  );
}

const NDJSON = '{"odooId":42,"fields":{"id":42,"name":"BC/2026/00042"},"archivedAt":null}\n';

function retryAfter(codes: readonly string[]): Json {
  const timed = codes.filter((code) => TELLS_WHEN.has(code));
  if (timed.length === 0) return {};
  const description = `seconds after which to ask again: with ${listed(timed)}`;
  return { headers: { 'Retry-After': { type: 'integer', description } } };
}

const listed = (codes: readonly string[]): string => codes.map((code) => `\`${code}\``).join(', ');

type TransformObject = NonNullable<FastifyDynamicSwaggerOptions['transformObject']>;

/**
 * Describes the parameter `filter` as it is written in a query string: `filter[field]=x`,
 * `filter[field][operator]=x`. The route schema describes the parsed object.
 */
const describeFilters: TransformObject = (given) => {
  const document = 'openapiObject' in given ? given.openapiObject : given.swaggerObject;
  for (const path of Object.values(document.paths ?? {})) {
    for (const parameter of path?.get?.parameters ?? []) {
      if ('name' in parameter && parameter.name === 'filter') Object.assign(parameter, FILTER);
    }
  }
  return document;
};

const value = { oneOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }] };

const FILTER = {
  style: 'deepObject',
  explode: true,
  schema: {
    type: 'object',
    additionalProperties: { oneOf: [{ type: 'string' }, { type: 'object', additionalProperties: value }] },
  },
};

const API_KEY = 'apiKey';

const DOCUMENT = {
  openapi: '3.1.0',
  info: {
    title: 'Passerelle',
    version: '1',
    license: { name: 'MIT', identifier: 'MIT' },
    description:
      'The mirrored Odoo documents, the runs that fetch them, and calls of Tryton methods.\n\n' +
      'Every answer under /api contains the rate limit of its key: RateLimit-Limit and RateLimit-Remaining in requests, ' +
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

/** The answers that are problems, by status, with an example for each code. */
function problems(codes: readonly string[]): Json {
  const schema = z.toJSONSchema(problem);
  const byStatus = new Map<string, Json>();
  for (const code of codes) {
    const value = makeProblem(code, PROBLEM_DETAILS[code]);
    const examples = byStatus.get(String(value.status)) ?? {};
    byStatus.set(String(value.status), { ...examples, [code]: { value } });
  }
  const answers = [...byStatus].map(([status, examples]) => {
    const content = { 'application/problem+json': { schema, examples } };
    const its = Object.keys(examples);
    return [status, { description: listed(its), ...retryAfter(its), content }];
  });
  return Object.fromEntries(answers);
}
