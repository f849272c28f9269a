import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TestApi } from '../http/start-api.ts';
import { startApi } from '../http/start-api.ts';
import { insertBc, insertLine, saveTestFields } from './rows.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startApi();
  await saveTestFields(api.db);
  await insertBc(api.db, 1, {
    name: 'BC/2026/0001',
    display_name: 'BC/2026/0001',
    note: 'Crème brûlée 100%',
    state: 'draft',
    amount_total: 100.5,
    quantity: 9,
    urgent: true,
    partner_id: [7, 'Épicerie Ltd'],
    tag_ids: [1, 2],
    date_order: '2026-01-31 08:00:00',
    day: '2026-01-31',
    scan: 'AAAA',
  });
  await insertBc(api.db, 2, {
    name: 'BC/2026/0002',
    note: false,
    state: 'done',
    amount_total: 20,
    quantity: 10,
    urgent: false,
    partner_id: [8, "O'Hara; drop table scrap_dimagaz_bc"],
    tag_ids: [2],
    date_order: '2026-02-01 07:59:59',
    day: '2026-02-01',
    scan: false,
  });
  await insertBc(
    api.db,
    30,
    {
      name: 'Autre',
      state: 'done',
      amount_total: 0,
      urgent: false,
      partner_id: false,
      tag_ids: [],
      date_order: false,
    },
    { changedAt: new Date('2026-01-01T00:00:00Z') },
  );
  await insertBc(
    api.db,
    40,
    { name: 'Gone', state: 'done' },
    { archivedAt: new Date('2026-03-01T00:00:00Z'), archiveReason: 'missing' },
  );
  await insertLine(api.db, 11, 1);
  await insertLine(api.db, 12, 1);
  await insertLine(api.db, 13, 1, true);
  await insertLine(api.db, 21, 2);
});
afterAll(() => api.close());

async function list(query: string) {
  const answer = await api.inject(`/api/v1/bc?${query}`);
  expect(answer.statusCode, answer.body).toBe(200);
  return answer.json();
}
const ids = async (query: string): Promise<number[]> =>
  (await list(query)).items.map(({ odooId }: { odooId: number }) => odooId);

test.each([
  ['', [1, 2, 30]],
  ['state=done', [2, 30]],
  ['filter[state]=done&filter[amount_total][gt]=0', [2]],
  ['filter[state][in]=draft,done', [1, 2, 30]],
  ['filter[name][in]=BC/2026/0001&filter[name][in]=Autre', [1, 30]],
  ['filter[state][ne]=done', [1]],
  ['filter[amount_total]=100.50', [1]],
  ['filter[amount_total][lte]=20', [2, 30]],
  ['filter[quantity][gte]=9', [1, 2]],
  ['filter[quantity][lt]=10', [1]],
  ['filter[quantity][null]=true', [30]],
  ['filter[urgent]=true', [1]],
  ['filter[urgent][null]=false', [1, 2, 30]],
  ['filter[note][null]=true', [2, 30]],
  ['filter[note][like]=cRèME', [1]],
  ['filter[note][like]=0%25', [1]],
  ['filter[note][like]=_', []],
  ['filter[partner_id]=7', [1]],
  ['filter[partner_id][in]=7,8', [1, 2]],
  ['filter[partner_id]=Épicerie Ltd', [1]],
  ['filter[partner_id][like]=épicerie', [1]],
  ['filter[partner_id][ne]=7', [2, 30]],
  ['filter[partner_id][null]=true', [30]],
  [`filter[partner_id]=${encodeURIComponent("O'Hara; drop table scrap_dimagaz_bc")}`, [2]],
  ['filter[tag_ids]=2', [1, 2]],
  ['filter[tag_ids][in]=1,9', [1]],
  ['filter[tag_ids][null]=true', [30]],
  ['filter[scan][null]=false', [1]],
  ['filter[date_order][gte]=2026-02-01', [2]],
  ['filter[date_order][gte]=2026-01-30T23:00:00.000Z&filter[date_order][lt]=2026-01-31T23:00:00.000Z', [1]],
  ['filter[date_order]=2026-01-31T08:00:00Z', [1]],
  ['filter[date_order]=2026-01-31T09:00:00%2B01:00', [1]],
  ['filter[date_order][lt]=2026-01-31 08:00:01', [1]],
  ['filter[day][lte]=2026-01-31', [1]],
  ['q=0002', [2]],
  ['q=brûlée', [1]],
  ['q=30', [30]],
  ['q=3', []],
  ['archived=include', [1, 2, 30, 40]],
  ['archived=only', [40]],
  ['updated_since=2026-01-02', [1, 2]],
  ['updated_since=2025-12-31T23:59:59Z', [1, 2, 30]],
  ['updated_since=0001-01-01', [1, 2, 30]],
  ['updated_since=9999-12-31T23:59:59Z', []],
])('?%s finds %j', async (query, expected) => {
  expect(await ids(query)).toEqual(expected);
});

/** Moments to JavaScript, none to PostgreSQL. */
const NO_MOMENTS = ['0000-01-01', '0001-01-01T00:00:00%2B10:00', '9999-12-31T23:59:59-10:00'];
const YEARS = 'years 1 to 9999';

/** A query, the code, and what its detail names. */
type Refused = [string, string, string[]];

test.each<Refused>([
  ['filter[nom]=x', 'unknown_field', ['filter[nom]', '"nom"', 'amount_total']],
  ["filter[x'); drop table scrap_dimagaz_bc; --]=1", 'unknown_field', ['drop table']],
  ['sort=nom', 'unknown_field', ['sort', '"nom"', 'odoo_id', 'amount_total']],
  ['sort=-amount', 'unknown_field', ['"amount". Did you mean amount_total? There are odoo_id, id']],
  ['fields=name,amout_total', 'unknown_field', ['Did you mean amount_total?']],
  ['sort=tag_ids', 'unknown_field', ['sort', '"tag_ids"']],
  ['fields=name,nom', 'unknown_field', ['fields', '"nom"']],
  ['filter[name][regex]=x', 'unknown_operator', ['"regex"', 'char', 'like']],
  ['filter[urgent][gt]=true', 'unknown_operator', ['filter[urgent]', 'boolean', 'eq, ne, null']],
  ['filter[amount_total]=abc', 'bad_value', ['filter[amount_total]', 'a number', '"abc"']],
  ['filter[amount_total][gte]=1&filter[amount_total][gte]=2', 'bad_value', ['one value']],
  ['filter[urgent]=1', 'bad_value', ['filter[urgent]', 'true or false']],
  ['filter[date_order][gte]=yesterday', 'bad_value', ['filter[date_order][gte]', '2026-01-31']],
  ['filter[day]=2026-02-30', 'bad_value', ['a date']],
  ['filter[day]=0000-01-01', 'bad_value', ['filter[day]', YEARS]],
  ...NO_MOMENTS.map(
    (at): Refused => [`filter[date_order][gt]=${at}`, 'bad_value', ['[date_order][gt]', YEARS]],
  ),
  ['filter[tag_ids]=blue', 'bad_value', ['an id']],
  ['filter[name]=%00', 'bad_value', ['NUL']],
  ['filter[name][null]=maybe', 'bad_value', ['true or false']],
  ['sort=note', 'unknown_field', ['sort', '"note"', 'odoo_id', 'amount_total']],
  ['filter[__proto__]=x', 'invalid_request', ['filter[__proto__]']],
  ['filter[name][__proto__]=x', 'invalid_request', ['filter[name][__proto__]']],
  ['__proto__=x', 'invalid_request', ['__proto__']],
  ['limit=0x10', 'invalid_request', ['limit', '1 to 500']],
  ['limit=1e2', 'invalid_request', ['limit', '1 to 500']],
  ['limit=501', 'invalid_request', ['limit', '1 to 500']],
  ['updated_since=never', 'invalid_request', ['updated_since', '2026-01-31']],
  ...NO_MOMENTS.map((at): Refused => [`updated_since=${at}`, 'invalid_request', ['updated_since', YEARS]]),
  ['q=%00', 'invalid_request', ['q']],
  ['limits=3', 'invalid_request', ['limits']],
])('?%s is refused as %s', async (query, code, parts) => {
  const answer = await api.inject(`/api/v1/bc?${query}`);
  expect([answer.statusCode, answer.json().code]).toEqual([400, code]);
  for (const part of parts) expect(answer.json().detail).toContain(part);
});

test('an item has the dates, the hash and the fields as Odoo gave them', async () => {
  const { items, nextCursor } = await list('filter[name]=Gone&archived=only');
  expect(nextCursor).toBeNull();
  expect(items).toEqual([
    {
      odooId: 40,
      fields: { id: 40, name: 'Gone', state: 'done' },
      createDate: null,
      writeDate: null,
      syncedAt: expect.stringMatching(/^20\d\d-.*Z$/),
      changedAt: expect.stringMatching(/^20\d\d-.*Z$/),
      archivedAt: '2026-03-01T00:00:00.000Z',
      archiveReason: 'missing',
      contentHash: 'hash',
    },
  ]);
});

test('fields picks, include adds the lines that are not gone, count adds the total', async () => {
  const { items, total } = await list('fields=name,state&include=lines&count=exact&limit=2');
  expect(total).toBe(3);
  expect(items.map(({ fields }: { fields: unknown }) => fields)).toEqual([
    { name: 'BC/2026/0001', state: 'draft' },
    { name: 'BC/2026/0002', state: 'done' },
  ]);
  const lines = items.map((item: { lines: { odooId: number }[] }) => item.lines.map(({ odooId }) => odooId));
  expect(lines).toEqual([[11, 12], [21]]);
});

test('moments are ISO 8601 in milliseconds, whole numbers and texts cross as Odoo gave them', async () => {
  const long = `${'é'.repeat(250)}x`;
  const moments = {
    odooCreateDate: new Date('0001-01-01T00:00:00Z'),
    odooWriteDate: new Date('2026-07-01T12:30:00.500Z'),
  };
  await insertBc(api.db, 50, { name: long, amount_total: 0.1, note: '\u2028 "\\ \n' }, moments);
  await api.db.execute(
    sql`update scrap_dimagaz_bc set synced_at = '2026-07-01 14:30:00.123999+02' where odoo_id = 50`,
  );
  const { items } = await list(`filter[name]=${encodeURIComponent(long)}`);
  expect(items).toMatchObject([
    {
      createDate: '0001-01-01T00:00:00.000Z',
      writeDate: '2026-07-01T12:30:00.500Z',
      syncedAt: '2026-07-01T12:30:00.123Z',
      fields: { name: long, amount_total: 0.1, note: '\u2028 "\\ \n' },
    },
  ]);
  const { headers } = await api.inject('/api/v1/bc');
  expect(headers['content-type']).toBe('application/json; charset=utf-8');
});

test.each([
  ['eq', 'é'.repeat(199), []],
  ['eq', 'é'.repeat(250), []],
  ['gt', 'é'.repeat(199), [50]],
  ['gt', 'é'.repeat(250), [50]],
  ['gte', `${'é'.repeat(250)}x`, [50]],
  ['gt', `${'é'.repeat(250)}x`, []],
  ['lt', `${'é'.repeat(250)}y`, [1, 2, 30, 50]],
  ['lte', 'é'.repeat(250), [1, 2, 30]],
])('a name longer than an index keeps is %s %s in full', async (operator, text, expected) => {
  expect(await ids(`filter[name][${operator}]=${encodeURIComponent(text)}`)).toEqual(expected);
});
