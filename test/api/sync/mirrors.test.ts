import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { openIncident } from '../../../src/db/alerts.ts';
import { recordFailure } from '../../../src/db/runs/failures.ts';
import { createRun, updateRun } from '../../../src/db/runs/runs.ts';
import { BC_KEY } from '../../../src/db/schema/sync.ts';
import { waitFor } from '../../support/wait-for.ts';
import { bearer, startApi, type TestApi } from '../http/start-api.ts';
import { heard, type Listener, listenTo, openListener } from './event-listener.ts';

const FILE = `
mirrors:
  bc: { model: dimagaz.bc, lines: dimagaz.bc.line }
  partners: { model: res.partner, every: 15m }
  products: { model: product.product, every: off }
`;

let folder: string;
let api: TestApi;
const listeners: Listener[] = [];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'passerelle-mirrors-'));
  const path = join(folder, 'mirrors.yaml');
  await writeFile(path, FILE);
  const env = { MIRRORS_FILE: path, SYNC_EVERY: '1m', ALERT_STALE_INTERVALS: '10' };
  api = await startApi(env, {}, { eventEveryMs: 20 });
  const source = {
    model: 'res.partner',
    lineModel: '(no lines)',
    linesField: '',
    database: { name: 'prod' },
  };
  await api.db.execute(sql`
    insert into sync_state (key, last_sync, source)
    values ('partners', now() - interval '1 minute', ${JSON.stringify(source)}::jsonb)`);
  await api.db.execute(sql`
    insert into odoo_field (model, name, type, label, description, position, seen_at)
    values ('res.partner', 'name', 'char', 'Name', '{"name": "name", "type": "char"}', 0, now())`);
  await api.db.execute(sql`
    insert into scrap_res_partner (odoo_id, fields, content_hash, fetch_seq, fetched_at, synced_at)
    select id, '{}', 'h', 1, now(), now() from generate_series(1, 3) as id`);
  await fail('partners', 7);
  const { id } = await createRun(api.db, { key: 'partners', mode: 'full', trigger: 'cli' });
  await updateRun(api.db, id, { status: 'partial', finishedAt: new Date() });
  for (const subject of ['partners', 'bclinbc sweep', 'user on a server'])
    await openIncident(api.db, { kind: 'run_failed', subject, code: 'odoo_timeout', message: 'x', runId: 1 });
});
afterAll(async () => {
  for (const listener of listeners) listener.close();
  await api?.close();
  await rm(folder, { recursive: true, force: true });
});

const fail = (key: string, odooId: number) =>
  recordFailure(api.db, { key, odooId, runId: 1, jobId: null, code: '23514', message: 'no' });

const get = async (url: string) => {
  const answer = await api.inject(url);
  expect([url, answer.statusCode, answer.body]).toEqual([url, 200, answer.body]);
  return answer.json();
};

async function listen(query = ''): Promise<Listener> {
  const url = `${await listenTo(api.app)}/api/v1/sync/events${query}`;
  const listener = await openListener(url, bearer(api.key));
  listeners.push(listener);
  return listener;
}

test('the state is that of the mirror that is asked for, with its own pace', async () => {
  expect(await get('/api/v1/sync?mirror=partners')).toMatchObject({
    ...{ key: 'partners', everySeconds: 900, lateAfterSeconds: 9000, openFailures: 1 },
    source: { model: 'res.partner', lineModel: null },
    lastMirrorRun: { key: 'partners', status: 'partial' },
  });
  expect(await get('/api/v1/sync')).toMatchObject({
    ...{ key: BC_KEY, everySeconds: 60, lateAfterSeconds: 600, openFailures: 0, source: null, lastRuns: [] },
  });
  expect(await get('/api/v1/sync?mirror=products')).toMatchObject({
    ...{ everySeconds: null, lateAfterSeconds: null, lastSync: null, lastMirrorRun: null },
  });
});

test('the model is that of the mirror, and has no lines if the mirror has none', async () => {
  const { models } = await get('/api/v1/sync/model?mirror=partners');
  expect(models).toMatchObject([{ model: 'res.partner', view: 'res_partner', fields: [{ name: 'name' }] }]);
  expect((await get('/api/v1/sync/model')).models).toHaveLength(2);
  expect((await get('/api/v1/sync/model?mirror=products')).models).toMatchObject([{ fields: [] }]);
});

test('all mirrors are listed with their pace, their last run and their open failures and incidents', async () => {
  const { items } = await get('/api/v1/mirrors');
  expect(items).toMatchObject([
    { name: 'bc', key: BC_KEY, isConfigured: true, documents: 0, lastRun: null, everySeconds: 60 },
    { name: 'partners', documents: 3, lastStatus: 'partial', openFailures: 1, lateAfterSeconds: 9000 },
    { name: 'products', documents: 0, lastStatus: null, everySeconds: null, lateAfterSeconds: null },
  ]);
  expect(items[1].lastRun).toMatchObject({ mode: 'full', status: 'partial' });
  expect(items.map(({ openIncidents }: { openIncidents: number }) => openIncidents)).toEqual([1, 1, 0]);
});

test('incidents of other mirrors are left out, those of no mirror are not', async () => {
  const mirrorsOf = async (query: string) =>
    (await get(`/api/v1/sync/incidents${query}`)).items.map(
      ({ mirror }: { mirror: string | null }) => mirror,
    );
  expect(await mirrorsOf('')).toEqual([null, 'bc', 'partners']);
  expect(await mirrorsOf('?mirror=partners')).toEqual([null, 'partners']);
  expect(await mirrorsOf('?mirror=bc')).toEqual([null, 'bc']);
  expect(await get('/api/v1/sync?mirror=partners')).toMatchObject({ openIncidents: 2 });
  expect(await get('/api/v1/sync?mirror=products')).toMatchObject({ openIncidents: 1 });
});

test('a failure is retried in the queue of its mirror', async () => {
  const url = '/api/v1/sync/failures/7/retry';
  const unknown = await api.inject({ method: 'POST', url });
  expect([unknown.statusCode, unknown.json().code]).toEqual([404, 'failure_not_found']);
  const { jobId } = (await api.inject({ method: 'POST', url: `${url}?mirror=partners` })).json();
  expect(await api.queuesOf('partners').sync.getJob(jobId)).toBeDefined();
});

test('live events are those of one mirror, and a mirror without listeners is not read', async () => {
  const [bc, partners] = [await listen(), await listen('?mirror=partners')];
  const failures = (listener: Listener, wanted: number) =>
    heard<{ openFailures: number }>(listener, 'state', ({ openFailures }) => openFailures === wanted);
  await Promise.all([failures(bc, 0), failures(partners, 1)]);
  await fail('partners', 8);
  await failures(partners, 2);
  expect(bc.data<{ key: string }>('state').map(({ key }) => key)).not.toContain('partners');
  await fail(BC_KEY, 9);
  await failures(bc, 1);
  expect(new Set(partners.data<{ key: string }>('state').map(({ key }) => key))).toEqual(
    new Set(['partners']),
  );
  partners.close();
  const [own, others] = [api.queuesOf('bc').sync, api.queuesOf('partners').sync].map((queue) =>
    vi.spyOn(queue, 'getJobCounts'),
  );
  await waitFor(async () => {
    const reads = own?.mock.calls.length ?? 0;
    others?.mockClear();
    await waitFor(() => (own?.mock.calls.length ?? 0) > reads + 3, 'more reads of bc');
    return others?.mock.calls.length === 0;
  }, 'the reads of partners to end');
});

test.each(['/api/v1/sync', '/api/v1/sync/events', '/api/v1/sync/model', '/api/v1/sync/incidents'])(
  '%s of an unknown mirror is a problem that lists those that there are',
  async (url) => {
    const answer = await api.inject(`${url}?mirror=nope`);
    expect([answer.statusCode, answer.json().code]).toEqual([404, 'mirror_not_found']);
    expect(answer.json().detail).toContain('bc, partners, products');
  },
);
