import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { sql } from 'drizzle-orm';
import type { FastifyInstance, RouteOptions } from 'fastify';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { findRun } from '../../../src/db/runs/runs.ts';
import type { TestApi } from '../http/start-api.ts';
import { bearer, startApi } from '../http/start-api.ts';
import { heard, listenTo, openListener } from '../sync/event-listener.ts';

const routes: RouteOptions[] = [];
/** Sees every route of the application: its hook is there before the first one is added. */
function collect(message: unknown): void {
  const { fastify } = message as { fastify: FastifyInstance };
  fastify.addHook('onRoute', (route) => {
    routes.push(route);
  });
}

let api: TestApi;
let open: TestApi;
beforeAll(async () => {
  subscribe('fastify.initialization', collect);
  api = await startApi({ ADMIN_PASSWORD: 'sésame' });
  unsubscribe('fastify.initialization', collect);
  open = await startApi();
});
afterAll(async () => {
  await api.close();
  await open.close();
});
beforeEach(async () => {
  await api.db.execute(sql`truncate sync_log`);
  await api.queues.sync.obliterate({ force: true });
});

const chef = { authorization: `Basic ${Buffer.from('admin:sésame').toString('base64')}` };
const dashboard = { ...chef, 'x-passerelle-admin': '1' };
const RUNS = '/admin/api/v1/sync/runs';

const post = (headers: Record<string, string>, payload: string | object = { mode: 'full' }) =>
  api.app.inject({ method: 'POST', url: RUNS, headers, payload });

/** Every route of the admin's data, with an id where one is needed. */
function adminRoutes(): { method: string; url: string }[] {
  return routes
    .filter(({ url }) => url.startsWith('/admin/api/'))
    .flatMap(({ method, url }) =>
      [method].flat().map((one) => ({ method: one, url: url.replaceAll(/:\w+/g, '7') })),
    );
}

describe("the dashboard's data", () => {
  it('are the routes of the API without the gateway, and whatever method is used the login guards each', async () => {
    const known = routes.filter(({ url }) => url.startsWith('/api/v1/')).map(({ url }) => `/admin${url}`);
    const mounted = routes.filter(({ url }) => url.startsWith('/admin/api/v1/')).map(({ url }) => url);
    expect(new Set(mounted)).toEqual(new Set(known.filter((url) => url !== '/admin/api/v1/tryton/rpc')));
    expect(mounted.length).toBeGreaterThan(20);
    for (const { method, url } of adminRoutes()) {
      for (const headers of [{}, bearer(api.key), { 'x-passerelle-admin': '1' }]) {
        const answer = await api.app.inject({ method: method as 'GET', url, headers });
        expect([method, url, answer.statusCode]).toEqual([method, url, 401]);
      }
    }
  });

  it('need the login too if ADMIN_PASSWORD is not set', async () => {
    for (const { method, url } of adminRoutes()) {
      const headers = { 'x-passerelle-admin': '1', host: 'localhost' };
      const answer = await open.app.inject({ method: method as 'GET', url, headers });
      expect([method, url, answer.statusCode]).toEqual([method, url, 401]);
    }
    expect((await open.inject('/admin/api/v1/sync')).statusCode).toBe(200);
  });

  it('are what the API answers, and the API goes on asking for keys', async () => {
    for (const path of ['/api/v1/sync', '/api/v1/sync/runs', '/api/v1/sync/model', '/api/v1/upstreams']) {
      const answer = await api.app.inject({ url: `/admin${path}`, headers: chef });
      expect([path, answer.statusCode]).toEqual([path, 200]);
      const withoutAge = ({ ageSeconds: _, ...rest }: Record<string, unknown>) => rest;
      expect(withoutAge(answer.json())).toEqual(withoutAge((await api.inject(path)).json()));
      const refused = await api.app.inject({ url: path, headers: chef });
      expect([path, refused.statusCode, refused.json().code]).toEqual([path, 401, 'missing_key']);
    }
  });

  it('have live events too', async () => {
    const listener = await openListener(`${await listenTo(api.app)}/admin/api/v1/sync/events`, chef);
    expect(listener.response.status).toBe(200);
    await heard(listener, 'state', () => true);
    listener.close();
    await listener.ended;
  });

  it('are described nowhere', async () => {
    const { paths } = (await api.app.inject('/openapi.json')).json();
    expect(Object.keys(paths).filter((path) => path.startsWith('/admin'))).toEqual([]);
    expect(paths).toHaveProperty('/api/v1/upstreams');
  });

  it('that are no route are a problem, not a page', async () => {
    for (const url of ['/admin/api/v1/nowhere', '/admin/api/', '/admin/api/v1/tryton/rpc']) {
      const answer = await api.app.inject({ url, headers: chef });
      expect([url, answer.statusCode, answer.json().code]).toEqual([url, 404, 'not_found']);
    }
  });
});

describe('a change', () => {
  it('by the dashboard is done', async () => {
    const answer = await post({
      ...dashboard,
      origin: 'http://localhost:80',
      'sec-fetch-site': 'same-origin',
    });
    expect(answer.statusCode).toBe(202);
    expect(await findRun(api.db, answer.json().runId)).toMatchObject({ mode: 'full', trigger: 'api' });
  });

  it.each([
    ['no header of the dashboard', chef, 'missing_admin_header'],
    ['another value of it', { ...chef, 'x-passerelle-admin': '0' }, 'missing_admin_header'],
    ['an Origin of another host', { ...dashboard, origin: 'https://evil.example' }, 'cross_origin'],
    ['the Origin of another port', { ...dashboard, origin: 'http://localhost:81' }, 'cross_origin'],
    ['an opaque Origin', { ...dashboard, origin: 'null' }, 'cross_origin'],
    [
      'no Origin and Sec-Fetch-Site cross-site',
      { ...dashboard, 'sec-fetch-site': 'cross-site' },
      'cross_origin',
    ],
    [
      'no Origin and Sec-Fetch-Site same-site',
      { ...dashboard, 'sec-fetch-site': 'same-site' },
      'cross_origin',
    ],
  ])('with %s is refused and not done', async (_what, headers, code) => {
    const answer = await post({ ...headers });
    expect([answer.statusCode, answer.json().code]).toEqual([403, code]);
    expect(await api.queues.sync.count()).toBe(0);
  });

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'])(
    'that a form could send as %s is refused before its body is read',
    async (type) => {
      const answer = await post({ ...chef, 'content-type': type }, '{"mode":"full"}');
      expect([answer.statusCode, answer.json().code]).toEqual([403, 'missing_admin_header']);
      const signed = await post({ ...dashboard, 'content-type': type }, '{"mode":"full"}');
      expect(signed.statusCode).toBeGreaterThanOrEqual(400);
      expect(await api.queues.sync.count()).toBe(0);
    },
  );

  it('is refused to pages of other sites: no preflight is answered, and no read is loaded there', async () => {
    const asked = await api.app.inject({
      method: 'OPTIONS',
      url: RUNS,
      headers: { origin: 'https://evil.example', 'access-control-request-headers': 'x-passerelle-admin' },
    });
    expect(Object.keys(asked.headers).filter((name) => name.startsWith('access-control-'))).toEqual([]);
    expect(asked.statusCode).toBeGreaterThanOrEqual(400);
    const read = await api.app.inject({ url: RUNS, headers: { ...chef, 'sec-fetch-site': 'cross-site' } });
    expect([read.statusCode, read.json().code]).toEqual([403, 'cross_origin']);
  });
});

it.each(['host', 'for', 'proto'])('X-Forwarded-%s replaces no login, trusted or not', async (what) => {
  const trusting = await startApi({ TRUST_PROXY: 'loopback' });
  try {
    const headers = {
      host: 'evil.example',
      [`x-forwarded-${what}`]: what === 'for' ? '127.0.0.1' : 'localhost',
    };
    for (const sent of [headers, { ...headers, host: 'localhost' }]) {
      const answer = await trusting.app.inject({ url: '/admin/api/v1/sync', headers: sent });
      expect([answer.statusCode, answer.json().code]).toEqual([401, 'bad_credentials']);
    }
  } finally {
    await trusting.close();
  }
});
