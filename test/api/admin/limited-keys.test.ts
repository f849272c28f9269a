import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'drizzle-orm';
import type { InjectOptions } from 'fastify';
import { fastify } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { guardApi } from '../../../src/api/plugins/api-key-auth.ts';
import { openIncident } from '../../../src/db/alerts.ts';
import { recordFailure } from '../../../src/db/runs/failures.ts';
import { createRun, updateRun } from '../../../src/db/runs/runs.ts';
import { BC_KEY } from '../../../src/db/schema/sync.ts';
import type { TestApi } from '../http/start-api.ts';
import { startApi } from '../http/start-api.ts';

const FILE = `
mirrors:
  bc: { model: dimagaz.bc, lines: dimagaz.bc.line }
  partners: { model: res.partner }
  stock: { model: stock.quant }
`;

/** Each mirror with the texts that only its own answers contain. */
const MIRRORS = [
  { name: 'bc', key: BC_KEY, table: 'scrap_dimagaz_bc', audit: 'audit_log', model: 'dimagaz.bc' },
  {
    ...{ name: 'partners', key: 'partners', model: 'res.partner' },
    ...{ table: 'scrap_res_partner', audit: 'scrap_res_partner_audit' },
  },
  {
    ...{ name: 'stock', key: 'stock', model: 'stock.quant' },
    ...{ table: 'scrap_stock_quant', audit: 'scrap_stock_quant_audit' },
  },
] as const;
type Mirror = (typeof MIRRORS)[number];

const markOf = ({ name }: Mirror) => `content-of-${name}`;

interface Walked {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: object;
}

let folder: string;
let api: TestApi;
let walked: Walked[];
const runs = new Map<string, number>();
const headers = new Map<string, { authorization: string }>();
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'passerelle-limited-'));
  const path = join(folder, 'mirrors.yaml');
  await writeFile(path, FILE);
  api = await startApi({ MIRRORS_FILE: path });
  for (const mirror of MIRRORS) {
    const fields = JSON.stringify({ id: 7, name: markOf(mirror) });
    await api.db.execute(sql`
      insert into ${sql.identifier(mirror.table)} (odoo_id, fields, content_hash, fetch_seq, fetched_at, synced_at)
      values (7, ${fields}::jsonb, 'h', 1, now(), now())`);
    const { id } = await createRun(api.db, { key: mirror.key, mode: 'full', trigger: 'cli' });
    await updateRun(api.db, id, { status: 'failed', finishedAt: new Date(), errorMessage: markOf(mirror) });
    runs.set(mirror.name, id);
    await api.db.execute(sql`
      insert into ${sql.identifier(mirror.audit)} (odoo_id, run_id, action, changes)
      values (7, ${id}, 'created', ${JSON.stringify({ mark: markOf(mirror) })}::jsonb)`);
    await recordFailure(api.db, {
      ...{ key: mirror.key, odooId: 8, code: 'x', message: markOf(mirror), runId: id, jobId: null },
    });
    const incident = { kind: 'run_failed', subject: mirror.key, code: 'x', message: markOf(mirror) } as const;
    await openIncident(api.db, { ...incident, runId: id });
    await api.db.execute(sql`
      insert into odoo_field (model, name, type, label, description, position, seen_at)
      values (${mirror.model}, 'name', 'char', ${markOf(mirror)}, '{"name": "name", "type": "char"}', 0, now())`);
    headers.set(mirror.name, await keyFor(mirror.name));
  }
  const { paths } = (await api.inject('/openapi.json')).json();
  walked = Object.entries<Record<string, Described>>(paths)
    .filter(([route]) => route.startsWith('/api/'))
    .flatMap(([route, methods]) =>
      Object.entries(methods).map(([method, { requestBody }]) => {
        const [body] = requestBody?.content['application/json'].schema.examples ?? [];
        const called = { method: method.toUpperCase() as 'GET' | 'POST', path: route };
        return body === undefined ? called : { ...called, body };
      }),
    );
});
afterAll(async () => {
  await api?.close();
  await rm(folder, { recursive: true, force: true });
});

interface Described {
  readonly requestBody?: {
    readonly content: { readonly 'application/json': { readonly schema: { readonly examples?: object[] } } };
  };
}

const keyFor = (...mirrors: string[]) => api.headerOf({ scopes: ['bc:read', 'sync:write'], mirrors });

/** The answer, of live events the first ones. */
async function answerTo(options: InjectOptions) {
  const answer = await api.app.inject({ ...options, payloadAsStream: true });
  const stream = answer.stream();
  let text = '';
  for await (const piece of stream) {
    text += piece;
    if (text.includes('\n\nevent:') || text.includes('\ndata:')) break;
  }
  stream.destroy();
  return { status: answer.statusCode, text };
}

/** Every route, aimed at `target` in each way in which a request may name a mirror, and in none. */
function aimedAt(target: Mirror): { readonly shown: string; readonly request: InjectOptions }[] {
  return walked.flatMap(({ method, path, body }) => {
    const url = path
      .replace('{mirror}', target.name)
      .replace('{id}', String(runs.get(target.name)))
      .replace('{odooId}', path.includes('/failures/') ? '8' : '7');
    const named = { ...body, mirror: target.name };
    const variants: InjectOptions[] = [
      { url, ...(body === undefined ? {} : { payload: body }) },
      { url: `${url}?mirror=${target.name}`, ...(body === undefined ? {} : { payload: body }) },
      ...(method === 'POST'
        ? [
            { url, payload: named },
            { url: `${url}?mirror=${target.name}`, payload: named },
          ]
        : []),
    ];
    return variants.map((variant) => ({
      shown: `${method} ${variant.url} ${JSON.stringify(variant.payload ?? null)}`,
      request: { ...variant, method },
    }));
  });
}

const countRuns = async (key: string) =>
  (await api.db.execute<{ n: string }>(sql`select count(*) as n from sync_log where key = ${key}`))[0]?.n;

describe('a key that is limited to one mirror', () => {
  it.each(
    MIRRORS.flatMap((own) => MIRRORS.filter((other) => other !== own).map((other) => [own.name, other.name])),
  )('(%s) gets from no route an answer with data of another mirror (%s)', async (ownName, otherName) => {
    const [own, other] = [ownName, otherName].map((name) => MIRRORS.find((one) => one.name === name));
    if (own === undefined || other === undefined) throw new Error('no such mirror');
    const before = await countRuns(other.key);
    const requests = aimedAt(other);
    expect(requests.length).toBeGreaterThan(40);
    for (const { shown, request } of requests) {
      const { status, text } = await answerTo({ ...request, headers: headers.get(own.name) ?? {} });
      // A refusal repeats the name that the request gave.
      const said = status < 300 ? text : text.replaceAll(other.name, '');
      for (const mirror of MIRRORS.filter((one) => one !== own)) {
        // The mirror bc is in every installation, and its name in many paths.
        const traces = mirror.name === 'bc' ? [markOf(mirror)] : [markOf(mirror), mirror.name, mirror.model];
        for (const trace of traces)
          expect([shown, said]).toEqual([shown, expect.not.stringContaining(trace)]);
      }
    }
    expect(await countRuns(other.key)).toBe(before);
  });

  it.each(MIRRORS.map(({ name }) => [name]))('(%s) reaches all of its own', async (name) => {
    const own = headers.get(name) ?? {};
    const mirror = MIRRORS.find((one) => one.name === name) ?? MIRRORS[0];
    for (const url of [
      `/api/v1/mirrors/${name}/documents`,
      `/api/v1/mirrors/${name}/documents/7`,
      `/api/v1/mirrors/${name}/documents/7/history`,
      `/api/v1/mirrors/${name}/documents/export`,
      `/api/v1/sync/runs?mirror=${name}`,
      `/api/v1/sync/runs/${runs.get(name)}`,
      `/api/v1/sync/failures?mirror=${name}`,
      '/api/v1/sync/incidents',
      ...(name === 'bc' ? ['/api/v1/bc', '/api/v1/sync', '/api/v1/sync/events', '/api/v1/sync/model'] : []),
    ]) {
      const { status, text } = await answerTo({ url, headers: own });
      expect([url, status, text]).toEqual([url, 200, expect.stringContaining(markOf(mirror))]);
    }
    const listed = await api.app.inject({ url: '/api/v1/mirrors', headers: own });
    expect(listed.json().items).toMatchObject([{ name }]);
    const retry = {
      method: 'POST',
      url: `/api/v1/sync/failures/8/retry?mirror=${name}`,
      headers: own,
    } as const;
    const retried = await api.app.inject(retry);
    expect([retried.statusCode, retried.json()]).toMatchObject([202, {}]);
    expect(await api.queuesOf(name).sync.getJob(retried.json().jobId)).toBeDefined();
    const resync = {
      method: 'POST',
      url: `/api/v1/mirrors/${name}/documents/7/resync`,
      headers: own,
    } as const;
    expect((await api.app.inject(resync)).statusCode).toBe(202);
  });
});

it('the refusal names the mirrors of the key and says how to get another one', async () => {
  const both = await keyFor('partners', 'stock');
  const refused = async (url: string) => (await api.app.inject({ url, headers: both })).json();
  expect(await refused('/api/v1/bc')).toMatchObject({
    ...{ status: 403, code: 'mirror_not_allowed' },
    detail:
      'This key reaches only the mirrors partners, stock, not "bc". Use one of them, or a key that was created with ' +
      '--mirror bc.',
  });
  expect(await refused('/api/v1/checks')).toMatchObject({
    ...{ status: 403, code: 'mirror_not_allowed' },
    detail: expect.stringContaining('this route concerns all mirrors'),
  });
  // A name that no mirror has is refused in the same way.
  expect(await refused('/api/v1/mirrors/nothing/documents')).toMatchObject({ code: 'mirror_not_allowed' });
  expect(await refused('/api/v1/nowhere')).toMatchObject({ code: 'not_found' });
});

it('a key of a mirror that left the configuration reaches nothing', async () => {
  const left = await keyFor('leads');
  const get = async (url: string) => (await api.app.inject({ url, headers: left })).json();
  expect(await get('/api/v1/mirrors')).toEqual({ items: [] });
  expect(await get('/api/v1/bc')).toMatchObject({ code: 'mirror_not_allowed' });
  expect(await get('/api/v1/mirrors/leads/documents')).toMatchObject({
    ...{ status: 404, code: 'mirror_not_found' },
    detail: 'There is no mirror "leads".',
  });
});

it('a key for Tryton is not limited by mirrors', async () => {
  const key = await api.headerOf({ scopes: ['tryton:call'], mirrors: ['partners'] });
  const answer = await api.app.inject({ url: '/api/v1/tryton/ping', headers: key });
  expect(answer.json().code).toBe('tryton_not_configured');
});

it('a route that does not declare its mirror stops the API from starting', async () => {
  const app = fastify();
  await guardApi(app, api);
  const config = { scope: 'bc:read' } as const;
  expect(() => app.get('/api/v1/open', { config }, async () => 'open')).toThrow(
    'GET /api/v1/open does not declare the mirrors that it concerns',
  );
  const schema = { querystring: z.object({ mirror: z.string() }) };
  app.get('/api/v1/named', { config, schema }, async () => 'named');
  await app.close();
});
