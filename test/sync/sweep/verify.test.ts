import { sql } from 'drizzle-orm';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { KINDS, type Verification, verifyMirror } from '../../../src/sync/maintenance/verify.ts';
import type { TestSetup } from '../../support/test-setup.ts';
import { openTestSetup } from '../../support/test-setup.ts';

const BC = 'dimagaz.bc';
const LINE = 'dimagaz.bc.line';
const DOCUMENTS = 30;
let setup: TestSetup;
beforeAll(async () => {
  setup = await openTestSetup({ sandbox: { documents: DOCUMENTS } });
  await setup.work();
});
beforeEach(async () => {
  await execute(sql`truncate scrap_dimagaz_bc, scrap_dimagaz_bc_line`);
  await setup.run('full');
});
afterEach(() => setup.odoo.faults.clear());
afterAll(() => setup.close());

/** Slices smaller than the model, so that the walk has seams. */
const verify = (pageSize = 7): Promise<Verification> => verifyMirror({ ...setup.mirror, pageSize }, () => {});

/** Only the findings. */
const found = ({ examples, ...verification }: Verification) =>
  Object.fromEntries(
    KINDS.filter((kind) => verification[kind] > 0).map((kind) => [
      kind,
      { count: verification[kind], examples: examples[kind] },
    ]),
  );

const execute = (statement: ReturnType<typeof sql>) => setup.database.db.execute(statement);

test('a mirror that was just filled is ok, all of Odoo compared', async () => {
  const lines = setup.odoo.count(LINE);
  expect(await verify()).toMatchObject({ ok: true, headers: DOCUMENTS, lines });
  expect(await verify(5000)).toMatchObject({ ok: true, headers: DOCUMENTS, lines });
});

test('a BC and a line that changed in Odoo are different, field by field', async () => {
  setup.odoo.write(BC, [3], { notes: 'changed' });
  setup.odoo.write(LINE, [4], { note: 'changed' });
  const { different, ...others } = found(await verify());
  expect(others).toEqual({});
  expect(different).toMatchObject({ count: 2 });
  expect(different?.examples).toContainEqual({
    model: BC,
    id: 3,
    fields: expect.arrayContaining(['notes', 'write_date']),
  });
  expect(different?.examples).toContainEqual({
    model: LINE,
    id: 4,
    fields: expect.arrayContaining(['note', 'write_date']),
  });
});

test('what Odoo has and the mirror lacks, or keeps as archived, is missing', async () => {
  await execute(sql`delete from scrap_dimagaz_bc_line where odoo_id = 5`);
  await execute(sql`update scrap_dimagaz_bc set archived_at = now() where odoo_id = 6`);
  expect(found(await verify())).toEqual({
    missing: {
      count: 2,
      examples: [
        { model: BC, id: 6 },
        { model: LINE, id: 5 },
      ],
    },
  });
});

test('what the mirror has and Odoo lacks is extra, unless it is archived', async () => {
  const bc = setup.odoo.create(BC, { name: 'BC/X' });
  const archived = setup.odoo.create(BC, { name: 'BC/Y' });
  const line = setup.odoo.create(LINE, { bc_id: bc, name: 'x' });
  await setup.run('full');
  setup.odoo.unlink(BC, [bc, archived]);
  await execute(sql`update scrap_dimagaz_bc set archived_at = now() where odoo_id = ${archived}`);
  expect(found(await verify())).toEqual({
    extra: {
      count: 2,
      examples: [
        { model: BC, id: bc },
        { model: LINE, id: line },
      ],
    },
  });
});

test('a line whose BC is absent from the mirror is an orphan', async () => {
  const { rows } = {
    rows: await execute(sql`select odoo_id from scrap_dimagaz_bc_line where bc_odoo_id = 8`),
  };
  await execute(sql`delete from scrap_dimagaz_bc where odoo_id = 8`);
  expect(rows.length).toBeGreaterThan(0);
  expect(found(await verify())).toEqual({
    missing: { count: 1, examples: [{ model: BC, id: 8 }] },
    orphanLines: {
      count: rows.length,
      examples: expect.arrayContaining(rows.map((row) => ({ model: LINE, id: Number(row['odoo_id']) }))),
    },
  });
});

test('lines whose BC is hidden from our user are not missing, while its own are', async () => {
  await execute(sql`delete from scrap_dimagaz_bc where odoo_id = 14`);
  const rows = await execute(sql`delete from scrap_dimagaz_bc_line where bc_odoo_id = 14 returning odoo_id`);
  expect(found(await verify())['missing']?.count).toBe(rows.length + 1);
  setup.odoo.faults.hideRecords(BC, [14]);
  expect(found(await verify())).toEqual({});
});

test('a hash that does not belong to its content is found', async () => {
  await execute(sql`update scrap_dimagaz_bc_line set content_hash = 'x' where odoo_id = 9`);
  expect(found(await verify())).toEqual({ badHashes: { count: 1, examples: [{ model: LINE, id: 9 }] } });
});

test('a line that the mirror gives another BC is different', async () => {
  await execute(sql`update scrap_dimagaz_bc_line set bc_odoo_id = bc_odoo_id + 1 where odoo_id = 1`);
  expect(found(await verify())).toEqual({
    different: { count: 1, examples: [{ model: LINE, id: 1, fields: ['bc_id'] }] },
  });
});

test('an id that stands twice is found where the unique index is gone', async () => {
  await execute(sql`alter table scrap_dimagaz_bc drop constraint scrap_dimagaz_bc_odoo_id_unique`);
  await execute(sql`
    insert into scrap_dimagaz_bc (odoo_id, fields, content_hash, fetch_seq, fetched_at, synced_at)
    select odoo_id, fields, content_hash, fetch_seq, fetched_at, synced_at from scrap_dimagaz_bc where odoo_id = 10`);
  const { duplicates } = found(await verify());
  expect(duplicates).toEqual({ count: 1, examples: [{ model: BC, id: 10 }] });
  await execute(sql`
    delete from scrap_dimagaz_bc where odoo_id = 10 and id > (select min(id) from scrap_dimagaz_bc where odoo_id = 10)`);
  await execute(
    sql`alter table scrap_dimagaz_bc add constraint scrap_dimagaz_bc_odoo_id_unique unique (odoo_id)`,
  );
});

test('contents of binaries are compared: by size, and read again where the stored size says nothing', async () => {
  const { id, field } = await storedScan();
  const path = sql.raw(`'{${field}}'`);
  await execute(sql`update scrap_dimagaz_bc set binary_sizes = '{}' where odoo_id = ${id}`);
  expect(found(await verify())).toEqual({});
  await execute(sql`
    update scrap_dimagaz_bc set fields = jsonb_set(fields, ${path}, '"AAAA"') where odoo_id = ${id}`);
  expect(found(await verify())).toEqual({
    different: { count: 1, examples: [{ model: BC, id, fields: [field] }] },
    badHashes: { count: 1, examples: [{ model: BC, id }] },
  });
});

/** A BC with a scan; the generated data have few. */
async function storedScan(): Promise<{ id: number; field: string }> {
  setup.odoo.write(BC, [11], { scan: Buffer.from('a scan').toString('base64') });
  await setup.run('full');
  return { id: 11, field: 'scan' };
}

test('a record that Odoo refuses is unreadable, and the rest of its slice is compared', async () => {
  setup.odoo.faults.denyRecord(BC, 12);
  const verification = await verify();
  expect(found(verification)).toEqual({ unreadable: { count: 1, examples: [{ model: BC, id: 12 }] } });
  expect(verification.headers).toBe(setup.odoo.count(BC));
});

test('an item that a run ended well without is found; those of a failed run are not counted', async () => {
  const { id } = await setup.run('full');
  await execute(sql`update sync_run_item set state = 'open' where run_id = ${id} and odoo_id = 13`);
  expect(found(await verify())).toEqual({
    openItems: { count: 1, examples: [{ model: BC, id: 13, runId: id }] },
  });
  await execute(sql`update sync_log set status = 'failed' where id = ${id}`);
  expect(found(await verify())).toEqual({});
});

test('many findings are all counted, and twenty are named', async () => {
  await execute(sql`update scrap_dimagaz_bc set content_hash = 'x'`);
  const { badHashes, examples } = await verify();
  expect([badHashes, examples.badHashes.length]).toEqual([setup.odoo.count(BC), 20]);
});
