import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { writeCursor } from '../../../src/api/routes/documents/cursors.ts';
import { listKnownFields } from '../../../src/api/routes/documents/fields-cache.ts';
import { listQuery, readListQuery } from '../../../src/api/routes/documents/query.ts';
import type { TestApi } from '../http/start-api.ts';
import { startApi } from '../http/start-api.ts';
import { changeBc, insertBc, saveTestFields } from './rows.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startApi();
  await saveTestFields(api.db);
});
afterAll(() => api.close());

const amounts = [300, 100, 200, 300, 50, 0, 400, 200, 150, -10];

beforeEach(async () => {
  await api.db.execute(sql`truncate scrap_dimagaz_bc, audit_log`);
  for (const [index, amount] of amounts.entries()) {
    await insertBc(api.db, index + 1, {
      name: `BC ${String.fromCharCode(74 - index)}`,
      amount_total: amount,
      urgent: index % 2 === 0,
      partner_id: index === 4 ? false : [index, `Partner ${index % 3}`],
      write_date: index === 6 ? false : `2026-01-0${1 + (index % 5)} 08:00:00`,
    });
  }
});

interface Page {
  items: { odooId: number }[];
  nextCursor: string | null;
}

async function page(query: string, cursor: string | null): Promise<Page> {
  const answer = await api.inject(`/api/v1/bc?limit=3&${query}${cursor === null ? '' : `&cursor=${cursor}`}`);
  expect(answer.statusCode, answer.body).toBe(200);
  return answer.json();
}

/** Every id of the list, page by page; `between` runs after each page that is not the last. */
async function walk(query: string, between?: (pageNumber: number) => Promise<void>): Promise<number[]> {
  const ids: number[] = [];
  let cursor: string | null = null;
  for (let number = 1; ; number += 1) {
    const { items, nextCursor }: Page = await page(query, cursor);
    ids.push(...items.map(({ odooId }) => odooId));
    expect(number, 'pages without end').toBeLessThan(20);
    if (nextCursor === null) return ids;
    cursor = nextCursor;
    await between?.(number);
  }
}

const SORTS = [
  'odoo_id',
  '-odoo_id',
  'amount_total',
  '-amount_total',
  'name',
  '-name',
  'write_date',
  '-write_date',
  'partner_id',
  'urgent',
  '-urgent',
];

test.each(SORTS)('pages by %s hold the whole list once, in the order of one large page', async (sort) => {
  const whole = (await api.inject(`/api/v1/bc?limit=500&sort=${sort}`)).json() as Page;
  expect(whole.nextCursor).toBeNull();
  expect(await walk(`sort=${sort}`)).toEqual(whole.items.map(({ odooId }) => odooId));
});

test('numbers sort as numbers, equal ones by id, and empty values are last both ways', async () => {
  expect(await walk('sort=-amount_total')).toEqual([7, 1, 4, 3, 8, 9, 2, 5, 6, 10]);
  expect((await walk('sort=write_date')).at(-1)).toBe(7);
  expect((await walk('sort=-write_date')).at(-1)).toBe(7);
});

test.each(SORTS)('by %s no BC is repeated or skipped while BCs change between the pages', async (sort) => {
  const before = await walk(`sort=${sort}`);
  const seen = await walk(`sort=${sort}`, async (number) => {
    await api.db.transaction(async (tx) => {
      // From one end of the order to the other and back, again and again, on both sides of the cursor.
      for (const odooId of [before[0], before[1], before[4], before[8], before[9]]) {
        const high = (Number(odooId) + number) % 2 === 0;
        await changeBc(tx, Number(odooId), {
          name: high ? 'ZZ' : 'AA',
          amount_total: high ? 10_000 : -10_000,
          write_date: high ? '2027-01-01 00:00:00' : false,
          partner_id: high ? [9, 'Zoe'] : false,
          urgent: high,
        });
      }
    });
  });
  expect(seen).toEqual(before);
});

test.each(SORTS)('by %s a BC created between the pages neither repeats nor hides another', async (sort) => {
  const before = await walk(`sort=${sort}`);
  const seen = await walk(`sort=${sort}`, async (number) => {
    await insertBc(api.db, 100 + number, {
      name: `BC E${number}`,
      amount_total: 175,
      write_date: '2026-01-03 09:00:00',
    });
  });
  // By id alone a new BC may come at its place; in any other order it waits for the next first page.
  expect(sort.endsWith('odoo_id') ? seen.filter((odooId) => odooId < 100) : seen).toEqual(before);
});

test('texts longer than any cursor sort by their beginning, and page on', async () => {
  for (let odooId = 1; odooId <= 10; odooId += 1) {
    await changeBc(api.db, odooId, { name: `${odooId % 2}${'漢'.repeat(5000)}${10 - odooId}` });
  }
  expect(await walk('sort=name')).toEqual([2, 4, 6, 8, 10, 1, 3, 5, 7, 9]);
  expect(await walk('sort=-name')).toEqual([1, 3, 5, 7, 9, 2, 4, 6, 8, 10]);
});

test('a change that commits after the first page, but began before it, moves nothing', async () => {
  const before = await walk('sort=-amount_total');
  const other = await api.reserve();
  try {
    await other`begin`;
    await other`select pg_current_xact_id()`;
    // A younger transaction ends first: the older one is then below the snapshot's upper bound, yet not seen.
    await api.db.execute(sql`select pg_current_xact_id()`);
    const [last] = before.slice(-1);
    const seen = await walk('sort=-amount_total', async (number) => {
      if (number !== 1) return;
      await other`insert into audit_log (odoo_id, run_id, action, changes)
        values (${last ?? 0}, 2, 'updated', '{"header": {"amount_total": {"old": -10, "new": 9999}}}')`;
      await other`update scrap_dimagaz_bc set changed_xid = pg_current_xact_id(),
        fields = fields || '{"amount_total": 9999}' where odoo_id = ${last ?? 0}`;
      await other`commit`;
    });
    expect(seen).toEqual(before);
  } finally {
    other.release();
  }
});

test('a cursor serves only the sort and the filters it was made for', async () => {
  const { nextCursor } = await page('sort=-amount_total', null);
  for (const query of [
    'sort=amount_total',
    'sort=-amount_total&q=BC',
    'sort=-amount_total&archived=include',
  ]) {
    const answer = await api.inject(`/api/v1/bc?limit=3&${query}&cursor=${nextCursor}`);
    expect([answer.statusCode, answer.json().code]).toEqual([400, 'bad_cursor']);
  }
  const damaged = await api.inject(`/api/v1/bc?sort=-amount_total&cursor=x${nextCursor}`);
  expect([damaged.statusCode, damaged.json().code]).toEqual([400, 'bad_cursor']);
});

test('a forged cursor is refused, whatever it holds', async () => {
  const known = await listKnownFields(api.db, api.config.mirrors[0]);
  const query = listQuery.parse({ sort: 'amount_total' });
  const { list } = readListQuery(query, known);
  const valid = '5:5:';
  for (const position of [
    { key: 'abc', odooId: 1, snapshot: valid },
    { key: '1', odooId: 1, snapshot: 'x' },
    { key: '1', odooId: 1, snapshot: '9:5:' },
    { key: '1', odooId: 1, snapshot: '5:9:8,7' },
    { key: '1', odooId: 1, snapshot: '99999999999999999999999:5:' },
    { key: '1', odooId: 1, snapshot: '' },
  ]) {
    const cursor = writeCursor(list, position);
    const answer = await api.inject(`/api/v1/bc?sort=amount_total&cursor=${cursor}`);
    expect([position, answer.statusCode, answer.json().code]).toEqual([position, 400, 'bad_cursor']);
  }
});
