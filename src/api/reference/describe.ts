import { z } from 'zod';
import { makeProblem, problem } from '../problem.ts';
import { TELLS_WHEN } from '../retry-after.ts';
import { bcReference } from './bc.ts';
import { PROBLEM_DETAILS } from './problem-details.ts';
import type { Reference, RouteReference } from './route-reference.ts';
import { serviceReference } from './service.ts';
import { syncReference } from './sync.ts';
import { trytonReference } from './tryton.ts';

const REFERENCE: Reference = { ...bcReference, ...syncReference, ...trytonReference, ...serviceReference };

/** Any route under /api may answer these. */
const OF_ANY = ['invalid_request', 'missing_key', 'missing_scope', 'rate_limited', 'database_unavailable'];

/** What has an ETag; see `etag.ts`. An export is a stream and has none. */
const TAGGED = /^\/api\/v1\/bc(?!\/export)/;
const UNCHANGED = {
  304: { type: 'null', description: 'What If-None-Match names is the answer still; it has no body' },
};

/** A JSON schema, or what is like one: this module adds to it, and reads hardly anything of it. */
type Json = Record<string, unknown>;

/** The schema of a route with what the reference tells of it. `schema` is JSON schema already. */
export function describeRoute(method: string, path: string, schema: Json): Json {
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

function retryAfter(codes: readonly string[]): Json {
  const timed = codes.filter((code) => TELLS_WHEN.has(code));
  if (timed.length === 0) return {};
  const description = `seconds after which to ask again: with ${listed(timed)}`;
  return { headers: { 'Retry-After': { type: 'integer', description } } };
}

const listed = (codes: readonly string[]): string => codes.map((code) => `\`${code}\``).join(', ');
