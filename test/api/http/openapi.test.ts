import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { TestApi } from './start-api.ts';
import { startApi } from './start-api.ts';

interface Media {
  readonly schema: object;
  readonly example?: unknown;
  readonly examples?: Readonly<Record<string, { readonly value: unknown }>>;
}
interface Operation {
  readonly summary?: string;
  readonly description?: string;
  readonly tags?: readonly string[];
  readonly security?: readonly Readonly<Record<string, readonly string[]>>[];
  readonly parameters?: readonly (Media & { readonly name: string; readonly description?: string })[];
  readonly requestBody?: { readonly content: Readonly<Record<string, Media>> };
  readonly responses: Readonly<
    Record<string, { readonly description: string; readonly content?: Readonly<Record<string, Media>> }>
  >;
}

// The routes of a document are known before its tests are: it is made by an API that is made for that.
const api: TestApi = await startApi({
  ODOO_HOOK_SECRET: 'a-secret-of-at-least-24-letters',
  TRYTON_RPC_URL: 'http://tryton.invalid/tryton/',
  TRYTON_USER: 'gateway',
  TRYTON_PASSWORD: 'secret',
});
const document = (await api.inject('/openapi.json')).json();
afterAll(() => api.close());

const operations = Object.entries<Readonly<Record<string, Operation>>>(document.paths).flatMap(
  ([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      name: `${method.toUpperCase()} ${path}`,
      operation,
    })),
);

/** Every example of one place; none is an error. */
function examplesOf(media: Media): unknown[] {
  const examples = Object.values(media.examples ?? {}).map(({ value }) => value);
  return media.example === undefined ? examples : [media.example, ...examples];
}

/** The errors of examples by their own schema. */
function misfits(where: string, media: Media): string[] {
  const examples = examplesOf(media);
  if (examples.length === 0) return [`${where}: no example`];
  const schema = z.fromJSONSchema(media.schema as Parameters<typeof z.fromJSONSchema>[0]);
  return examples.flatMap((example) => {
    const { error } = schema.safeParse(example);
    return error === undefined ? [] : [`${where}: ${JSON.stringify(example)}: ${error.message}`];
  });
}

describe('the OpenAPI document', () => {
  const routes: string[] = [];
  beforeAll(async () => {
    // As Fastify itself draws them: a tree, with one part of a path on each line, four columns further in each time.
    const parts: string[] = [];
    for (const line of api.app.printRoutes({ commonPrefix: false }).split('\n')) {
      const [, indent = '', part = '', methods = ''] =
        /^([^\w/:*]*)(\S*)(?: \(([A-Z, ]+)\))?/.exec(line) ?? [];
      parts.length = Math.max(0, indent.length / 4 - 1);
      parts.push(part);
      for (const method of methods.split(', ')) routes.push(`${method} ${parts.join('')}`);
    }
  });

  test('is OpenAPI 3.1, with a server, and a description for each tag in use', () => {
    expect(document.openapi).toMatch(/^3\.1\./);
    expect(document.servers.length).toBeGreaterThan(0);
    const documented = document.tags.map(({ name, description }: { name: string; description: string }) => {
      expect(description).not.toBe('');
      return name;
    });
    for (const { operation } of operations) {
      expect(operation.tags?.length).toBeGreaterThan(0);
      for (const tag of operation.tags ?? []) expect(documented).toContain(tag);
    }
  });

  test('has every route under /api, and no route of the dashboard', () => {
    const ours = routes
      .map((route) => route.replaceAll(/:(\w+)/g, '{$1}').replace(/\/$/, ''))
      .filter((route) => /^(GET|POST|PUT|PATCH|DELETE) \/(api\/|hooks|healthz|readyz|metrics)/.test(route));
    expect(ours.length).toBeGreaterThan(20);
    const documented = operations.map(({ name }) => name);
    expect(ours.filter((route) => !documented.includes(route))).toEqual([]);
    expect(documented.filter((name) => name.includes('/admin'))).toEqual([]);
  });
});

describe.each(operations)('$name', ({ name, operation }) => {
  test('has words for people', () => {
    expect(operation.summary).toMatch(/\w/);
    expect(operation.description ?? '').toMatch(/\w{3}/);
  });

  test('has parameters with descriptions and right examples', () => {
    for (const parameter of operation.parameters ?? []) {
      expect(misfits(parameter.name, parameter)).toEqual([]);
    }
  });

  test('has a body and answers with right examples, and problems by their codes', () => {
    const { requestBody, responses } = operation;
    const bodies = Object.entries(requestBody?.content ?? {});
    expect(bodies.flatMap(([type, media]) => misfits(`body ${type}`, media))).toEqual([]);
    const named = Object.entries(responses).filter(([status]) => /^\d+$/.test(status));
    expect(named.some(([status]) => status.startsWith('2'))).toBe(true);
    for (const [status, { description, content = {} }] of named) {
      expect(description).not.toBe('Default Response');
      for (const [type, media] of Object.entries(content)) {
        expect(misfits(`${status} ${type}`, media)).toEqual([]);
        if (!status.startsWith('2')) expect(type).toBe('application/problem+json');
        for (const [code, { value }] of Object.entries(media.examples ?? {})) {
          if (!status.startsWith('2')) expect(value).toMatchObject({ code, status: Number(status) });
        }
      }
    }
  });

  test('names the scope that it needs, where it is under /api', () => {
    const scopes = (operation.security ?? []).flatMap((one) => Object.values(one)).flat();
    expect(scopes.length).toBe(name.includes(' /api/') ? 1 : 0);
    if (name.includes(' /api/')) {
      expect(Object.keys(operation.responses)).toEqual(
        expect.arrayContaining(['400', '401', '403', '429', '503']),
      );
    }
  });
});

test('answers that are no JSON have their own types', () => {
  const typesOf = (path: string) => Object.keys(document.paths[path].get.responses['200'].content);
  expect(typesOf('/api/v1/bc/export')).toEqual(['text/csv', 'application/x-ndjson']);
  expect(typesOf('/api/v1/sync/events')).toEqual(['text/event-stream']);
  expect(typesOf('/metrics')).toEqual(['text/plain']);
});

test('the reference in docs names every route, and none that is not there', () => {
  const text = readFileSync(new URL('../../../docs/reference/api.md', import.meta.url), 'utf8');
  const named = [...text.matchAll(/^\| `((?:GET|POST) \S+)` \|/gm)].map(([, route]) => route);
  expect(named.sort()).toEqual(operations.map(({ name }) => name).sort());
});
