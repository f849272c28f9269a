import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { waitFor } from '../../support/wait-for.ts';
import type { TestApi } from '../http/start-api.ts';
import { startApi } from '../http/start-api.ts';
import { changeBc, insertBc, insertLine, saveTestFields } from './rows.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startApi();
  await saveTestFields(api.db);
});
afterAll(() => api.close());
beforeEach(async () => {
  await api.db.execute(sql`truncate scrap_dimagaz_bc, scrap_dimagaz_bc_line, audit_log`);
});

interface Page {
  items: { odooId: number; action: string; fields: object; lines?: object[]; archivedAt: string | null }[];
  nextCursor: string;
  hasMore: boolean;
  restarted: boolean;
}

async function changes(after: string | null, query = ''): Promise<Page> {
  const answer = await api.inject(`/api/v1/bc/changes?${query}${after === null ? '' : `&after=${after}`}`);
  expect(answer.statusCode, answer.body).toBe(200);
  return answer.json();
}

/** The next page, once so many are in it: transactions in other databases of the server may hold the feed back. */
const news = (after: string | null, count: number, query = '') =>
  waitFor(async () => {
    const page = await changes(after, query);
    return page.items.length === count && page;
  }, `a page of ${count} changes`);

const events = ({ items }: Page) => items.map(({ odooId, action }) => `${action} ${odooId}`);

const archive = (odooId: number) =>
  api.db.execute(sql`update scrap_dimagaz_bc set archived_at = now(), archive_reason = 'gone',
    changed_xid = pg_current_xact_id() where odoo_id = ${odooId}`);

test('each BC comes once, at its last change, with what became of it since the cursor', async () => {
  for (const odooId of [1, 2, 3]) await insertBc(api.db, odooId, { name: `BC ${odooId}` });
  await changeBc(api.db, 1, { name: 'later' });
  const first = await news(null, 3);
  expect(events(first)).toEqual(['created 2', 'created 3', 'created 1']);
  expect(first).toMatchObject({ hasMore: false, restarted: false });

  await changeBc(api.db, 2, { name: 'changed' });
  await archive(3);
  await insertBc(api.db, 4, { name: 'new' });
  await changeBc(api.db, 4, { name: 'new and changed' });
  const second = await news(first.nextCursor, 3);
  expect(events(second)).toEqual(['updated 2', 'archived 3', 'created 4']);
  expect(second.items[1]?.archivedAt).not.toBeNull();
  expect(second.items[2]?.fields).toEqual({ id: 4, name: 'new and changed' });

  const third = await changes(second.nextCursor);
  expect(third).toEqual({ items: [], nextCursor: second.nextCursor, hasMore: false, restarted: false });
});

test('an empty mirror gives a cursor too, and what comes later is new to its holder', async () => {
  const { nextCursor, items } = await changes(null);
  expect(items).toEqual([]);
  await insertBc(api.db, 9, {});
  expect(events(await news(nextCursor, 1))).toEqual(['created 9']);
});

test('BCs of one transaction go on over several pages, none twice, and stay new', async () => {
  await api.db.transaction(async (tx) => {
    for (let odooId = 1; odooId <= 8; odooId += 1) await insertBc(tx, odooId, {});
  });
  await news(null, 8);
  const pages = [await changes(null, 'limit=3')];
  while (pages.at(-1)?.hasMore) pages.push(await changes(pages.at(-1)?.nextCursor ?? '', 'limit=3'));
  expect(pages.map(({ hasMore }) => hasMore)).toEqual([true, true, false]);
  expect(pages.flatMap(events)).toEqual([1, 2, 3, 4, 5, 6, 7, 8].map((odooId) => `created ${odooId}`));
});

test('a BC that changes while pages are read moves to a later one, and is new until nothing is left', async () => {
  for (const odooId of [1, 2, 3, 4]) await insertBc(api.db, odooId, {});
  await news(null, 4);
  const first = await changes(null, 'limit=2');
  await changeBc(api.db, 1, { name: 'read already' });
  await changeBc(api.db, 3, { name: 'not read yet' });
  expect(events(await news(first.nextCursor, 3))).toEqual(['created 4', 'created 1', 'created 3']);
});

test('what began earlier and ends later is not passed by', async () => {
  const early = await api.reserve();
  try {
    await early`begin`;
    await early`insert into scrap_dimagaz_bc (odoo_id, fields, content_hash, fetch_seq, fetched_at, synced_at)
      values (1, '{}', 'hash', 1, now(), now())`;
    await insertBc(api.db, 2, {});
    // A feed by a sequence or by time would give 2 here, and its cursor would pass 1 for ever.
    const meanwhile = await changes(null);
    expect(events(meanwhile)).toEqual([]);
    await early`commit`;
    expect(events(await news(meanwhile.nextCursor, 2))).toEqual(['created 1', 'created 2']);
  } finally {
    await early`rollback`;
    early.release();
  }
});

test('who only reads holds nothing back', async () => {
  const reader = await api.reserve();
  try {
    await reader`begin isolation level repeatable read`;
    await reader`select count(*) from scrap_dimagaz_bc`;
    await insertBc(api.db, 1, {});
    expect(events(await news(null, 1))).toEqual(['created 1']);
  } finally {
    await reader`rollback`;
    reader.release();
  }
});

test('fields and lines come as they were chosen, lines of an archived BC included', async () => {
  await insertBc(api.db, 1, { name: 'one', state: 'draft' });
  await insertLine(api.db, 11, 1);
  await insertLine(api.db, 12, 1, true);
  const [live] = (await news(null, 1, 'fields=name&include=lines')).items;
  expect(live).toMatchObject({ fields: { name: 'one' }, lines: [{ odooId: 11, bcOdooId: 1 }] });
  await archive(1);
  await waitFor(async () => (await changes(null)).items[0]?.action === 'archived', 'the archived BC');
  const [gone] = (await news(null, 1, 'include=lines')).items;
  expect(gone?.lines).toHaveLength(2);
});

test('an invalid cursor and an invalid choice are refused', async () => {
  for (const [query, code] of [
    ['after=nonsense', 'bad_cursor'],
    [`after=${Buffer.from('["1-1","-5",0,"0",0]').toString('base64url')}`, 'bad_cursor'],
    ['fields=nope', 'unknown_field'],
    ['sort=name', 'invalid_request'],
  ]) {
    const answer = await api.inject(`/api/v1/bc/changes?${query}`);
    expect([answer.statusCode, answer.json().code]).toEqual([400, code]);
  }
});
