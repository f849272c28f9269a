import { parse } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { saveFields } from '../../../src/db/odoo-model/fields.ts';
import type { TestApi } from '../http/start-api.ts';
import { startApi } from '../http/start-api.ts';
import { insertBc, insertLine, saveTestFields } from './rows.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startApi();
  await saveTestFields(api.db);
  const line = { id: 'integer', name: 'char' };
  const lineFields = Object.entries(line).map(([name, type]) => [name, { name, type, string: name }]);
  await saveFields(api.db, 'dimagaz.bc.line', Object.fromEntries(lineFields), new Date());
  await insertBc(api.db, 1, {
    name: 'BC "1"; one, two',
    note: 'first\nsecond',
    state: 'draft',
    amount_total: -1234.5,
    quantity: 3,
    urgent: false,
    partner_id: [7, '=HYPERLINK("http://evil")'],
    tag_ids: [1, 2],
    date_order: '2026-01-31 08:00:00',
    scan: Buffer.from('12345').toString('base64'),
  });
  await insertBc(api.db, 2, { name: '-2+3', note: false, state: 'done', partner_id: false, tag_ids: [] });
  await insertBc(api.db, 3, { name: 'gone' }, { archivedAt: new Date('2026-03-01T00:00:00Z') });
  await insertLine(api.db, 11, 1);
  await insertLine(api.db, 12, 1, true);
  await insertLine(api.db, 21, 2);
});
afterAll(() => api.close());

async function exported(query: string, headers: Record<string, string> = {}) {
  const answer = await api.inject({ url: `/api/v1/bc/export?${query}`, headers });
  expect(answer.statusCode, answer.body).toBe(200);
  return answer;
}
const rows = async (query: string) => (await exported(query)).body.split('\r\n');

test('CSV has a row of names, and a row for each BC in the order of ids', async () => {
  expect(await rows('fields=id,name,state')).toEqual([
    'id,name,state,mirror_changed_at,mirror_archived_at',
    expect.stringMatching(/^1,"BC ""1""; one, two",draft,20\d\d-\d\d-\d\d \d\d:\d\d:\d\d,$/),
    expect.stringMatching(/^2,'-2\+3,done,/),
    '',
  ]);
});

test('each kind of field has its writing', async () => {
  const [names = '', first = ''] = await rows(
    'fields=amount_total,quantity,urgent,partner_id,tag_ids,date_order,note,day',
  );
  expect(names).toMatch(
    /^amount_total,quantity,urgent,partner_id_id,partner_id_name,tag_ids,date_order,note,day,/,
  );
  expect(first).toMatch(
    /^-1234\.5,3,false,7,"'=HYPERLINK\(""http:\/\/evil""\)",1 2,2026-01-31 08:00:00,"first\nsecond",,/,
  );
});

test('a French Excel finds its mark, its semicolons and its decimal commas', async () => {
  const { body, headers } = await exported(
    'fields=name,amount_total&delimiter=semicolon&decimal=comma&bom=true',
  );
  expect(body).toMatch(
    /^\uFEFFname;amount_total;mirror_changed_at;mirror_archived_at\r\n"BC ""1""; one, two";-1234,5;/,
  );
  expect(headers['content-type']).toBe('text/csv; charset=utf-8; header=present');
  expect(headers['content-disposition']).toMatch(/^attachment; filename="bc-\d{4}-\d\d-\d\d\.csv"$/);
  expect((await rows('fields=name,state&delimiter=tab'))[0]).toBe(
    'name\tstate\tmirror_changed_at\tmirror_archived_at',
  );
});

test('contents are their size in CSV, unless they are asked for by name', async () => {
  const [names = '', first = ''] = await rows('state=draft');
  expect(first.split(',').at(names.split(',').indexOf('mirror_archived_at') - 1)).not.toContain('MTIzNDU=');
  const cell = (line: string, at: number) => line.split(',').at(at);
  expect(names.split(',').at(-4)).toBe('scan');
  expect(cell(first, -4)).toBe('5');
  const [, asked = ''] = await rows('fields=scan');
  expect(cell(asked, 0)).toBe('MTIzNDU=');
});

test('lines are rows of their own, with the BC that they belong to', async () => {
  expect(await rows('of=lines&fields=name')).toEqual([
    'name,mirror_bc_id,mirror_bc_name,mirror_archived_at',
    'line 11,1,"BC ""1""; one, two",',
    "line 21,2,'-2+3,",
    '',
  ]);
  expect(await rows('of=lines&fields=name&filter[state]=done')).toHaveLength(3);
  expect(await rows('of=lines&fields=name&archived=include')).toHaveLength(5);
});

test('NDJSON holds each BC as the list does, with lines where they are wanted', async () => {
  const { body, headers } = await exported('format=ndjson&include=lines&line_fields=name&archived=include');
  const items = body
    .trim()
    .split('\n')
    .map((text) => JSON.parse(text));
  const list = await api.inject('/api/v1/bc?include=lines&line_fields=name&archived=include');
  expect(items).toEqual(list.json().items);
  expect(items[0].lines[0].fields).toEqual({ name: 'line 11' });
  expect(headers['content-type']).toBe('application/x-ndjson');
  expect(parse(String(headers['content-disposition']).replaceAll('"', '')).ext).toBe('.ndjson');
});

test('nothing found is a file with names only', async () => {
  expect(await rows('fields=name&q=nowhere')).toEqual(['name,mirror_changed_at,mirror_archived_at', '']);
  expect((await exported('format=ndjson&q=nowhere')).body).toBe('');
});

test('a file is compressed for who can read that, and has no ETag', async () => {
  const { rawPayload, headers } = await exported('fields=name', { 'accept-encoding': 'gzip' });
  expect([headers['content-encoding'], headers.etag]).toEqual(['gzip', undefined]);
  expect(gunzipSync(rawPayload).toString()).toMatch(/^name,mirror/);
});

test.each([
  ['fields=nope', 'unknown_field'],
  ['filter[amount_total][gt]=much', 'bad_value'],
  ['updated_since=9999-12-31T23:59:59-10:00', 'invalid_request'],
  ['format=ndjson&line_fields=name', 'lines_not_included'],
  ['include=lines', 'invalid_request'],
  ['sort=name', 'invalid_request'],
  ['limit=5', 'invalid_request'],
])('%s is refused before anything is sent', async (query, code) => {
  const answer = await api.inject(`/api/v1/bc/export?${query}`);
  expect([answer.statusCode, answer.json().code]).toEqual([400, code]);
  expect(answer.headers['content-disposition']).toBeUndefined();
});
