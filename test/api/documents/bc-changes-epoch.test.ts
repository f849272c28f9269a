import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Queryable } from '../../../src/db/client.ts';
import { hereSql } from '../../../src/db/installation.ts';
import { freshDatabase } from '../../support/database.ts';
import type { TestApi } from '../http/start-api.ts';
import { startApi } from '../http/start-api.ts';
import { changeBc, insertBc, saveTestFields } from './rows.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startApi();
  await saveTestFields(api.db);
});
afterAll(() => api.close());

/** Restamping needs more than one transaction. */
const BCS = 1200;

beforeEach(async () => {
  await api.db.execute(sql`truncate scrap_dimagaz_bc, audit_log, feed_epoch`);
  await api.db.execute(sql`
    insert into scrap_dimagaz_bc (odoo_id, fields, content_hash, fetch_seq, fetched_at, synced_at)
    select id, jsonb_build_object('id', id), 'hash', 1, now(), now() from generate_series(1, ${BCS}::int) as id`);
});

interface Page {
  items: { odooId: number; action: string }[];
  nextCursor: string;
  hasMore: boolean;
  restarted: boolean;
}

async function changes(after: string | null): Promise<Page> {
  const answer = await api.inject(`/api/v1/bc/changes?limit=500${after === null ? '' : `&after=${after}`}`);
  expect(answer.statusCode, answer.body).toBe(200);
  return answer.json();
}

/** So many items from a cursor on, and the first and the last page; other databases may hold the feed back. */
async function follow(after: string | null, count = BCS) {
  const first = await changes(after);
  const items = [...first.items];
  let last = first;
  while (items.length < count) {
    last = await changes(last.nextCursor);
    expect(last.restarted).toBe(false);
    items.push(...last.items);
  }
  return { items, first, last };
}

/** As after a dump was restored elsewhere: another server counted, and was further on. */
async function restoredElsewhere(): Promise<void> {
  await api.db.execute(sql`update feed_epoch set server = 'elsewhere'`);
  await api.db.execute(sql`
    update scrap_dimagaz_bc set created_xid = '3', changed_xid = (500000000000 + odoo_id)::text::xid8`);
  await api.db.execute(
    sql`update scrap_dimagaz_bc set created_xid = changed_xid where odoo_id > ${BCS - 10}::int`,
  );
}

test('after a restore elsewhere a reader gets everything once more, is informed, and loses nothing later', async () => {
  const { last } = await follow(null);
  await restoredElsewhere();
  const again = await follow(last.nextCursor);
  expect(again.first.restarted).toBe(true);
  expect(again.items.map(({ odooId }) => odooId).sort((a, b) => a - b)).toEqual(
    Array.from({ length: BCS }, (_, index) => index + 1),
  );
  await changeBc(api.db, BCS, { name: 'after the restore' });
  await insertBc(api.db, BCS + 1, {});
  const { items, first } = await follow(again.last.nextCursor, 2);
  expect(first.restarted).toBe(false);
  expect(items.map(({ odooId, action }) => `${action} ${odooId}`)).toEqual([
    `updated ${BCS}`,
    `created ${BCS + 1}`,
  ]);
});

test('a dump restored over its origin starts a new epoch, though its server only counted on', async () => {
  const { last } = await follow(null);
  await api.db.execute(sql`alter table feed_epoch rename to dumped`);
  await api.db.execute(sql`create table feed_epoch (like dumped including all)`);
  await api.db.execute(sql`insert into feed_epoch select * from dumped`);
  await api.db.execute(sql`alter sequence feed_epoch_id_seq owned by feed_epoch.id`);
  await api.db.execute(sql`drop table dumped`);
  const { first, items } = await follow(last.nextCursor);
  expect([first.restarted, items.length]).toEqual([true, BCS]);
});

test('a copy of the database beside it is another place', async () => {
  const other = await freshDatabase();
  const placeIn = async (db: Queryable) => {
    const [row] = await db.execute<{ here: string }>(sql`select ${hereSql} as here`);
    return row?.here.split('/');
  };
  const [here, there] = [await placeIn(api.db), await placeIn(other.db)];
  expect(there?.slice(0, 2)).toEqual(here?.slice(0, 2));
  expect(there?.[2]).not.toBe(here?.[2]);
  await other.close();
});

test('readers that come together open one epoch', async () => {
  await follow(null);
  await restoredElsewhere();
  const pages = await Promise.all(Array.from({ length: 6 }, () => changes(null)));
  expect(pages.map(({ restarted }) => restarted)).not.toContain(true);
  const [row] = await api.db.execute<{ epochs: string }>(sql`select count(*) as epochs from feed_epoch`);
  expect(Number(row?.epochs)).toBe(2);
});

test('a cursor that is ahead of the server, as after its disk was set back, restarts', async () => {
  const { last } = await follow(null);
  const [epoch] = JSON.parse(Buffer.from(last.nextCursor, 'base64url').toString());
  const ahead = Buffer.from(JSON.stringify([epoch, '400000000000', 1, '0', 0])).toString('base64url');
  const { first, items } = await follow(ahead);
  expect([first.restarted, items.length]).toEqual([true, BCS]);
});

test('BCs from before the column of their creation are new to who begins, changed to who goes on', async () => {
  const { last } = await follow(null);
  await api.db.execute(sql`update scrap_dimagaz_bc set created_xid = null,
    changed_xid = pg_current_xact_id() where odoo_id = 1`);
  expect((await follow(last.nextCursor, 1)).items).toMatchObject([{ odooId: 1, action: 'updated' }]);
  expect((await follow(null)).items.find(({ odooId }) => odooId === 1)?.action).toBe('created');
});
