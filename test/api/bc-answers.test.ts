import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { saveFields } from '../../src/db/fields.ts';
import { changeBc, insertBc, insertLine, saveTestFields } from './rows.ts';
import type { TestApi } from './start-api.ts';
import { startApi } from './start-api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startApi();
  await saveTestFields(api.db);
  const lineFields = { name: { name: 'name', type: 'char', string: 'Name' } };
  await saveFields(api.db, 'dimagaz.bc.line', lineFields, new Date());
  for (let odooId = 1; odooId <= 20; odooId += 1) await insertBc(api.db, odooId, { name: `BC ${odooId}` });
  await insertLine(api.db, 11, 1);
});
afterAll(() => api.close());

const ask = (url: string, headers: Record<string, string> = {}) => api.inject({ url, headers });

test.each([
  '/api/v1/bc?limit=5',
  '/api/v1/bc/1',
  '/api/v1/bc/1/lines',
  '/api/v1/bc/1/history',
  '/api/v1/bc/changes',
])('%s is sent once to who has it already, and again when it changed', async (url) => {
  const first = await ask(url);
  const etag = String(first.headers.etag);
  expect(etag).toMatch(/^W\/"[\w-]+"$/);
  for (const known of [etag, etag.slice(2), `"other", ${etag}`, '*']) {
    // What goes on elsewhere in PostgreSQL is no news.
    await api.db.execute('select pg_current_xact_id()');
    const again = await ask(url, { 'if-none-match': known });
    expect([again.statusCode, again.body, again.headers.etag]).toEqual([304, '', etag]);
  }
  await changeBc(api.db, 1, { name: `not ${url}` });
  await insertLine(api.db, 1000 + Math.floor(Math.random() * 1e9), 1);
  await insertBc(api.db, 1000 + Math.floor(Math.random() * 1e9), {});
  const changed = await ask(url, { 'if-none-match': `${etag}x` });
  expect(changed.statusCode).toBe(200);
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
    const { total: told, totalIsEstimate } = (await ask(`/api/v1/bc?limit=1&${query}`)).json();
    return [told, totalIsEstimate];
  };
  expect(await count('count=exact')).toEqual([total, false]);
  expect(await count('count=estimated')).toEqual([total, true]);
  expect(await count('')).toEqual([undefined, undefined]);
  await api.db.execute(sql`delete from scrap_dimagaz_bc where odoo_id between 4 and 13`);
  expect(await count('count=exact')).toEqual([total - 10, false]);
  expect(await count('count=estimated')).toEqual([total, true]);
});
