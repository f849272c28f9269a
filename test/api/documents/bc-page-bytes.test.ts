import { randomBytes } from 'node:crypto';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PAGE_BYTES } from '../../../src/db/documents/queries.ts';
import { waitFor } from '../../support/wait-for.ts';
import type { TestApi } from '../http/start-api.ts';
import { startApi } from '../http/start-api.ts';
import { insertBc, saveTestFields } from './rows.ts';

const BCS = 16;
const SCAN = 5 * 1024 * 1024;
const IDS = Array.from({ length: BCS }, (_, index) => index + 1);
/** Archived: the lists are of these, since what a list is sorted by is read out of every one for each page. */
const LISTED = 6;
/** Has four lines as large as a BC, and is the last. */
const WITH_LINES = BCS + 1;

let api: TestApi;
beforeAll(async () => {
  api = await startApi();
  await saveTestFields(api.db);
  // For every second BC PostgreSQL stores a hundredth of the size; for the others all of it.
  const contents = [randomBytes((SCAN * 3) / 4).toString('base64'), 'x'.repeat(SCAN)];
  for (const id of IDS) {
    const archivedAt = id <= LISTED ? new Date() : null;
    const scan = contents[id % 2] ?? '';
    await insertBc(api.db, id, { name: `BC ${(id * 7) % BCS}`, scan }, { archivedAt });
  }
  await insertBc(api.db, WITH_LINES, { name: 'last' });
  await api.db.execute(sql`
    insert into scrap_dimagaz_bc_line (odoo_id, bc_odoo_id, fields, content_hash, fetch_seq, fetched_at, synced_at)
    select odoo_id, ${WITH_LINES}::int, fields, 'hash', 1, now(), now() from scrap_dimagaz_bc where odoo_id <= 4`);
  const listed = async () => (await ask('/changes?limit=500&fields=name')).items.length;
  await waitFor(async () => (await listed()) === WITH_LINES, 'every BC in the feed');
});
afterAll(() => api.close());

interface Page {
  readonly items: readonly { readonly odooId: number; readonly action?: string }[];
  readonly nextCursor: string | null;
  readonly hasMore?: boolean;
}

/** A page of any number of items, and how large it is. */
async function ask(path: string): Promise<Page & { readonly bytes: number }> {
  const answer = await api.inject(`/api/v1/bc${path}`);
  expect(answer.statusCode, answer.body.slice(0, 1000)).toBe(200);
  const { items, ...rest } = answer.json<Page>();
  const seen = items.map(({ odooId, action }) => ({ odooId, ...(action === undefined ? {} : { action }) }));
  return { ...rest, items: seen, bytes: answer.rawPayload.length };
}

/** All pages, as a client reads them that looks at nothing but the cursor. */
async function walk(path: string, cursor: 'after' | 'cursor' = 'cursor') {
  const pages = [await ask(path)];
  for (let last = pages[0]; last?.nextCursor != null && last.hasMore !== false; last = pages.at(-1)) {
    pages.push(await ask(`${path}&${cursor}=${last.nextCursor}`));
  }
  return pages;
}

type Pages = Awaited<ReturnType<typeof walk>>;
const idsOf = (pages: Pages) => pages.flatMap(({ items }) => items.map(({ odooId }) => odooId));

/** The largest permitted page plus one BC and the JSON around items. */
const LARGEST = PAGE_BYTES + SCAN + 10_000;

function expectShort(pages: Pages): void {
  expect(Math.max(...pages.map(({ bytes }) => bytes))).toBeLessThan(LARGEST);
  // No shorter than they must be.
  const counts = pages.slice(0, -1).map(({ items }) => items.length);
  expect(Math.min(...counts)).toBe(Math.ceil(PAGE_BYTES / SCAN));
}

test('a follower of large BCs that asks for 500 gets a few at a time, every one once', async () => {
  const pages = await walk('/changes?limit=500', 'after');
  expectShort(pages);
  expect(idsOf(pages)).toEqual([...IDS, WITH_LINES]);
  expect(pages.map(({ hasMore }) => hasMore)).toEqual(pages.map((_, at) => at < pages.length - 1));
  const actions = pages.flatMap(({ items }) => items.map(({ action }) => action));
  expect(new Set(actions)).toEqual(new Set(['archived', 'created']));
});

test.each(['odoo_id', '-odoo_id', 'name', '-name'])(
  'a list of large BCs by %s comes a few at a time, every one once, in its order',
  async (sort) => {
    const list = `?archived=only&limit=500&sort=${sort}`;
    const [light, ...none] = await walk(`${list}&fields=name`);
    expect(none).toEqual([]);
    const pages = await walk(list);
    expectShort(pages);
    expect(idsOf(pages)).toHaveLength(LISTED);
    expect(idsOf(pages)).toEqual(light?.items.map(({ odooId }) => odooId));
  },
);

test('fields that are left out of the answer make no page shorter', async () => {
  for (const path of ['?archived=include&limit=500&fields=name', '/changes?limit=500&fields=name']) {
    expect((await ask(path)).items).toHaveLength(BCS + 1);
  }
});

test('lines weigh too, with their BC and alone', async () => {
  const pages = await walk('?limit=500&sort=-odoo_id&fields=name&include=lines');
  expect(pages.map(({ items }) => items.length)).toEqual([1, BCS - LISTED]);
  const lines = await walk(`/${WITH_LINES}/lines?limit=500`);
  expect(idsOf(lines)).toEqual([1, 2, 3, 4]);
  expect(lines).toHaveLength(2);
});
