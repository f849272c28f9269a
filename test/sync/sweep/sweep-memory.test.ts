import { afterAll, beforeAll, expect, test } from 'vitest';
import { createRun } from '../../../src/db/runs/runs.ts';
import type { OdooRecord } from '../../../src/odoo/types.ts';
import { describeDocument } from '../../../src/sync/model/document-model.ts';
import { planSweep } from '../../../src/sync/planning/plan-sweep.ts';
import { acquireRun } from '../../../src/sync/runs/run-lease.ts';
import type { Source } from '../../../src/sync/source/source.ts';
import { heldBytes } from '../../support/heap.ts';
import type { TestSetup } from '../../support/test-setup.ts';
import { openTestSetup } from '../../support/test-setup.ts';

const LINES = 200_000;
const WRITTEN = '2026-03-02 08:00:00';
const MEGABYTE = 1024 * 1024;

let setup: TestSetup;
beforeAll(async () => {
  setup = await openTestSetup({ sandbox: { documents: 0 } });
});
afterAll(() => setup?.close());

test('the memory of a sweep does not grow with the model', async () => {
  await setup.database.client`
    insert into scrap_dimagaz_bc_line
      (odoo_id, bc_odoo_id, fields, odoo_write_date, content_hash, fetch_seq, fetched_at, synced_at)
    select n, 1, '{}', ${`${WRITTEN}Z`}::timestamptz, '', 1, now(), now() from generate_series(1, ${LINES}) as n`;
  const { mirror } = setup;
  const { id } = await createRun(mirror.db, { key: 'bclinbc', mode: 'sweep', trigger: 'cli' });
  const run = await acquireRun(mirror, id);
  if (run === null) throw new Error('the lease is taken');
  const model = await describeDocument(mirror.source, mirror.definition);
  const heaps: number[] = [];
  const asked: number[] = [];
  const source: Source = {
    ...mirror.source,
    list: async (name, { after = 0, limit = 0 }) => {
      heaps.push(heldBytes());
      asked.push(limit);
      return name === model.line.name ? lines(after, limit) : [];
    },
  };
  await planSweep(mirror, run, {
    ...{ source, model, nowSync: new Date() },
    next: { since: null, continues: null },
  });
  expect(heaps.length).toBe(LINES / 10_000 + 2);
  expect(Math.max(...asked)).toBe(10_000);
  // All ids with their dates, kept, would be more than 15 MB.
  const [, , first = 0] = heaps;
  expect(Math.max(...heaps.slice(2)) - first).toBeLessThan(8 * MEGABYTE);
  const [items] = await setup.database.client`select count(*)::int as n from sync_run_item`;
  expect(items).toEqual({ n: 0 });
});

/** The next slice of what Odoo would list: texts of their own, as they come from the wire. */
function lines(last: number, limit: number): OdooRecord[] {
  const size = Math.max(0, Math.min(limit, LINES - last));
  const wire = JSON.stringify(
    Array.from({ length: size }, (_, index) => ({ id: last + index + 1, write_date: WRITTEN })),
  );
  return JSON.parse(wire) as OdooRecord[];
}
