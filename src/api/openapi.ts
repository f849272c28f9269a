import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger';
import swagger from '@fastify/swagger';
import type { FastifyInstance, RouteOptions } from 'fastify';
import { createJsonSchemaTransform } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { mirrorOfRoute } from './plugins/mirror-access.ts';
import { CODES_WITH_RETRY_AFTER, makeProblem, PROBLEM_DETAILS, problem } from './problem-details.ts';

/** Problems of any route under /api. */
const OF_ANY = ['invalid_request', 'missing_key', 'missing_scope', 'rate_limited', 'database_unavailable'];

/** Routes with an ETag; see `etag.ts`. Exports are streams and have none. */
const TAGGED = /^\/api\/v1\/bc(?!\/export)/;
const UNCHANGED = {
  304: { type: 'null', description: 'The answer is still the one that If-None-Match names. It has no body.' },
};

/** A JSON schema, or a similar object. This module only adds members. */
type Json = Record<string, unknown>;

const asJson = (value: unknown): Json => (typeof value === 'object' && value !== null ? (value as Json) : {});

function describeAnswers(
  method: string,
  path: string,
  own: Json,
  codes: readonly string[] | undefined,
): Json {
  const isUnderApi = path.startsWith('/api/');
  const known = isUnderApi ? [...(codes ?? []), ...OF_ANY] : codes;
  return {
    ...Object.fromEntries(Object.entries(own).map(([status, answer]) => [status, describeAnswer(answer)])),
    ...(method === 'GET' && TAGGED.test(path) ? UNCHANGED : {}),
    ...(known === undefined ? {} : describeProblems(known)),
  };
}

/** Moves the example of an answer that is not JSON from its schema to its media type. */
function describeAnswer(answer: unknown): Json {
  const { content, ...rest }: Json = { description: 'The answer', ...asJson(answer) };
  if (content === undefined) return rest;
  const typed = Object.entries(asJson(content)).map(([type, media]) => {
    const { examples, ...schema } = asJson(asJson(media)['schema']);
    return [type, { schema, ...(Array.isArray(examples) ? { example: examples[0] } : {}) }];
  });
  return { ...rest, content: Object.fromEntries(typed) };
}

function retryAfter(codes: readonly string[]): Json {
  const timed = codes.filter((code) => CODES_WITH_RETRY_AFTER.has(code));
  if (timed.length === 0) return {};
  const description = `seconds after which to ask again: with ${listed(timed)}`;
  return { headers: { 'Retry-After': { type: 'integer', description } } };
}

const listed = (codes: readonly string[]): string => codes.map((code) => `\`${code}\``).join(', ');

type TransformObject = NonNullable<FastifyDynamicSwaggerOptions['transformObject']>;

/**
 * Describes the parameters `filter` and `include_fields` as they are written in a query string: `filter[field]=x`,
 * `filter[field][operator]=x`, `include_fields[field]=x`. The route schema describes the parsed object.
 */
const describeFilters: TransformObject = (given) => {
  const document = 'openapiObject' in given ? given.openapiObject : given.swaggerObject;
  for (const path of Object.values(document.paths ?? {})) {
    for (const parameter of path?.get?.parameters ?? []) {
      if (!('name' in parameter)) continue;
      if (parameter.name === 'filter') Object.assign(parameter, FILTER);
      if (parameter.name === 'include_fields') Object.assign(parameter, BRACKETS);
    }
  }
  return document;
};

const value = { oneOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }] };

/** `name[member]=value` */
const BRACKETS = { style: 'deepObject', explode: true };

const FILTER = {
  ...BRACKETS,
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
      'Every answer under /api contains the rate limit of its key: RateLimit-Limit and RateLimit-Remaining in ' +
      'requests, RateLimit-Reset in seconds. A 429 has Retry-After, and so has a temporary 503. Errors are problems ' +
      'by RFC 9457: `code` is stable, `detail` is for people.\n\n' +
      'Answers of BCs have an ETag: with If-None-Match they are 304 if nothing changed. They are compressed by br or ' +
      'gzip if the client accepts it.',
  },
  servers: [{ url: '/', description: 'this server' }],
  tags: [
    { name: 'bc', description: 'mirrored documents: lists, the change feed, files' },
    { name: 'mirrors', description: 'the same for the documents of any mirror' },
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

/** Describes every route that is added after this call. `docsRoutes` serves the document. */
export async function describeApi(api: FastifyInstance): Promise<void> {
  await api.register(swagger, {
    openapi: DOCUMENT,
    transform,
    transformObject: describeFilters,
  });
}

/** Whether a key that is limited to some mirrors may be refused. */
function isOfMirror(route: Pick<RouteOptions, 'schema' | 'config'>): boolean {
  const mirror = mirrorOfRoute(route);
  return mirror !== undefined && mirror !== 'own' && mirror !== 'none';
}

const isOfDashboard = (url: string): boolean => url.startsWith('/admin');

const toJsonSchema = createJsonSchemaTransform({
  zodToJsonConfig: {
    override: ({ zodSchema, jsonSchema }) => {
      // Zod leaves out the examples of a parameter that is converted, such as a number.
      const { examples } = z.globalRegistry.get(zodSchema) ?? {};
      if (Array.isArray(examples)) jsonSchema.examples = examples;
      // Callers see the text form of `moment`.
      if (zodSchema instanceof z.ZodDate) Object.assign(jsonSchema, { type: 'string', format: 'date-time' });
    },
  },
});

const transform: NonNullable<FastifyDynamicSwaggerOptions['transform']> = (given) => {
  if (isOfDashboard(given.url)) return { schema: { hide: true }, url: given.url };
  const { schema, url } = toJsonSchema(given);
  const { config, method } = given.route;
  if (schema === undefined || schema.hide === true || typeof method !== 'string') return { schema, url };
  const security = config?.scope === undefined ? {} : { security: [{ [API_KEY]: [config.scope] }] };
  const problems = isOfMirror(given.route)
    ? [...(config?.problems ?? []), 'mirror_not_allowed']
    : config?.problems;
  const response = describeAnswers(method, url, asJson(schema.response), problems);
  return { schema: { ...schema, response, ...security }, url };
};

/** The problems by status, with an example for each code. */
function describeProblems(codes: readonly string[]): Json {
  const schema = z.toJSONSchema(problem);
  const anyProblem = { description: 'Problem', content: { 'application/problem+json': { schema } } };
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
  return { ...Object.fromEntries(answers), '4xx': anyProblem, '5xx': anyProblem };
}
