import { afterAll, beforeAll, expect, test } from 'vitest';
import type { OdooRecord } from '../../../src/odoo/types.ts';
import { verifyMirror } from '../../../src/sync/maintenance/verify.ts';
import type { Source } from '../../../src/sync/source/source.ts';
import { heldBytes } from '../../support/heap.ts';
import type { TestSetup } from '../../support/test-setup.ts';
import { openTestSetup } from '../../support/test-setup.ts';

const LINE = 'dimagaz.bc.line';
const LINES = 4000;
const PAGE = 200;
const NOTE = 8000;
const MEGABYTE = 1024 * 1024;

let setup: TestSetup;
beforeAll(async () => {
  setup = await openTestSetup({ sandbox: { documents: 0 } });
});
afterAll(() => setup?.close());

test('the memory of a verification does not grow with the model, nor with its findings', async () => {
  await setup.database.client`
    insert into scrap_dimagaz_bc_line (odoo_id, bc_odoo_id, fields, content_hash, fetch_seq, fetched_at, synced_at)
    select n, 1, jsonb_build_object('id', n, 'note', repeat('x', ${NOTE})), '', 1, now(), now()
    from generate_series(1, ${LINES}) as n`;
  const { mirror } = setup;
  const heaps: number[] = [];
  const source: Source = {
    ...mirror.source,
    count: async () => LINES,
    ids: async (name, { after = 0, ids, limit = 0 }) => {
      if (name !== LINE) return [];
      heaps.push(heldBytes());
      if (ids !== undefined) return [...ids];
      const size = Math.max(0, Math.min(limit, LINES - after));
      return Array.from({ length: size }, (_, index) => after + index + 1);
    },
    read: async (_, ids) => ids.map(line),
  };
  const found = await verifyMirror({ ...mirror, source, pageSize: PAGE }, () => {});
  expect(found).toMatchObject({ lines: LINES, different: LINES, badHashes: LINES, orphanLines: LINES });
  // A few first, to learn how large they are; the last answer is empty.
  const compared = 1 + Math.ceil((LINES - 50) / PAGE) + 1;
  const again = LINES / PAGE;
  expect(heaps.length).toBe(compared + again);
  // All records, kept, would be more than 30 MB on either side.
  const [, first = 0] = heaps;
  expect(Math.max(...heaps.slice(1)) - first).toBeLessThan(8 * MEGABYTE);
});

/** A record that differs from the mirror, with a text of its own, as decoded from the wire. */
function line(id: number): OdooRecord {
  return JSON.parse(JSON.stringify({ id, note: `${id} `.padEnd(NOTE, 'y') })) as OdooRecord;
}
