import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { waitFor } from '../../support/wait-for.ts';
import { startApi, type TestApi } from '../http/start-api.ts';

const FILE = `
mirrors:
  bc: { model: dimagaz.bc, lines: dimagaz.bc.line }
  partners: { model: res.partner }
`;
const PARTNERS = '/api/v1/mirrors/partners/documents';

let folder: string;
let api: TestApi;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'passerelle-mirrors-'));
  const path = join(folder, 'mirrors.yaml');
  await writeFile(path, FILE);
  api = await startApi({ MIRRORS_FILE: path, ODOO_HOOK_SECRET: 'the-secret-of-the-tests-0123' });
  for (const [table, name] of [
    ['scrap_res_partner', 'Ada'],
    ['scrap_dimagaz_bc', 'BC/1'],
  ] as const) {
    await api.db.execute(`
      insert into ${table} (odoo_id, fields, content_hash, fetch_seq, fetched_at, synced_at)
      values (7, '{"id": 7, "name": "${name}"}', 'h', 1, now(), now())`);
  }
  await api.db.execute(`
    insert into scrap_res_partner_audit (odoo_id, run_id, action, changes) values (7, 1, 'created', '{}')`);
  await api.db.execute(`
    insert into odoo_field (model, name, type, label, description, position, seen_at)
    select model, 'name', 'char', 'Name', '{"name": "name", "type": "char", "string": "Name"}', 0, now()
    from unnest(array['res.partner', 'dimagaz.bc']) as model`);
});
afterAll(async () => {
  await api?.close();
  await rm(folder, { recursive: true, force: true });
});

const get = async (url: string) => {
  const answer = await api.inject(url);
  expect([url, answer.statusCode, answer.body]).toEqual([url, 200, answer.body]);
  return answer.json();
};

/** The changes of the partners. The feed waits for the open transactions of other tests. */
const followed = () =>
  waitFor(async () => {
    const { items } = await get(`${PARTNERS}/changes`);
    return items.length > 0 && items;
  }, 'the change');

it('the mirrors are listed with their tables and their state', async () => {
  const { items } = await get('/api/v1/mirrors');
  expect(items).toMatchObject([
    { name: 'bc', model: 'dimagaz.bc', lineModel: 'dimagaz.bc.line', table: 'scrap_dimagaz_bc' },
    { name: 'partners', model: 'res.partner', lineModel: null, view: 'res_partner', lastSync: null },
  ]);
});

it('documents of a mirror are listed, read, followed and exported, apart from those of the others', async () => {
  const [partner] = (await get(`${PARTNERS}?filter[name]=Ada`)).items;
  expect(partner).toMatchObject({ odooId: 7, fields: { name: 'Ada' } });
  expect((await get('/api/v1/bc')).items).toMatchObject([{ odooId: 7, fields: { name: 'BC/1' } }]);
  expect((await get('/api/v1/mirrors/bc/documents')).items).toEqual((await get('/api/v1/bc')).items);
  expect(await get(`${PARTNERS}/7?include=lines`)).toMatchObject({ fields: { name: 'Ada' }, lines: [] });
  expect(await get(`${PARTNERS}/7/lines`)).toEqual({ items: [], nextCursor: null });
  expect((await get(`${PARTNERS}/7/history`)).items).toMatchObject([{ action: 'created' }]);
  expect((await get('/api/v1/bc/7/history')).items).toEqual([]);
  const changed = await followed();
  expect(changed).toMatchObject([{ odooId: 7, action: 'created' }]);
  const file = await api.inject(`${PARTNERS}/export?fields=name`);
  expect(file.body).toMatch(/^name,mirror_changed_at,mirror_archived_at\r\nAda,/);
  expect(file.headers['content-disposition']).toMatch(/filename="partners-/);
});

it('a resync and a webhook reach the queue of their mirror', async () => {
  const resync = await api.inject({ method: 'POST', url: `${PARTNERS}/7/resync` });
  expect(resync.statusCode).toBe(202);
  const { runId, jobId } = resync.json();
  expect(await api.queuesOf('partners').sync.getJob(jobId)).toBeDefined();
  expect(await api.queues.sync.getJob(jobId)).toBeUndefined();
  const runs = await get('/api/v1/sync/runs?mirror=partners');
  expect(runs.items).toMatchObject([{ id: runId, mode: 'single', odooIds: [7] }]);
  expect((await get('/api/v1/sync/runs')).items).toEqual([]);
  const hook = await api.app.inject({
    method: 'POST',
    url: '/hooks/odoo?secret=the-secret-of-the-tests-0123',
    payload: { _model: 'res.partner', _id: 7 },
  });
  expect(hook.statusCode).toBe(202);
  expect((await api.queuesOf('partners').sync.getDelayed()).map(({ name }) => name)).toEqual(['hooks']);
});

it('the feeds of all mirrors begin again together after a restore on another server', async () => {
  await api.db.execute(`update feed_epoch set server = 'elsewhere'`);
  await api.db.execute(`update scrap_res_partner set changed_xid = '500000000000'`);
  await get('/api/v1/bc/changes');
  expect(await followed()).toMatchObject([{ odooId: 7 }]);
});

it('an unknown mirror is named with those that there are', async () => {
  const answer = await api.inject('/api/v1/mirrors/partner/documents');
  expect([answer.statusCode, answer.json().code]).toEqual([404, 'mirror_not_found']);
  expect(answer.json().detail).toContain('bc, partners');
});

it('a record that was erased is not read again', async () => {
  await api.db.execute("insert into erased_record (model, odoo_id) values ('res.partner', 8)");
  const refused = await api.inject({ method: 'POST', url: `${PARTNERS}/8/resync` });
  expect([refused.statusCode, refused.json()]).toMatchObject([409, { code: 'record_erased' }]);
  expect(refused.json().detail).toContain('"passerelle erase partners 8 --lift" undoes that.');
  // Another model has the same id.
  expect((await api.inject({ method: 'POST', url: '/api/v1/bc/8/resync' })).statusCode).toBe(202);
});
