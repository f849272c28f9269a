import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { saveFields } from '../../../src/db/odoo-model/fields.ts';
import { bc } from '../../../src/db/schema/index.ts';
import { waitFor } from '../../support/wait-for.ts';
import type { TestApi } from '../http/start-api.ts';
import { startApi } from '../http/start-api.ts';
import { changeBc, insertBc, insertLine, saveTestFields } from './rows.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startApi();
  await saveTestFields(api.db);
  const lineFields = { name: { name: 'name', type: 'char', string: 'Name' } };
  await saveFields(api.db, 'dimagaz.bc.line', lineFields, new Date());
  for (let odooId = 1; odooId <= 20; odooId += 1) await insertBc(api.db, odooId, { name: `BC ${odooId}` });
  await insertLine(api.db, 11, 1);
  await insertLine(api.db, 12, 1);
  await changeBc(api.db, 1, { name: 'changed once' });
});
afterAll(() => api.close());

const ask = (url: string, headers: Record<string, string> = {}) => api.inject({ url, headers });
const ids = ({ items }: { items: { odooId: number }[] }) => items.map(({ odooId }) => odooId);

let newest = 1000;
const newId = () => {
  newest += 1;
  return newest;
};

/** How many BCs the feed has: transactions in other databases of the server may hold some back. */
const listed = async () => (await ask('/api/v1/bc/changes?limit=500')).json().items.length;

test.each([
  '/api/v1/bc?limit=5',
  '/api/v1/bc?limit=5&sort=-odoo_id',
  '/api/v1/bc?sort=name&limit=500',
  '/api/v1/bc/1',
  '/api/v1/bc/1/lines',
  '/api/v1/bc/1/lines?limit=1',
  '/api/v1/bc/1/history',
  '/api/v1/bc/1/history?limit=1',
  '/api/v1/bc/changes?limit=500',
  '/api/v1/bc/changes?limit=5',
])('%s is sent once to a client that keeps the ETag, and again when it changed', async (url) => {
  const known = await api.db.$count(bc);
  await waitFor(async () => (await listed()) === known, 'the feed to have every BC');
  const first = await ask(url);
  const etag = String(first.headers.etag);
  expect(etag).toMatch(/^W\/"[\w-]+"$/);
  if (/limit=[15]\b/.test(url)) expect(first.json().nextCursor).not.toBeNull();
  for (const same of [etag, etag.slice(2), `"other", ${etag}`, '*']) {
    // Other activity in PostgreSQL changes nothing here.
    await api.db.execute('select pg_current_xact_id()');
    const again = await ask(url, { 'if-none-match': same });
    expect([again.statusCode, again.body, again.headers.etag]).toEqual([304, '', etag]);
  }
  const [item] = /bc(\?|\/changes)/.test(url) ? first.json().items : [{ odooId: 1 }];
  await changeBc(api.db, item.odooId, { name: `not ${url}` });
  await api.db.execute(
    sql`update scrap_dimagaz_bc_line set fields = fields || jsonb_build_object('note', ${url}::text)`,
  );
  await insertBc(api.db, newId(), {});
  const changed = await ask(url, { 'if-none-match': etag });
  expect(changed.statusCode).toBe(200);
  expect(changed.headers.etag).not.toBe(etag);
});

test('who goes on from a first page that is the same still misses nothing that came meanwhile', async () => {
  const three = [newId(), newId(), newId()];
  for (const [place, odooId] of three.entries()) {
    await insertBc(api.db, odooId, { name: 'sorted', amount_total: 30 - 10 * place });
  }
  const list = '/api/v1/bc?filter[name]=sorted&sort=-amount_total&limit=2';
  const before = await ask(list);
  const late = newId();
  await insertBc(api.db, late, { name: 'sorted', amount_total: 15 });
  const after = await ask(list, { 'if-none-match': String(before.headers.etag) });
  const held = after.statusCode === 304 ? before.json() : after.json();
  const rest = (await ask(`${list}&cursor=${held.nextCursor}`)).json();
  expect([...ids(held), ...ids(rest)]).toEqual([...three.slice(0, 2), late, ...three.slice(2)]);
});

test('another content has another ETag', async () => {
  const { headers: before } = await ask('/api/v1/bc/2');
  await changeBc(api.db, 2, { name: 'changed' });
  const after = await ask('/api/v1/bc/2', { 'if-none-match': String(before.etag) });
  expect(after.statusCode).toBe(200);
  expect(after.headers.etag).not.toBe(before.etag);
});

test('a problem has no ETag, whatever is asked for', async () => {
  const answer = await ask('/api/v1/bc/999999999', { 'if-none-match': '*' });
  expect([answer.statusCode, answer.headers.etag]).toEqual([404, undefined]);
});

test('large answers are compressed for who can read that, small ones never', async () => {
  const plain = await ask('/api/v1/bc');
  const gzip = await ask('/api/v1/bc', { 'accept-encoding': 'gzip' });
  const brotli = await ask('/api/v1/bc', { 'accept-encoding': 'gzip, br' });
  expect(plain.headers['content-encoding']).toBeUndefined();
  expect([gzip.headers['content-encoding'], brotli.headers['content-encoding']]).toEqual(['gzip', 'br']);
  expect(gunzipSync(gzip.rawPayload).toString()).toBe(plain.body);
  expect(brotliDecompressSync(brotli.rawPayload).toString()).toBe(plain.body);
  expect(gzip.headers.etag).toBe(plain.headers.etag);
  expect(
    (await ask('/api/v1/bc/3', { 'accept-encoding': 'gzip' })).headers['content-encoding'],
  ).toBeUndefined();
});

test('fields of lines are picked where there are lines', async () => {
  const { items } = (await ask('/api/v1/bc/1/lines?fields=name&limit=1')).json();
  expect(items[0].fields).toEqual({ name: 'line 11' });
  const one = (await ask('/api/v1/bc/1?include=lines&line_fields=name&fields=id')).json();
  expect([one.fields, one.lines[0].fields]).toEqual([{ id: 1 }, { name: 'line 11' }]);
  for (const [url, code] of [
    ['/api/v1/bc?line_fields=name', 'lines_not_included'],
    ['/api/v1/bc/1?include=lines&line_fields=state', 'unknown_field'],
    ['/api/v1/bc/1/lines?fields=state', 'unknown_field'],
  ] as const) {
    const answer = await ask(url);
    expect([answer.statusCode, answer.json().code]).toEqual([400, code]);
  }
});

test('a total is counted, or estimated from the statistics of PostgreSQL', async () => {
  await api.db.execute(sql`analyze scrap_dimagaz_bc`);
  const [row] = await api.db.execute<{ n: string }>(sql`select count(*) as n from scrap_dimagaz_bc`);
  const total = Number(row?.n);
  const count = async (query: string) => {
    const { total: listed, totalIsEstimate } = (await ask(`/api/v1/bc?limit=1&${query}`)).json();
    return [listed, totalIsEstimate];
  };
  expect(await count('count=exact')).toEqual([total, false]);
  expect(await count('count=estimated')).toEqual([total, true]);
  expect(await count('')).toEqual([undefined, undefined]);
  await api.db.execute(sql`delete from scrap_dimagaz_bc where odoo_id between 4 and 13`);
  expect(await count('count=exact')).toEqual([total - 10, false]);
  expect(await count('count=estimated')).toEqual([total, true]);
});
