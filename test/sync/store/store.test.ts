import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { bcStore } from '../../../src/db/documents/tables.ts';
import type { OdooRecord } from '../../../src/odoo/types.ts';
import { prepare } from '../../../src/sync/store/normalize.ts';
import { storeTogether } from '../../../src/sync/store/store-documents.ts';
import type { DocumentModel, MirroredModel, MissingLines } from '../../../src/sync/types.ts';
import { freshDatabase } from '../../support/database.ts';

const model = (name: string): MirroredModel => ({ name, fields: {}, requested: [], binaries: ['scan'] });
const DOCUMENT: DocumentModel = {
  header: model('dimagaz.bc'),
  line: model('dimagaz.bc.line'),
  linesField: 'line_ids',
  inverse: 'bc_id',
};

const NO_LIMITS = { sweepMaxShare: 100, sweepMaxCount: 1000 };
/** Odoo was asked for every line that a reading lacks, and had none of them. */
const ALL_GONE: MissingLines = { gone: Array.from({ length: 200 }, (_, id) => id), hidden: [] };

describe('storing a document', () => {
  let database: Awaited<ReturnType<typeof freshDatabase>>;
  beforeAll(async () => {
    database = await freshDatabase();
    // Beyond the numbers that the tests use.
    await database.client`select setval('fetch_seq', 1000)`;
  });
  beforeEach(() => database.client`truncate scrap_dimagaz_bc, scrap_dimagaz_bc_line, audit_log`);
  afterAll(() => database?.close());

  /** `seq`: of a reading that began and ended at once, or where it began and where it ended. */
  const store = async (
    seq: number | readonly [number, number],
    header: OdooRecord,
    lines: readonly OdooRecord[] = [],
    missing: MissingLines = ALL_GONE,
  ) => {
    const [fetchSeq, endSeq] = typeof seq === 'number' ? [seq, seq] : seq;
    const document = {
      header: prepare('dimagaz.bc', header, {}),
      lines: lines.map((line) => prepare('dimagaz.bc.line', line, {})),
      reading: { fetchSeq, endSeq, fetchedAt: '2026-01-01T00:00:00Z' },
      missing,
    };
    const entry = { model: DOCUMENT, document, runId: 1, rpcCalls: 0 };
    const [outcome] = await storeTogether(bcStore(database.db), 'bclinbc', NO_LIMITS, [entry]);
    return outcome;
  };
  const header = async (id: number) => {
    const [row] = await database.client`select fields from scrap_dimagaz_bc where odoo_id = ${id}`;
    return row?.['fields'];
  };
  const linesOf = async (id: number) => {
    const rows = await database.client`select odoo_id from scrap_dimagaz_bc_line
        where bc_odoo_id = ${id} and archived_at is null order by 1`;
    return rows.map((row) => Number(row['odoo_id']));
  };
  const trail = () => database.client`select odoo_id::int, action, changes from audit_log order by id`;

  it('never lets an answer read earlier overwrite one read later', async () => {
    await store(20, { id: 1, note: 'later' });
    expect(await store(10, { id: 1, note: 'earlier' })).toBe('stale');
    expect(await header(1)).toEqual({ id: 1, note: 'later' });
    expect(await trail()).toHaveLength(1);
  });

  it('remembers the newest reading also when it found nothing new', async () => {
    await store(10, { id: 1, note: 'same' });
    await store(30, { id: 1, note: 'same' });
    expect(await store(20, { id: 1, note: 'in between' })).toBe('stale');
  });

  it('counts an earlier answer with the same content as unchanged', async () => {
    await store(20, { id: 1, note: 'same' });
    expect(await store(10, { id: 1, note: 'same' })).toBe('unchanged');
  });

  it('never lets an answer that may be older overwrite one that ended after it began', async () => {
    await store([100, 103], { id: 1, note: 'after the edit' });
    expect(await store([101, 102], { id: 1, note: 'before the edit' })).toBe('stale');
    expect(await header(1)).toEqual({ id: 1, note: 'after the edit' });
    expect(await store([104, 105], { id: 1, note: 'read again' })).toBe('updated');
  });

  it('never takes older dates for newer ones of a reading that overlaps', async () => {
    const saved = (hour: string) => ({ id: 1, note: 'same', write_date: `2026-01-01 ${hour}:00:00` });
    await store([100, 103], saved('10'), [{ id: 11, write_date: '2026-01-01 10:00:00' }]);
    expect(await store([101, 102], saved('09'), [{ id: 11, write_date: '2026-01-01 10:00:00' }])).toBe(
      'stale',
    );
    expect(await store([101, 102], saved('10'), [{ id: 11, write_date: '2026-01-01 09:00:00' }])).toBe(
      'stale',
    );
    expect(await header(1)).toEqual(saved('10'));
  });

  it('remembers where the last of the readings with the same content ended', async () => {
    await store([10, 12], { id: 1, note: 'same' });
    expect(await store([11, 40], { id: 1, note: 'same' })).toBe('unchanged');
    expect(await store([13, 14], { id: 1, note: 'same' })).toBe('unchanged');
    expect(await store([20, 21], { id: 1, note: 'in between' })).toBe('stale');
    expect(await store([41, 42], { id: 1, note: 'later' })).toBe('updated');
  });

  it('ends the trail of a BC whose id another one got, and begins a new one', async () => {
    const first = { id: 1, name: 'first', create_date: '2026-01-01 00:00:00' };
    const second = { id: 1, name: 'second', create_date: '2026-02-01 00:00:00' };
    expect(await store(1, first, [{ id: 11, qty: 1 }])).toBe('created');
    expect(await store(2, second, [{ id: 12, qty: 2 }])).toBe('created');
    expect(await header(1)).toEqual(second);
    expect(await linesOf(1)).toEqual([12]);
    const entries = (await trail()).map(({ action, changes }) => [action, changes]);
    expect(entries).toEqual([
      ['created', {}],
      [
        'archived',
        {
          reason: 'replaced',
          header: {
            id: { old: 1, new: null },
            name: { old: 'first', new: null },
            create_date: { old: '2026-01-01 00:00:00', new: null },
          },
          linesRemoved: [{ id: 11, qty: 1 }],
        },
      ],
      ['created', {}],
    ]);
    const [feed] = await database.client`select created_xid = changed_xid as new from scrap_dimagaz_bc`;
    expect(feed?.['new']).toBe(true);
  });

  it('begins a new trail also if the former BC of the id was archived, and restores the same one', async () => {
    const bc = { id: 1, name: 'first', create_date: '2026-01-01 00:00:00' };
    const archive = () =>
      database.client`update scrap_dimagaz_bc set archived_at = now(), archive_reason = 'gone'`;
    await store(1, bc);
    await archive();
    expect(await store(2, bc)).toBe('updated');
    await archive();
    expect(await store(3, { ...bc, create_date: '2026-02-01 00:00:00' })).toBe('created');
    expect((await trail()).map(({ action }) => action)).toEqual(['created', 'restored', 'created']);
  });

  it.each([
    ['the stored one', {}, { create_date: '2026-02-01 00:00:00' }],
    ['the reading', { create_date: '2026-02-01 00:00:00' }, {}],
  ])('takes a BC for the same one if %s has no create_date', async (_, before, after) => {
    await store(1, { id: 1, name: 'first', ...before });
    expect(await store(2, { id: 1, name: 'second', ...after })).toBe('updated');
    expect((await trail()).map(({ action }) => action)).toEqual(['created', 'updated']);
  });

  it('removes lines that the reading lacks, and keeps them in the audit trail', async () => {
    await store(1, { id: 1 }, [
      { id: 11, qty: 1 },
      { id: 12, qty: 2 },
    ]);
    expect(await store(2, { id: 1 }, [{ id: 12, qty: 2 }])).toBe('updated');
    expect(await linesOf(1)).toEqual([12]);
    expect((await trail()).at(-1)?.['changes']).toEqual({ linesRemoved: [{ id: 11, qty: 1 }] });
  });

  it('takes a line from the BC it left, and says so in the trail of both', async () => {
    await store(1, { id: 1 }, [{ id: 11 }]);
    await store(2, { id: 2 }, [{ id: 11 }]);
    expect([await linesOf(1), await linesOf(2)]).toEqual([[], [11]]);
    expect((await trail()).map((row) => [row['odoo_id'], row['action']])).toEqual([
      [1, 'created'],
      [1, 'updated'],
      [2, 'created'],
    ]);
  });

  it.each([
    ['a later', 5, 3],
    ['an overlapping', [5, 8], [6, 7]],
  ] as const)('leaves a line where %s reading put it, and asks for another one', async (_, first, second) => {
    await store(first, { id: 1 }, [{ id: 11 }]);
    expect(await store(second, { id: 2 }, [{ id: 11 }, { id: 12 }])).toBe('stale');
    expect([await linesOf(1), await linesOf(2)]).toEqual([[11], []]);
    expect(await store(9, { id: 2 }, [{ id: 11 }, { id: 12 }])).toBe('created');
    expect([await linesOf(1), await linesOf(2)]).toEqual([[], [11, 12]]);
  });

  it('loses no line that two BCs trade at the same moment', async () => {
    const ids = Array.from({ length: 30 }, (_, index) => index + 100);
    for (let turn = 0; turn < 10; turn += 1) {
      const [from, to] = turn % 2 === 0 ? [1, 2] : [2, 1];
      const lines = ids.map((id) => ({ id, turn }));
      await Promise.all([
        store(turn * 2 + 1, { id: from, turn }),
        store(turn * 2 + 2, { id: to, turn }, lines),
      ]);
      expect([await linesOf(from), await linesOf(to)]).toEqual([[], ids]);
    }
  });

  it('brings an archived BC back, with its own entry in the trail', async () => {
    await store(1, { id: 1 }, [{ id: 11 }]);
    await database.client`update scrap_dimagaz_bc set archived_at = now(), archive_reason = 'gone'`;
    await database.client`update scrap_dimagaz_bc_line set archived_at = now(), archive_reason = 'gone'`;
    expect(await store(2, { id: 1 }, [{ id: 11 }])).toBe('updated');
    const [line] = await database.client`select archived_at, archive_reason from scrap_dimagaz_bc_line`;
    expect(line).toEqual({ archived_at: null, archive_reason: null });
    const [row] = await database.client`select archived_at, archive_reason from scrap_dimagaz_bc`;
    expect(row).toEqual({ archived_at: null, archive_reason: null });
    expect((await trail()).at(-1)?.['action']).toBe('restored');
  });

  it('changes nothing at all when one line is refused', async () => {
    await store(1, { id: 1, note: 'before' }, [{ id: 11 }]);
    await database.client`alter table scrap_dimagaz_bc_line add constraint no_12 check (odoo_id <> 12)`;
    await expect(store(2, { id: 1, note: 'after' }, [{ id: 12 }])).rejects.toThrow();
    await database.client`alter table scrap_dimagaz_bc_line drop constraint no_12`;
    expect([await header(1), await linesOf(1), (await trail()).length]).toEqual([
      { id: 1, note: 'before' },
      [11],
      1,
    ]);
  });

  it('stores one document for many writers at once', async () => {
    const readings = Array.from({ length: 20 }, (_, seq) =>
      store(seq + 1, { id: 1, seq }, [{ id: 11, seq }]),
    );
    await Promise.allSettled(readings);
    expect(await header(1)).toEqual({ id: 1, seq: 19 });
    const [line] = await database.client`select fields from scrap_dimagaz_bc_line`;
    expect(line?.['fields']).toEqual({ id: 11, seq: 19 });
  });
});
