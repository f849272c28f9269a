import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeCursor } from '../../../src/api/routes/documents/cursors.ts';
import { listKnownFields } from '../../../src/api/routes/documents/fields-cache.ts';
import { listQuery, readListQuery } from '../../../src/api/routes/documents/query.ts';
import type { TestApi } from '../http/start-api.ts';
import { startApi } from '../http/start-api.ts';
import { insertBc, saveTestFields } from './rows.ts';

/** Business data of a filter and of a cursor, which no log may contain. */
const SECRET = 'Epicerie-Dupont';

const lines: string[] = [];
let api: TestApi;
beforeAll(async () => {
  api = await startApi({}, { log: pino({ level: 'trace' }, { write: (line) => lines.push(line) }) });
  await saveTestFields(api.db);
  await insertBc(api.db, 1, { name: 'one', amount_total: 1, urgent: true, partner_id: [1, 'Partner'] });
});
afterAll(() => api.close());

const SNAPSHOT = '5:5:';
const key = (value: unknown) => ({ key: value, odooId: 1, snapshot: SNAPSHOT });
const snapshot = (value: unknown) => ({ key: '1', odooId: 1, snapshot: value });
const odooId = (value: unknown) => ({ key: '1', odooId: value, snapshot: SNAPSHOT });

/** Their digest is right, as anyone can compute it. */
const FORGED = [
  ...['', 'x', ':', '5', '9:5:', '5:9:8,7', '5:9:9', '-1:5:', '5:5', '0:0:', `${'9'.repeat(24)}:5:`].map(
    snapshot,
  ),
  ...['5:5:\0', "5:5:'; select 1", SECRET].map(snapshot),
  ...[0, -1, 1.5, 2 ** 53, '1', null].map(odooId),
  key(['a']),
];

const SORTS = ['odoo_id', 'amount_total', '-quantity', 'name', '-urgent', 'partner_id', 'day'];

const ask = async (sort: string, position: object, more = '') => {
  const known = await listKnownFields(api.db, api.config.mirrors[0]);
  const { list } = readListQuery(listQuery.parse({ sort }), known);
  const cursor = writeCursor(list, position as Parameters<typeof writeCursor>[1]);
  return api.inject(`/api/v1/bc?sort=${sort}&cursor=${cursor}${more}`);
};

/** A list by Odoo id uses no snapshot, and PostgreSQL reads one only if a BC gets that far. */
const isHarmless = async (sort: string, position: object) => {
  const answer = await ask(sort, position);
  expect([position, answer.statusCode], answer.body).toEqual([position, expect.toBeOneOf([200, 400])]);
  if (answer.statusCode === 400) expect(answer.json().code).toBe('bad_cursor');
};

test.each(SORTS)('21 forged cursors of a list by %s give a page or are refused', async (sort) => {
  expect(FORGED).toHaveLength(21);
  for (const position of FORGED) await isHarmless(sort, position);
});

test.each(SORTS)('whatever the value of a list by %s is in a cursor, nothing fails', async (sort) => {
  const values = [
    SECRET,
    '',
    'true',
    'NaN',
    '1e999',
    '-',
    '\0',
    '\u{1f69a}',
    '9'.repeat(3000),
    '2026-02-31',
    null,
  ];
  for (const value of values) await isHarmless(sort, key(value));
});

test('21 forged cursors of a list by an amount are refused', async () => {
  for (const position of FORGED) {
    const answer = await ask('amount_total', {
      ...position,
      key: Array.isArray(position.key) ? position.key : '0',
    });
    expect([position, answer.statusCode, answer.json().code]).toEqual([position, 400, 'bad_cursor']);
  }
});

const encode = (content: unknown) => Buffer.from(JSON.stringify(content)).toString('base64url');

const FEEDS: readonly unknown[] = [
  ...[[], {}, null, 'x', ['1-1'], ['1-1', '1', 0, '1'], ['1-1', '1', 0, '1', 0, 0]],
  ...['', '-1', '1.5', 'x', '9'.repeat(19), SECRET].map((xid) => ['1-1', xid, 0, '1', 0]),
  ...['', '-1', '9'.repeat(19)].map((xid) => ['1-1', '1', 0, xid, 0]),
  ...[-1, 1.5, 2 ** 53, '1', null].map((id) => ['1-1', '1', id, '1', 0]),
  ...['x'.repeat(65), 7, '\0'].map((epoch) => [epoch, '1', 0, '1', 0]),
];

test('a forged cursor of the change feed is refused', async () => {
  for (const content of FEEDS) {
    const answer = await api.inject(`/api/v1/bc/changes?after=${encode(content)}`);
    expect([content, answer.statusCode, answer.json().code]).toEqual([content, 400, 'bad_cursor']);
  }
});

test('a cursor of the change feed that this server could not have given starts from the beginning', async () => {
  const { nextCursor } = (await api.inject('/api/v1/bc/changes')).json();
  const [epoch] = JSON.parse(Buffer.from(nextCursor, 'base64url').toString());
  for (const position of [
    [epoch, '9'.repeat(18), 0, '1', 0],
    [epoch, '1', Number.MAX_SAFE_INTEGER, '9'.repeat(18), Number.MAX_SAFE_INTEGER],
    ['1-1', '1', 0, '1', 0],
    [SECRET, '0', 0, '0', 0],
  ]) {
    const answer = await api.inject(`/api/v1/bc/changes?after=${encode(position)}`);
    expect([position, answer.statusCode], answer.body).toEqual([position, 200]);
  }
});

test.each([
  '/api/v1/bc/1/lines',
  '/api/v1/bc/1/history',
  '/api/v1/sync/runs',
  '/api/v1/sync/failures',
  '/api/v1/sync/incidents',
  '/api/v1/sync/model',
])('forged cursors of %s are refused, or give a page', async (path) => {
  const begin = path.endsWith('incidents') ? 'open-' : '';
  for (const id of [
    '0',
    '-1',
    '1.5',
    '1e9',
    'x',
    '',
    ' ',
    '0x1',
    `1'`,
    '9'.repeat(17),
    '9007199254740993',
    SECRET,
  ]) {
    const answer = await api.inject(`${path}?cursor=${encodeURIComponent(begin + id)}`);
    expect([id, answer.statusCode, answer.json().code]).toEqual([id, 400, 'invalid_request']);
  }
  for (const id of ['1', '2147483648', '999999999999999']) {
    const answer = await api.inject(`${path}?cursor=${begin}${id}`);
    expect([id, answer.statusCode], answer.body).toEqual([id, 200]);
  }
});

test('no log has a value of a filter or a cursor, also of a query that fails', async () => {
  await ask('amount_total', key(SECRET));
  await api.inject(`/api/v1/bc?filter[name][like]=${SECRET}&q=${SECRET}`);
  await api.db.execute('alter table scrap_dimagaz_bc rename to hidden');
  try {
    expect((await api.inject(`/api/v1/bc?filter[name][like]=${SECRET}`)).statusCode).toBe(503);
  } finally {
    await api.db.execute('alter table hidden rename to scrap_dimagaz_bc');
  }
  expect(lines.length).toBeGreaterThan(0);
  expect(lines.filter((line) => line.includes(SECRET))).toEqual([]);
  expect(lines.filter((line) => /"level":[56]0/.test(line))).toEqual([]);
});
