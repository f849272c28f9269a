import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Office } from '../harness/office.ts';
import { openOffice } from '../harness/office.ts';

/** More than two batches of 500, and as many BCs that stay. */
const GONE = 1100;

let office: Office;
beforeAll(async () => {
  office = await openOffice({ sandbox: { documents: 10, lines: 1 }, env: { SWEEP_MAX_COUNT: String(GONE) } });
  await office.work();
  await office.run('full');
  // BCs that Odoo never had are as gone as those it lost; ids on both sides of those that stay.
  await office.database.client`
    insert into scrap_dimagaz_bc (odoo_id, fields, content_hash, fetch_seq, fetched_at, synced_at)
    select 1000 + n, '{}', '', 0, now(), now() from generate_series(1, ${GONE}::int) as n`;
});
afterAll(() => office?.close());

test('a sweep archives in several transactions, each BC once, and leaves the others', async () => {
  const run = await office.run('sweep');
  expect(run).toMatchObject({ status: 'success', archived: GONE, gone: 0 });
  const [row] = await office.database.client`
    select count(distinct xid)::int as transactions, count(*)::int as entries, count(distinct odoo_id)::int as bcs
    from audit_log where run_id = ${run.id} and action = 'archived'`;
  expect(row).toEqual({ transactions: 3, entries: GONE, bcs: GONE });
  const [left] = await office.database.client`
    select count(*)::int as n from scrap_dimagaz_bc where archived_at is null`;
  expect(left).toEqual({ n: office.odoo.count('dimagaz.bc') });
});
