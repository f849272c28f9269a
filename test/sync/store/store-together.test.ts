import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bcStore } from '../../../src/db/documents/tables.ts';
import type { OdooRecord } from '../../../src/odoo/types.ts';
import { prepare } from '../../../src/sync/store/normalize.ts';
import { storeTogether } from '../../../src/sync/store/store-documents.ts';
import type { DocumentModel, Entry, MirroredModel } from '../../../src/sync/types.ts';
import { freshDatabase } from '../../support/database.ts';

type Database = Awaited<ReturnType<typeof freshDatabase>>;

const model = (name: string): MirroredModel => ({ name, fields: {}, requested: [], binaries: [] });
const DOCUMENT: DocumentModel = {
  header: model('dimagaz.bc'),
  line: model('dimagaz.bc.line'),
  linesField: 'line_ids',
  inverse: 'bc_id',
};
const RUN = 1;
const NO_LIMITS = { sweepMaxShare: 100, sweepMaxCount: 1000 };
/** So many readings that begin after it overlap one. */
const OVERLAP = 3;

function entryOf(fetchSeq: number, header: OdooRecord, lines: readonly OdooRecord[]): Entry {
  const document = {
    header: prepare('dimagaz.bc', header, {}),
    lines: lines.map((line) => prepare('dimagaz.bc.line', line, {})),
    reading: { fetchSeq, endSeq: fetchSeq + OVERLAP, fetchedAt: '2026-01-01T00:00:00Z' },
    // Odoo was asked for every line that the reading lacks, and had none of them.
    missing: { gone: Array.from({ length: 200 }, (_, id) => id), hidden: [] },
  };
  return { model: DOCUMENT, document, runId: RUN, rpcCalls: 0 };
}

/** Numbers that look random and are the same each time. */
function dice(seed: number): (sides: number) => number {
  let state = seed;
  return (sides) => {
    state = (state * 1103515245 + 12345) % 2147483648;
    return Math.floor(state / 65536) % sides;
  };
}

const BCS = 12;

/** One reading of some BCs: contents that may be unchanged, lines that appear, vanish and change their BC, old readings. */
function readings(roll: (sides: number) => number, round: number): Entry[] {
  const owners = Array.from({ length: 30 }, (_, index) => ({ id: index + 1, owner: roll(BCS) + 1 }));
  const ids = Array.from({ length: BCS }, (_, index) => index + 1).filter(() => roll(3) > 0);
  return ids.map((id, index) => {
    const seq = round * 100 + index - (roll(5) === 0 ? 150 : 0);
    const write_date = `2026-01-0${roll(3) + 1} 00:00:00`;
    const lines = owners.filter(({ owner }) => owner === id).map((line) => ({ id: line.id, qty: roll(2) }));
    return entryOf(Math.max(seq, 1), { id, note: roll(3), write_date }, lines);
  });
}

/** As a group is stored: first together, then one by one the BCs that must be alone. */
async function storeAsGroup({ db }: Database, entries: readonly Entry[]): Promise<void> {
  const outcomes = await storeTogether(bcStore(db), 'bclinbc', NO_LIMITS, entries);
  for (const [index, entry] of entries.entries()) {
    if (outcomes[index] === 'store_singly') await storeTogether(bcStore(db), 'bclinbc', NO_LIMITS, [entry]);
  }
}

async function contentOf({ client }: Database) {
  return {
    headers:
      await client`select odoo_id, fields, content_hash, odoo_write_date, fetch_seq from scrap_dimagaz_bc order by 1`,
    lines:
      await client`select odoo_id, bc_odoo_id, fields, content_hash from scrap_dimagaz_bc_line order by 1`,
    items: await client`select odoo_id, state, lines_seen, lines_removed from sync_run_item order by 1`,
  };
}

const trailOf = ({ client }: Database) =>
  client`select odoo_id, action, changes from audit_log order by odoo_id, id`;

describe('storing documents together', () => {
  let together: Database;
  let apart: Database;
  beforeAll(async () => {
    [together, apart] = await Promise.all([freshDatabase(), freshDatabase()]);
    // Beyond the numbers that the tests use.
    for (const { client } of [together, apart]) await client`select setval('fetch_seq', 100000)`;
  });
  afterAll(() => Promise.all([together?.close(), apart?.close()]));

  it('leaves what storing them one by one leaves, whatever comes, goes and moves', async () => {
    const roll = dice(20261122);
    for (let round = 1; round <= 25; round += 1) {
      const entries = readings(roll, round);
      for (const { client } of [together, apart]) {
        await client`truncate sync_run_item`;
        await client`insert into sync_run_item (run_id, odoo_id, page) select ${RUN}, id, 0 from generate_series(1, ${BCS}) as id`;
      }
      await storeAsGroup(together, entries);
      for (const entry of entries) await storeTogether(bcStore(apart.db), 'bclinbc', NO_LIMITS, [entry]);
      const [ours, theirs] = [await contentOf(together), await contentOf(apart)];
      expect(ours, `round ${round}`).toEqual(theirs);
    }
    const orphans = await together.client`
      select line.odoo_id from scrap_dimagaz_bc_line as line left join scrap_dimagaz_bc as bc on bc.odoo_id = line.bc_odoo_id
      where bc.odoo_id is null`;
    expect(orphans).toHaveLength(0);
  });

  it('records the same in the ledger and the audit trail if no lines are exchanged', async () => {
    for (const { client } of [together, apart]) {
      await client`truncate scrap_dimagaz_bc, scrap_dimagaz_bc_line, audit_log, sync_run_item`;
      await client`insert into sync_run_item (run_id, odoo_id, page) select ${RUN}, id, 0 from generate_series(1, 20) as id`;
    }
    const roll = dice(7);
    for (let round = 1; round <= 20; round += 1) {
      const entries = Array.from({ length: 20 }, (_, index) => index + 1).map((id) => {
        const lines = [1, 2, 3, 4].filter(() => roll(3) > 0).map((n) => ({ id: id * 10 + n, qty: roll(3) }));
        return entryOf(round * 100 - (roll(6) === 0 ? 250 : 0) + 1000, { id, note: roll(4) }, lines);
      });
      await storeAsGroup(together, entries);
      for (const entry of entries) await storeTogether(bcStore(apart.db), 'bclinbc', NO_LIMITS, [entry]);
    }
    expect(await contentOf(together)).toEqual(await contentOf(apart));
    expect(await trailOf(together)).toEqual(await trailOf(apart));
    expect((await trailOf(together)).length).toBeGreaterThan(200);
  });

  it('stores apart the BCs that trade a line, and the others together', async () => {
    await together.client`truncate scrap_dimagaz_bc, scrap_dimagaz_bc_line, audit_log`;
    const first = [entryOf(1, { id: 1 }, [{ id: 11 }]), entryOf(2, { id: 2 }, []), entryOf(3, { id: 3 }, [])];
    expect(await storeTogether(bcStore(together.db), 'bclinbc', NO_LIMITS, first)).toEqual([
      'created',
      'created',
      'created',
    ]);
    const traded = [
      entryOf(4, { id: 1 }, []),
      entryOf(5, { id: 2 }, [{ id: 11 }]),
      entryOf(6, { id: 3 }, []),
    ];
    expect(await storeTogether(bcStore(together.db), 'bclinbc', NO_LIMITS, traded)).toEqual([
      'store_singly',
      'store_singly',
      'unchanged',
    ]);
  });
});
