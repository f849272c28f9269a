import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { FastifyInstance, RouteOptions } from 'fastify';
import { fastify } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { guardApi } from '../../../src/api/plugins/api-key-auth.ts';
import { assertMethodAllowed } from '../../../src/api/routes/tryton/rpc.ts';
import type { Scope } from '../../../src/db/schema/gateway.ts';
import { SCOPES } from '../../../src/db/schema/gateway.ts';
import { read } from '../../repo/listed-documents.ts';
import type { TestApi } from '../http/start-api.ts';
import { bearer, startApi } from '../http/start-api.ts';

/** Every route that the app was given, described or not. */
const routes: RouteOptions[] = [];
const listen = (message: unknown) => {
  const { fastify: made } = message as { fastify: FastifyInstance };
  made.addHook('onRoute', (route) => void routes.push(route));
};

let api: TestApi;
const headers = new Map<Scope, { authorization: string }>();
beforeAll(async () => {
  subscribe('fastify.initialization', listen);
  api = await startApi();
  unsubscribe('fastify.initialization', listen);
  for (const scope of SCOPES) headers.set(scope, await api.headerOf({ scopes: [scope] }));
});
afterAll(() => api.close());

/** Each route under /api with each of its methods, ids filled in. */
const guarded = () =>
  routes
    .filter(({ url }) => url.startsWith('/api'))
    .flatMap(({ method, url, config }) =>
      [method].flat().map((one) => ({
        method: one as 'GET' | 'HEAD' | 'POST',
        url: url.replaceAll(/:\w+/g, '1'),
        scope: config?.scope,
      })),
    );
const shown = ({ method, url }: { method: string; url: string }) => `${method} ${url}`;

describe('every route under /api', () => {
  it('is seen by these tests', () => {
    const seen = guarded().map(shown);
    expect(seen).toContain('HEAD /api/v1/bc');
    expect(seen).toContain('POST /api/v1/sync/failures/1/retry');
    expect(seen.length).toBeGreaterThanOrEqual(19);
  });

  it('answers 401 without a key', async () => {
    for (const route of guarded()) {
      const answer = await api.app.inject({ method: route.method, url: route.url });
      expect([shown(route), answer.statusCode]).toEqual([shown(route), 401]);
      if (route.method !== 'HEAD') expect(answer.json().code).toBe('missing_key');
    }
  });

  it('answers 403 to a key of any other scope, and names its own', async () => {
    for (const route of guarded()) {
      const { method, url, scope } = route;
      for (const other of SCOPES.filter((one) => one !== scope && one !== 'admin')) {
        const answer = await api.app.inject({ method, url, headers: headers.get(other) ?? {} });
        expect([shown(route), other, answer.statusCode]).toEqual([shown(route), other, 403]);
        if (method === 'HEAD') continue;
        expect(answer.json()).toMatchObject({
          code: 'missing_scope',
          detail: expect.stringContaining(scope ?? '?'),
        });
      }
    }
  });

  it('lets its own scope in, and admin', async () => {
    for (const route of guarded()) {
      const { method, url, scope = 'admin' } = route;
      for (const one of [scope, 'admin'] as const) {
        // As streams: live events have no end.
        const answer = await api.app.inject({
          ...{ method, url, headers: headers.get(one) ?? {} },
          payloadAsStream: true,
        });
        answer.stream().destroy();
        expect([401, 403], `${shown(route)} for ${one}`).not.toContain(answer.statusCode);
      }
    }
  });

  it('reads with bc:read, and changes with another scope', () => {
    for (const route of guarded().filter(({ url }) => /^\/api\/v1\/(bc|sync)/.test(url))) {
      const wanted = route.method === 'POST' ? 'sync:write' : 'bc:read';
      expect([shown(route), route.scope]).toEqual([shown(route), wanted]);
    }
  });

  it('is described with its scope and its refusals', async () => {
    const { paths, components } = (await api.app.inject('/openapi.json')).json();
    expect(components.securitySchemes.apiKey).toMatchObject({ type: 'http', scheme: 'bearer' });
    for (const { url, method, config } of routes.filter((route) => route.url.startsWith('/api'))) {
      if (method === 'HEAD') continue;
      const described = paths[url.replaceAll(/:(\w+)/g, '{$1}')][String(method).toLowerCase()];
      expect(described.security).toEqual([{ apiKey: [config?.scope] }]);
      for (const status of ['401', '403', '429']) {
        expect(described.responses[status].content).toHaveProperty('application/problem+json');
      }
    }
    expect(paths['/healthz'].get).not.toHaveProperty('security');
  });
});

it('a route under /api that declares no scope stops the API from starting', async () => {
  const app = fastify();
  await guardApi(app, api);
  expect(() => app.get('/api/v1/open', async () => 'open')).toThrow(
    'GET /api/v1/open is under /api and declares no scope',
  );
  await app.close();
});

it.each(['/healthz', '/readyz', '/openapi.json', '/docs'])('%s needs no key', async (url) => {
  expect((await api.app.inject(url)).statusCode).toBe(200);
});

it('/admin/queues needs the login of the admin, and no key', async () => {
  expect((await api.app.inject({ url: '/admin/queues', headers: api.admin })).statusCode).toBe(200);
  expect((await api.app.inject({ url: '/admin/queues', headers: bearer(api.key) })).statusCode).toBe(401);
});

describe('the Tryton methods of a key', () => {
  const opens = (methods: readonly string[], method: string): boolean => {
    try {
      assertMethodAllowed({ methods }, method);
      return true;
    } catch (error) {
      expect(error).toMatchObject({ code: 'method_not_allowed', message: expect.stringContaining(method) });
      return false;
    }
  };

  it.each([
    ['model.party.party.read', true],
    ['model.party.party.fields_get', true],
    ['common.server.version', true],
    ['model.party.party.write', false],
    ['model.party.party.create', false],
    ['model.sale.sale.confirm', false],
    ['wizard.party.merge.execute', false],
    ['report.sale.sale.execute', false],
    ['common.db.list', false],
    ['common.db.login', false],
  ])('without patterns: %s is %s', (method, expected) => {
    expect(opens([], method)).toBe(expected);
  });

  it.each([
    [['model.party.party.write'], 'model.party.party.write', true],
    [['model.party.party.write'], 'model.party.party.read', false],
    [['model.party.party.write'], 'model.party.party.write2', false],
    [['model.party.*'], 'model.party.party.delete', true],
    [['model.party.*'], 'model.party_extra.party.read', false],
    [['model.*', 'wizard.*'], 'wizard.party.merge.execute', true],
    [['model.*'], 'wizard.party.merge.execute', false],
    [['*'], 'report.sale.sale.execute', true],
    [['*'], 'common.db.login', false],
    [['common.*'], 'common.db.logout', false],
    [['common.db.reset_session'], 'common.db.reset_session', false],
  ])('with %j: %s is %s', (patterns, method, expected) => {
    expect(opens(patterns, method)).toBe(expected);
  });

  it('are those of the table in the guide', () => {
    const rows = read('docs/how-to/use-the-gateway.md').matchAll(
      /^\| `([\w.*]+)` \| `([\w.]+)` \| (yes|no) \|$/gm,
    );
    const documented = [...rows].map(([, pattern = '', method = '', allowed]) => ({
      pattern,
      method,
      allowed,
    }));
    expect(documented.length).toBeGreaterThan(15);
    for (const { pattern, method, allowed } of documented)
      expect(opens([pattern], method), `${pattern} ${method}`).toBe(allowed === 'yes');
  });

  it('says how a key opens a method of administration', () => {
    expect(() => assertMethodAllowed({ methods: ['model.*'] }, 'model.res.user.write')).toThrow(
      'This key does not reach model.res.user.write: a pattern with * opens it only if it names the model before ' +
        "the *; a key made with --scope tryton:call --method 'model.res.user.write' does.",
    );
  });
});
