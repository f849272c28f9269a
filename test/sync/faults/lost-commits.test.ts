import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase } from '../../../src/db/client.ts';
import { beginReading, endReading } from '../../../src/db/documents/fetch-sequence.ts';
import { NONE_MISSING } from '../../../src/sync/fetch/missing-lines.ts';
import { describeDocument } from '../../../src/sync/model/document-model.ts';
import { prepare } from '../../../src/sync/store/normalize.ts';
import { storeTogether } from '../../../src/sync/store/store-documents.ts';
import type { DocumentModel } from '../../../src/sync/types.ts';
import { openTestSetup, type TestSetup } from '../../support/test-setup.ts';

const BC = 'dimagaz.bc';

/** PostgreSQL fails over to a standby without the last commits: its sequence counts on from an older number. */
describe('after a failover that lost commits', () => {
  let setup: TestSetup;
  beforeEach(async () => {
    setup = await openTestSetup({ sandbox: { documents: 10 } });
    await setup.work();
    await setup.run('full');
  });
  afterEach(() => setup.close());

  const countFrom = (number: number) => setup.database.client`select setval('fetch_seq', ${number})`;
  const newest = async () => {
    const [row] = await setup.database.client`select last_value from fetch_seq`;
    return Number(row?.['last_value']);
  };

  it('a reading that began before it is repeated, and later ones get greater numbers', async () => {
    const { db } = setup.mirror;
    await countFrom(3000);
    const begun = await beginReading(db);
    await countFrom(60);
    await expect(endReading(db, begun)).rejects.toMatchObject({
      code: 'sequence_went_back',
      retryable: true,
    });
    const next = await beginReading(db);
    expect(next.fetchSeq).toBeGreaterThan(begun.fetchSeq);
    await expect(endReading(db, next)).resolves.toMatchObject({ fetchSeq: next.fetchSeq });
  });

  it('a reading of another process is repeated too', async () => {
    const { db } = setup.mirror;
    await countFrom(3000);
    const begun = await beginReading(db);
    await countFrom(3000 - 100);
    const other = openDatabase(setup.database.url, { max: 1 });
    try {
      await setup.database.client`update sync_state set sequence_server = 'the primary that failed'`;
      expect((await beginReading(other.db)).fetchSeq).toBeGreaterThan(begun.fetchSeq);
    } finally {
      await other.close();
    }
    await expect(endReading(db, begun)).rejects.toMatchObject({ code: 'sequence_went_back' });
  });

  it('a BC that was read before it and is stored after it is read again', async () => {
    const { mirror } = setup;
    const [id = 0] = setup.odoo.ids(BC);
    const model: DocumentModel = await describeDocument(mirror.source, mirror.definition);
    const reading = {
      fetchSeq: (await newest()) + 500,
      endSeq: (await newest()) + 501,
      fetchedAt: '2026-01-01T00:00:00Z',
    };
    const lines = await setup.database
      .client`select odoo_id::int as id from scrap_dimagaz_bc_line where bc_odoo_id = ${id}`;
    const document = {
      header: prepare(BC, { id, notes: 'OLD' }, {}),
      lines: [],
      reading,
      // Nothing else makes the reading stale.
      missing: { ...NONE_MISSING, gone: lines.map(({ id: line }) => Number(line)) },
    };
    const entry = { model, document, runId: 1, rpcCalls: 0 };
    expect(await storeTogether(mirror, mirror.definition.key, mirror.settings, [entry])).toEqual(['stale']);
  });

  it('BCs with numbers that no longer exist can be changed and archived', async () => {
    const [edited = 0, deleted = 0] = setup.odoo.ids(BC);
    await setup.database.client`
      update scrap_dimagaz_bc set fetch_seq = ${(await newest()) + 3000} where odoo_id in (${edited}, ${deleted})`;
    setup.odoo.write(BC, [edited], { notes: 'NEW' });
    setup.odoo.erase(BC, [deleted]);
    // Its own pool of connections knows none of the earlier numbers.
    const other = setup.also({});
    await other.work();
    expect(await other.run('incremental')).toMatchObject({ status: 'success', updated: 1, failed: 0 });
    expect(await other.run('sweep')).toMatchObject({ status: 'success', gone: 0, archived: 1 });
    const [row] = await setup.database
      .client`select fields->>'notes' as notes from scrap_dimagaz_bc where odoo_id = ${edited}`;
    expect(row?.['notes']).toBe('NEW');
  });
});
