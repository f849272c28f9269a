import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ListQuery, listQuery, readListQuery } from '../../../src/api/routes/documents/query.ts';
import { readDocuments } from '../../../src/db/documents/queries.ts';
import { bcStore } from '../../../src/db/documents/tables.ts';
import { listFields } from '../../../src/db/odoo-model/fields.ts';
import { saveTestFields } from '../../api/documents/rows.ts';
import { freshDatabase } from '../../support/database.ts';

const MODEL = 'dimagaz.bc';
let database: Awaited<ReturnType<typeof freshDatabase>>;
beforeAll(async () => {
  database = await freshDatabase();
  await saveTestFields(database.db);
  // Enough for indexes of many pages: in one page, any index that holds the id finds it as cheaply as the id's own.
  // Changed long before any transaction that other tests may have open: few rows changed since.
  await database.db.execute(sql`
    insert into scrap_dimagaz_bc (odoo_id, fields, content_hash, fetch_seq, fetched_at, synced_at, changed_xid)
    select id, jsonb_build_object('id', id, 'name', 'BC ' || id % 700, 'partner_id', jsonb_build_array(id, 'X')),
      'hash', 1, now(), now(), '3' from generate_series(1, 3000) as id`);
  await database.db.execute(sql`analyze scrap_dimagaz_bc`);
});
afterAll(() => database.close());

/** Lines of the plan of a list's page, where PostgreSQL takes any index before it reads the whole table. */
async function planOf(given: Partial<ListQuery>, afterFirst: boolean): Promise<string> {
  const { db } = database;
  const query = readListQuery(
    { ...listQuery.parse({ limit: '3' }), ...given },
    {
      header: await listFields(db, MODEL),
      line: [],
    },
  );
  const { documents } = query;
  const { next } = await readDocuments(bcStore(db), documents);
  return db.transaction(async (tx) => {
    await tx.execute(sql`set local enable_seqscan = off`);
    await tx.execute(sql`set local enable_bitmapscan = off`);
    let plan = '';
    const explaining: typeof tx = Object.assign(Object.create(tx), {
      execute: async (asked: Parameters<typeof tx.execute>[0]) => {
        const rows = await tx.execute<{ 'QUERY PLAN': string }>(sql`explain (costs off) ${asked}`);
        plan = rows.map((row) => row['QUERY PLAN']).join('\n');
        return [];
      },
    });
    await readDocuments(bcStore(explaining), { ...documents, after: afterFirst ? next : null });
    return plan;
  });
}

const scans = (plan: string, index: string) => plan.split(`using scrap_dimagaz_bc_${index} on`).length - 1;

test.each([
  ['name', 'by_name'],
  ['state', 'by_state'],
  ['date_order', 'by_date_order'],
  ['write_date', 'by_write_date'],
])('a list by %s walks its index, in both directions and from any page on', async (sort, index) => {
  for (const direction of ['', '-']) {
    expect(scans(await planOf({ sort: `${direction}${sort}` }, false), index)).toBe(2);
    expect(scans(await planOf({ sort: `${direction}${sort}` }, true), index)).toBeGreaterThan(0);
  }
  const later = await planOf({ sort }, true);
  expect(scans(later, 'feed')).toBe(1);
  expect(later).not.toContain('Seq Scan on scrap');
});

test.each<[Partial<ListQuery>, string]>([
  [{ state: 'draft' }, 'by_state'],
  [{ filter: { name: { eq: 'BC 3' } } }, 'by_name'],
  [{ filter: { date_order: { gte: '2026-01-31' } }, sort: 'date_order' }, 'by_date_order'],
  [{ filter: { partner_id: { eq: '7' } } }, 'by_partner_id'],
  [{ archived: 'only' }, 'archived'],
])('%o is found by an index', async (query, index) => {
  const plan = await planOf(query, false);
  expect(scans(plan, index)).toBeGreaterThan(0);
});
