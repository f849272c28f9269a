import { PgDialect } from 'drizzle-orm/pg-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { listKnownFields } from '../../../src/api/routes/documents/fields-cache.ts';
import { readCondition } from '../../../src/api/routes/documents/query.ts';
import { filterSql } from '../../../src/db/documents/filters.ts';
import { bc } from '../../../src/db/schema/documents.ts';
import type { TestApi } from '../http/start-api.ts';
import { startApi } from '../http/start-api.ts';
import { insertBc, saveTestFields } from './rows.ts';

const LONG = `é${'e'.repeat(250)}, "end"`;

let api: TestApi;
beforeAll(async () => {
  api = await startApi();
  await saveTestFields(api.db);
  const rows: Parameters<typeof insertBc>[2][] = [
    { name: 'a', note: 'one, two', quantity: 10, amount_total: 10.5, partner_id: [7, 'Épicerie "Ltd"'] },
    { name: 'NULL', note: '{x}', quantity: 0, amount_total: 10.5, partner_id: [8, 'back\\slash'] },
    { name: '', note: LONG, quantity: -3, amount_total: 0, partner_id: false },
    { name: 'A', note: `${LONG}!`, quantity: false, amount_total: false, partner_id: [9, false] },
    { name: 'false', note: false, quantity: null, partner_id: null },
    { name: 'b "quoted" \\ {brace}', note: null, date_order: false, day: false, tag_ids: [] },
    { name: 7, note: true, date_order: '2026-01-31 08:00:00', day: '2026-01-31', tag_ids: [1, 2] },
    { date_order: '2026-02-01 00:00:00', day: '2026-02-01', tag_ids: [2, 3] },
    { tag_ids: false, partner_id: [10, '7'] },
  ];
  for (const [at, fields] of rows.entries()) await insertBc(api.db, at + 1, fields);
});
afterAll(() => api.close());

async function found(field: string, operator: string, values: readonly string[]): Promise<number[]> {
  const query = new URLSearchParams(
    values.map((value): [string, string] => [`filter[${field}][${operator}]`, value]),
  );
  const answer = await api.inject(`/api/v1/bc?fields=name&${query}`);
  expect(answer.statusCode, answer.body).toBe(200);
  return answer.json().items.map(({ odooId }: { odooId: number }) => odooId);
}

test.each([
  ['name', ['a', 'NULL', 'b "quoted" \\ {brace}', 'absent']],
  ['name', ['', 'false', 'null', '7']],
  ['note', ['one, two', '{x}', 'x', 'one']],
  ['note', [LONG, 'true', 'false', '{x}']],
  ['note', [LONG, `${LONG}!`, LONG.slice(0, 200)]],
  ['quantity', ['10', '10.0', '0', '-3']],
  ['amount_total', ['10.50', '0', '1']],
  ['partner_id', ['7', '9', '10', '11']],
  ['partner_id', ['Épicerie "Ltd"', 'back\\slash', '7']],
  ['tag_ids', ['1', '3', '4']],
  ['day', ['2026-01-31', '2026-02-01', '2026-02-02']],
  ['date_order', ['2026-01-31T08:00:00Z', '2026-02-01', '2026-02-02']],
])('a list for %s finds what its values find one by one: %j', async (field, values) => {
  // A list with a name compares every value by name, also one that reads as an id.
  const byName = field === 'partner_id' && values.some((value) => !/^\d+$/.test(value));
  // Twice, because a parameter that is sent once is split at its commas.
  const single = (value: string) => [value, byName ? 'no such name' : value];
  const each = await Promise.all(values.map((value) => found(field, 'in', single(value))));
  const union = [...new Set(each.flat())].sort((one, other) => one - other);
  const twice = [...values, ...values];
  expect(await found(field, 'in', twice)).toEqual(union);
  expect(union.length).toBeGreaterThan(0);
});

test('a list of the same value finds what eq finds', async () => {
  for (const [field, value] of [
    ['name', 'NULL'],
    ['note', LONG],
    ['quantity', '10.0'],
    ['partner_id', '7'],
    ['partner_id', 'back\\slash'],
    ['tag_ids', '2'],
    ['day', '2026-01-31'],
  ] as const) {
    const [listed, equal] = [await found(field, 'in', [value, value]), await found(field, 'eq', [value])];
    expect([field, listed]).toEqual([field, equal]);
    expect(listed).not.toEqual([]);
  }
});

test.each(['name', 'quantity', 'partner_id', 'tag_ids'])(
  'a list for %s of 200 values is one parameter of the query',
  async (name) => {
    const { header } = await listKnownFields(api.db, api.config.mirrors[0]);
    const field = header.find((one) => one.name === name);
    if (field === undefined) throw new Error(`the test model has no field ${name}`);
    const parameters = (count: number) => {
      const values = Array.from({ length: count }, (_, at) => String(at + 1));
      const conditions = [readCondition(field, 'in', values)];
      const condition = filterSql(bc, { conditions, search: null, changedSince: null, archived: 'include' });
      if (condition === undefined) throw new Error('the filter is empty');
      return new PgDialect().sqlToQuery(condition).params;
    };
    const lists = parameters(200).filter((one) => typeof one === 'string' && one.startsWith('{'));
    expect(lists).toHaveLength(1);
    expect(parameters(200)).toHaveLength(parameters(2).length);
  },
);

test('201 values are refused', async () => {
  const values = (count: number) => Array.from({ length: count }, (_, at) => at + 1).join(',');
  for (const field of ['name', 'partner_id', 'tag_ids']) {
    const url = (count: number) => `/api/v1/bc?filter[${field}][in]=${values(count)}`;
    expect((await api.inject(url(200))).statusCode).toBe(200);
    const refused = await api.inject(url(201));
    expect([refused.statusCode, refused.json().code]).toEqual([400, 'bad_value']);
    expect(refused.json().detail).toBe(
      `filter[${field}][in]: expected at most 200 values, not "201 values".`,
    );
  }
});
