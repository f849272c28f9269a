import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildApp } from '../../../src/api/app.ts';
import { openDatabase } from '../../../src/db/client.ts';
import { PAGE_BYTES } from '../../../src/db/documents/queries.ts';
import { saveFields } from '../../../src/db/odoo-model/fields.ts';
import type { OdooFields } from '../../../src/odoo/types.ts';
import { bearer, startApi, type TestApi } from '../http/start-api.ts';
import { insertBc, insertLine } from './rows.ts';

const FILE = `
mirrors:
  bc: { model: dimagaz.bc, lines: dimagaz.bc.line }
  partners: { model: res.partner }
  products: { model: product.product }
`;

const field = (name: string, type: string, relation?: string) => ({
  ...{ name, type, string: name },
  ...(relation === undefined ? {} : { relation }),
});
const described = (...fields: ReturnType<typeof field>[]): OdooFields =>
  Object.fromEntries(fields.map((one) => [one.name, one])) as OdooFields;

let folder: string;
let api: TestApi;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'passerelle-include-'));
  const path = join(folder, 'mirrors.yaml');
  await writeFile(path, FILE);
  api = await startApi({ MIRRORS_FILE: path });
  const now = new Date();
  const partner = [
    field('partner_id', 'many2one', 'res.partner'),
    field('payer_id', 'many2one', 'res.partner'),
  ];
  const others = [
    field('name', 'char'),
    field('user_id', 'many2one', 'res.users'),
    field('tag_ids', 'many2many'),
  ];
  await saveFields(api.db, 'dimagaz.bc', described(...partner, ...others), now);
  await saveFields(
    api.db,
    'dimagaz.bc.line',
    described(field('name', 'char'), field('product_id', 'many2one', 'product.product')),
    now,
  );
  const parent = field('parent_id', 'many2one', 'res.partner');
  await saveFields(
    api.db,
    'res.partner',
    described(field('name', 'char'), field('email', 'char'), parent),
    now,
  );
  await saveFields(api.db, 'product.product', described(field('name', 'char')), now);
  await insertRecord('scrap_res_partner', 7, {
    name: 'Ada',
    email: 'ada@example.com',
    parent_id: [8, 'Works'],
  });
  await insertRecord('scrap_res_partner', 8, { name: 'Works', parent_id: false });
  await api.db.execute(sql`
    update scrap_res_partner set archived_at = now(), archive_reason = 'gone' where odoo_id = 8`);
  await insertRecord('scrap_product_product', 70, { name: 'Propane' });
  await insertBc(api.db, 1, { name: 'BC 1', partner_id: [7, 'Ada'], payer_id: [8, 'Works'] });
  await insertBc(api.db, 2, { name: 'BC 2', partner_id: [99, 'Elsewhere'], payer_id: false });
  await insertBc(api.db, 3, { name: 'BC 3', partner_id: [7, 'Ada'] });
  await insertLine(api.db, 11, 1);
  await insertLine(api.db, 12, 1);
  await api.db.execute(sql`
    update scrap_dimagaz_bc_line set fields = fields || '{"product_id": [70, "Propane"]}' where odoo_id = 11`);
});
afterAll(async () => {
  await api?.close();
  await rm(folder, { recursive: true, force: true });
});

async function insertRecord(table: string, odooId: number, fields: object): Promise<void> {
  await api.db.execute(sql`
    insert into ${sql.identifier(table)} (odoo_id, fields, content_hash, fetch_seq, fetched_at, synced_at)
    values (${odooId}, ${JSON.stringify({ id: odooId, ...fields })}::jsonb, 'h', 1, now(), now())`);
}

const get = async (url: string) => {
  const answer = await api.inject(url);
  expect([url, answer.statusCode, answer.body]).toEqual([url, 200, answer.body]);
  return answer.json();
};

test('each BC of a list has the records that its many2one fields refer to', async () => {
  const { items } = await get('/api/v1/bc?include=partner_id,payer_id&fields=name');
  expect(items).toMatchObject([
    {
      ...{ odooId: 1, fields: { name: 'BC 1' } },
      included: {
        partner_id: {
          odooId: 7,
          fields: { email: 'ada@example.com' },
          archivedAt: null,
          archiveReason: null,
        },
        payer_id: { odooId: 8, fields: { name: 'Works' }, archiveReason: 'gone' },
      },
    },
    // The mirror does not have the record, and the field is empty.
    { odooId: 2, included: { partner_id: null, payer_id: null } },
    { odooId: 3, included: { partner_id: { odooId: 7 }, payer_id: null } },
  ]);
  expect(items[0].included.payer_id.archivedAt).toMatch(/^20/);
  expect(items[0]).not.toHaveProperty('lines');
  expect((await get('/api/v1/bc')).items[0]).not.toHaveProperty('included');
});

test('an included record is as its own mirror returns it, and an item as the document alone', async () => {
  const one = await get('/api/v1/bc/1?include=partner_id');
  expect(one.included.partner_id).toEqual(await get('/api/v1/mirrors/partners/documents/7'));
  const [first] = (await get('/api/v1/bc?include=partner_id&limit=1')).items;
  expect(first).toEqual(one);
  expect(await get('/api/v1/mirrors/bc/documents/1?include=partner_id')).toEqual(one);
});

test('include_fields selects the fields of an included record', async () => {
  const fields = 'include_fields[partner_id]=name,email&include_fields[lines.product_id]=name';
  const one = await get(`/api/v1/bc/1?include=partner_id,payer_id,lines.product_id&${fields}`);
  expect(one.included.partner_id.fields).toEqual({ name: 'Ada', email: 'ada@example.com' });
  expect(one.included.payer_id.fields).toEqual({ id: 8, name: 'Works', parent_id: false });
  expect(one.lines[0].included.product_id.fields).toEqual({ name: 'Propane' });
  const [first] = (await get(`/api/v1/bc?limit=1&include=partner_id&include_fields[partner_id]=email`)).items;
  expect(first.included.partner_id.fields).toEqual({ email: 'ada@example.com' });
});

test('a field may refer to its own model', async () => {
  const { items } = await get('/api/v1/mirrors/partners/documents?archived=include&include=parent_id');
  expect(items).toMatchObject([
    { odooId: 7, included: { parent_id: { odooId: 8, fields: { name: 'Works' } } } },
    { odooId: 8, included: { parent_id: null } },
  ]);
});

test('fields of the lines bring the lines and their records', async () => {
  const lines = [
    { odooId: 11, included: { product_id: { odooId: 70, fields: { name: 'Propane' } } } },
    { odooId: 12, included: { product_id: null } },
  ];
  const one = await get('/api/v1/bc/1?include=lines.product_id,partner_id&line_fields=name');
  expect(one).toMatchObject({ included: { partner_id: { odooId: 7 } }, lines });
  expect(Object.keys(one.lines[0].fields)).toEqual(['name']);
  const [listed] = (await get('/api/v1/bc?include=lines,lines.product_id&limit=1')).items;
  expect(listed).toMatchObject({ lines });
  expect(listed).not.toHaveProperty('included');
});

test('a page takes as many statements with included records as without, however many items it has', async () => {
  const statements: string[] = [];
  const traced = openDatabase(api.config.databaseUrl, {
    trace: (query) => {
      statements.push(query);
      return () => {};
    },
  });
  const app = await buildApp({ ...api, db: traced.db });
  const count = async (url: string) => {
    const ask = () => app.inject({ url, headers: bearer(api.key) });
    // The first request reads the fields of the model.
    await ask();
    statements.length = 0;
    const answer = await ask();
    expect(answer.statusCode).toBe(200);
    return statements.filter((query) => query.includes('scrap_')).length;
  };
  try {
    const all = 'include=partner_id,payer_id,lines.product_id';
    expect(await count('/api/v1/bc?limit=3')).toBe(1);
    expect(await count(`/api/v1/bc?limit=1&${all}`)).toBe(1);
    expect(await count(`/api/v1/bc?limit=3&${all}`)).toBe(1);
    expect(await count(`/api/v1/bc/1?${all}`)).toBe(1);
  } finally {
    await app.close();
    await traced.close();
  }
});

test.each([
  '/api/v1/bc?include=partner_id&fields=name',
  '/api/v1/bc/3?include=partner_id',
  '/api/v1/bc/1?include=lines.product_id',
])('the ETag of %s changes with an included record', async (url) => {
  const first = await api.inject(url);
  const headers = { 'if-none-match': String(first.headers.etag) };
  expect((await api.inject({ url, headers })).statusCode).toBe(304);
  for (const table of ['scrap_res_partner', 'scrap_product_product']) {
    await api.db.execute(sql`
        update ${sql.identifier(table)} set fields = fields || jsonb_build_object('name', fields ->> 'name' || '!')`);
  }
  const second = await api.inject({ url, headers });
  expect(second.statusCode).toBe(200);
  expect(second.body).toContain('!"');
});

test('included records count towards the size of a page', async () => {
  const note = 'x'.repeat(PAGE_BYTES / 2);
  await insertRecord('scrap_res_partner', 50, { name: 'Long', note });
  for (const id of [101, 102, 103, 104])
    await insertBc(api.db, id, { name: 'large', partner_id: [50, 'Long'] });
  const page = async (cursor: string) =>
    get(`/api/v1/bc?filter[name]=large&fields=name&include=partner_id${cursor}`);
  const first = await page('');
  expect(first.items.map(({ odooId }: { odooId: number }) => odooId)).toEqual([101, 102]);
  const second = await page(`&cursor=${first.nextCursor}`);
  expect(second.items.map(({ odooId }: { odooId: number }) => odooId)).toEqual([103, 104]);
  expect(second.nextCursor).toBeNull();
});

describe('include is refused', () => {
  test.each([
    [
      'partner',
      'unknown_field',
      'include: there is no field "partner". Did you mean partner_id? There are lines, partner_id, payer_id, lines.product_id.',
    ],
    ['', 'unknown_field', 'include: there is no field ""'],
    ['lines.produkt_id', 'unknown_field', 'Did you mean lines.product_id?'],
    [
      'name',
      'not_many2one',
      'include: name is a char field, and only records of many2one fields are included; partner_id, payer_id, lines.product_id can be.',
    ],
    ['tag_ids', 'not_many2one', 'tag_ids is a many2many field'],
    [
      'partner_id,user_id',
      'relation_not_mirrored',
      'include: user_id refers to res.users, which no mirror has. There are bc (dimagaz.bc), partners (res.partner), products (product.product). Add a mirror with "model: res.users" to MIRRORS_FILE.',
    ],
    ['lines,a,b,c,d,e,f', 'bad_value', 'include: expected lines and at most 5 fields, not "6 fields".'],
  ])('as %j with the code %s', async (include, code, detail) => {
    for (const path of ['/api/v1/bc', '/api/v1/bc/1', '/api/v1/mirrors/bc/documents']) {
      const answer = await api.inject(`${path}?include=${include}`);
      expect([answer.statusCode, answer.json()]).toMatchObject([
        400,
        { code, detail: expect.stringContaining(detail) },
      ]);
    }
  });

  test.each([
    ['include=partner_id&include_fields[partner_id]=mail', 'unknown_field', 'Did you mean email?'],
    [
      'include=partner_id&include_fields[user_id]=name',
      'bad_value',
      'a field that include names, not "user_id"',
    ],
    ['include_fields[partner_id]=name', 'bad_value', 'a field that include names'],
    [
      'include=partner_id&include_fields[partner_id]=name&include_fields[partner_id]=email',
      'invalid_request',
      '',
    ],
    ['include=partner_id&include_fields=name', 'invalid_request', 'include_fields'],
    ['include=partner_id&include_fields[__proto__]=name', 'invalid_request', 'include_fields'],
  ])('with %s by the code %s', async (query, code, detail) => {
    const answer = await api.inject(`/api/v1/bc?${query}`);
    expect(answer.json()).toMatchObject({ status: 400, code, detail: expect.stringContaining(detail) });
  });

  test.each(['changes', 'export?format=ndjson'])('by %s, which takes lines only', async (path) => {
    const url = `/api/v1/bc/${path}${path.includes('?') ? '&' : '?'}include=`;
    expect((await api.inject(`${url}partner_id`)).json()).toMatchObject({
      status: 400,
      code: 'invalid_request',
    });
    expect((await api.inject(`${url}lines`)).statusCode).toBe(200);
  });

  test('for a key that does not reach the mirror of the record', async () => {
    const only = await api.headerOf({ scopes: ['bc:read'], mirrors: ['bc'] });
    const ask = async (include: string) =>
      (await api.app.inject({ url: `/api/v1/bc/1?include=${include}`, headers: only })).json();
    const refused = { status: 403, code: 'mirror_not_allowed' };
    expect(await ask('partner_id')).toMatchObject({
      ...refused,
      detail:
        'include: partner_id refers to res.partner. This key reaches only the mirrors bc, and none of them mirrors ' +
        'res.partner. Leave out partner_id, or use a key that reaches its mirror too.',
    });
    // The same answer as for a model that no mirror has: the key learns no names.
    expect(await ask('user_id')).toMatchObject(refused);
    expect((await ask('partner')).detail).not.toContain('payer_id');
    expect(await ask('lines')).toMatchObject({ odooId: 1 });
    const both = await api.headerOf({ scopes: ['bc:read'], mirrors: ['bc', 'partners'] });
    const answer = await api.app.inject({ url: '/api/v1/bc/1?include=partner_id', headers: both });
    expect(answer.json()).toMatchObject({ included: { partner_id: { odooId: 7 } } });
  });
});
