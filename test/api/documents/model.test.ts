import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { z } from 'zod';
import type { model as modelSchema } from '../../../src/api/routes/sync/model.ts';
import { insertModelChanges, saveFields } from '../../../src/db/odoo-model/fields.ts';
import { refreshView } from '../../../src/db/odoo-model/typed-views.ts';
import type { OdooFieldDescription, OdooFields } from '../../../src/odoo/types.ts';
import { BC_VIEWS } from '../../stores/db/view-fields.ts';
import type { TestApi } from '../http/start-api.ts';
import { startApi } from '../http/start-api.ts';
import { insertBc, saveTestFields } from './rows.ts';

const BC = 'dimagaz.bc';
let api: TestApi;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.close());

const get = async (url: string) => (await api.inject(url)).json();
const described = (name: string, type: string) => ({ name, type, string: name });

/** The field `x` of the model of these tests has this type now. */
const retype = (type: string) =>
  saveFields(api.db, BC, { id: described('id', 'integer'), x: described('x', type) }, new Date());

test('before the first run there are no fields and no changes', async () => {
  expect(await get('/api/v1/sync/model')).toEqual({
    models: [
      { model: BC, view: 'dimagaz_bc', viewCurrent: false, fields: [] },
      { model: 'dimagaz.bc.line', view: 'dimagaz_bc_line', viewCurrent: false, fields: [] },
    ],
    items: [],
    nextCursor: null,
  });
});

test('fields come as Odoo describes them, with the columns of the view', async () => {
  await saveTestFields(api.db);
  const [before] = (await get('/api/v1/sync/model')).models;
  expect(before.viewCurrent).toBe(false);
  await refreshView(api.db, BC_VIEWS.header, BC);
  const [model] = (await get('/api/v1/sync/model')).models;
  expect(model.viewCurrent).toBe(true);
  expect(model.fields).toContainEqual(
    expect.objectContaining({
      name: 'partner_id',
      type: 'many2one',
      label: 'partner_id',
      relation: null,
      columns: [
        { name: 'partner_id_id', type: 'bigint' },
        { name: 'partner_id_name', type: 'text' },
      ],
    }),
  );
  expect(model.fields).toContainEqual(
    expect.objectContaining({
      ...{ name: 'date_order', type: 'datetime', label: 'date_order', relation: null },
      columns: [{ name: 'date_order', type: 'timestamp with time zone' }],
      operators: ['eq', 'ne', 'gt', 'gte', 'lt', 'lte', 'in', 'like', 'null'],
      sortable: true,
    }),
  );
});

test('changes come newest first, page by page, those of other models left out', async () => {
  const change = (model: string, field: string) => ({
    ...{
      model,
      field,
      kind: 'added' as const,
      old: null,
      new: described(field, 'char'),
      reread: true,
      runId: 3,
    },
  });
  await insertModelChanges(api.db, [
    change(BC, 'a'),
    change('dimagaz.bc.line', 'b'),
    change('sale.order', 'c'),
    change(BC, 'd'),
  ]);
  const page = await get('/api/v1/sync/model?limit=2');
  expect(page.items).toMatchObject([
    { model: BC, field: 'd', kind: 'added', old: null, new: { type: 'char' }, runId: 3, reread: true },
    { model: 'dimagaz.bc.line', field: 'b' },
  ]);
  const rest = await get(`/api/v1/sync/model?limit=2&cursor=${page.nextCursor}`);
  expect(rest).toMatchObject({ items: [{ model: BC, field: 'a' }], nextCursor: null });
  const wrong = await api.inject('/api/v1/sync/model?cursor=x');
  expect([wrong.statusCode, wrong.json().code]).toEqual([400, 'invalid_request']);
});

test('it answers readers of BCs, without an Odoo too', async () => {
  const headers = await api.headerOf({ scopes: ['sync:write'], methods: [] });
  expect((await api.inject({ url: '/api/v1/sync/model', headers })).statusCode).toBe(403);
  const without = await startApi({ ODOO_URL: '' });
  expect((await without.inject('/api/v1/sync/model')).statusCode).toBe(200);
  await without.close();
});

test.each([
  ['many2one', 'integer', '5', 'filter[x]=7'],
  ['json', 'many2one', '[{"a": 1}, 2]', 'filter[x]=7'],
  ['json', 'many2one', '["a", "b"]', 'filter[x]=7'],
  ['char', 'integer', '"abc"', 'filter[x][gt]=7&sort=-x'],
  ['many2one', 'boolean', '[1, "a"]', 'filter[x]=true&sort=x'],
  ['char', 'many2one', '"abc"', 'filter[x]=Azur&sort=x'],
])(
  'a field that was %s and is %s filters and sorts rows that still hold %s',
  async (_old, now, held, query) => {
    await retype(now);
    await api.db.execute(sql`truncate scrap_dimagaz_bc`);
    await insertBc(api.db, 1, { x: JSON.parse(held) });
    const answer = await api.inject(`/api/v1/bc?${query}`);
    expect([answer.statusCode, answer.json().items]).toEqual([200, []]);
  },
);

test('a list that goes on after its sort field was retyped or removed is refused, not broken', async () => {
  await retype('char');
  await api.db.execute(sql`truncate scrap_dimagaz_bc`);
  for (const [at, x] of ['a', 'b', 'c'].entries()) await insertBc(api.db, at + 1, { x });
  const { nextCursor } = await get('/api/v1/bc?sort=x&limit=1');
  await retype('integer');
  const retyped = await api.inject(`/api/v1/bc?sort=x&limit=1&cursor=${nextCursor}`);
  expect([retyped.statusCode, retyped.json().code]).toEqual([400, 'bad_cursor']);
  await saveFields(api.db, BC, { id: described('id', 'integer') }, new Date());
  const removed = await api.inject(`/api/v1/bc?sort=x&limit=1&cursor=${nextCursor}`);
  expect([removed.statusCode, removed.json().code]).toEqual([400, 'unknown_field']);
});

test('a selection has its values with their labels, other fields have none', async () => {
  const state = {
    ...described('state', 'selection'),
    selection: [['draft', 'Brouillon'], [7, 'Sept'], 'odd'],
  };
  await saveFields(api.db, BC, { id: described('id', 'integer'), state }, new Date());
  const [model] = (await get('/api/v1/sync/model')).models;
  const selections = model.fields.map((field: { name: string; selection: unknown }) => [
    field.name,
    field.selection,
  ]);
  expect(Object.fromEntries(selections)).toMatchObject({ id: null, state: [['draft', 'Brouillon']] });
});

test('a field lists the changes that move no write_date', async () => {
  const fields = (...list: readonly Partial<OdooFieldDescription>[]): OdooFields =>
    Object.fromEntries(
      list.map(({ name = '', ...field }) => [
        name,
        { name, type: 'char', string: name, store: true, ...field },
      ]),
    );
  const link = { type: 'many2one', relation: 'res.partner' };
  await saveFields(
    api.db,
    BC,
    fields(
      { name: 'name' },
      { name: 'write_date', type: 'datetime' },
      { name: 'amount_total', type: 'monetary' },
      { name: 'partner_id', ...link },
      { name: 'last_partner_id', ...link, store: false },
      { name: 'parent_id', type: 'many2one', relation: BC },
      { name: 'line_ids', type: 'one2many', relation: 'dimagaz.bc.line', relation_field: 'bc_id' },
      { name: 'message_ids', type: 'one2many', relation: 'mail.message', relation_field: 'res_id' },
      { name: 'tag_ids', type: 'many2many', relation: 'dimagaz.tag' },
      { name: 'source_ref', type: 'reference' },
      { name: 'activity_state', type: 'selection', store: false },
      { name: 'account_id', ...link, company_dependent: true, store: false },
      { name: 'properties', type: 'properties' },
      { name: 'terms', type: 'html', translate: true },
    ),
    new Date(),
  );
  await saveFields(
    api.db,
    'dimagaz.bc.line',
    fields(
      { name: 'bc_id', type: 'many2one', relation: BC },
      { name: 'origin_bc_id', type: 'many2one', relation: BC },
    ),
    new Date(),
  );
  const { models } = await get('/api/v1/sync/model');
  const marks = models.map((model: z.input<typeof modelSchema>) =>
    Object.fromEntries(model.fields.map(({ name, unseenChanges }) => [name, unseenChanges])),
  );
  expect(marks).toEqual([
    {
      ...{ name: [], write_date: [], amount_total: [], source_ref: [], line_ids: [] },
      partner_id: ['name'],
      last_partner_id: ['name', 'computed'],
      parent_id: ['name'],
      message_ids: ['links'],
      tag_ids: ['links'],
      activity_state: ['computed'],
      account_id: ['name', 'company'],
      properties: ['definition'],
      terms: ['translation'],
    },
    { bc_id: [], origin_bc_id: ['name'] },
  ]);
});
