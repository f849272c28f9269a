import { sql } from 'drizzle-orm';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type FeedPosition, readChanges } from '../../../src/db/documents/change-feed.ts';
import { prune } from '../../../src/sync/maintenance/prune.ts';
import { KINDS, type Verification, verifyMirror } from '../../../src/sync/maintenance/verify.ts';
import { openTestSetup, type TestSetup } from '../../support/test-setup.ts';

const BC = 'dimagaz.bc';
const LINE = 'dimagaz.bc.line';

describe('verify', () => {
  let setup: TestSetup;
  beforeAll(async () => {
    setup = await openTestSetup({ sandbox: { documents: 20 } });
    await setup.work();
    await setup.run('full');
    // Opens the epoch of the feed.
    await feed();
  });
  afterEach(() => setup.odoo.faults.clear());
  afterAll(() => setup.close());

  const verify = (also: Partial<Parameters<typeof verifyMirror>[0]> = {}): Promise<Verification> =>
    verifyMirror({ ...setup.mirror, pageSize: 7, ...also }, () => {});
  const found = ({ examples, ...counts }: Verification) =>
    Object.fromEntries(
      KINDS.filter((kind) => counts[kind] > 0).map((kind) => [kind, [counts[kind], examples[kind][0]]]),
    );
  const execute = (statement: string) => setup.database.db.execute(sql.raw(statement));
  const feed = (after: FeedPosition | null = null) =>
    readChanges(setup.mirror, { limit: 100, after, pick: [], lines: 'none', linePick: null });
  const full = () => setup.run('full');
  /** As docs/how-to/runbook.md says. */
  const storeAgain = async () => {
    await execute("update scrap_dimagaz_bc set content_hash = '' where odoo_id = 3");
    return full();
  };
  const storeLineAgain = async () => {
    await execute("update scrap_dimagaz_bc_line set content_hash = '' where odoo_id = 4");
    return full();
  };

  it.each<[string, string, Record<string, unknown>, () => Promise<unknown>]>([
    [
      'an emptied odoo_create_date',
      'update scrap_dimagaz_bc set odoo_create_date = null where odoo_id = 3',
      { different: [1, { model: BC, id: 3, fields: ['create_date'] }] },
      storeAgain,
    ],
    [
      'an odoo_create_date that Odoo does not have',
      "update scrap_dimagaz_bc set odoo_create_date = odoo_create_date - interval '1 hour' where odoo_id = 3",
      { different: [1, { model: BC, id: 3, fields: ['create_date'] }] },
      storeAgain,
    ],
    [
      'a changed_xid that was set back',
      "update scrap_dimagaz_bc set changed_xid = '1' where odoo_id = 3",
      { feedGaps: [1, { model: BC, id: 3 }] },
      storeAgain,
    ],
    [
      'a changed_xid of the future',
      "update scrap_dimagaz_bc set changed_xid = '1000000000000' where odoo_id = 3",
      { feedGaps: [1, { model: BC, id: 3 }] },
      storeAgain,
    ],
    [
      'a changed_at before the last change',
      "update scrap_dimagaz_bc set changed_at = changed_at - interval '1 second' where odoo_id = 3",
      { feedGaps: [1, { model: BC, id: 3 }] },
      storeAgain,
    ],
    [
      'a fetch_seq of a BC beyond the sequence',
      'update scrap_dimagaz_bc set fetch_seq = (select last_value + 3000 from fetch_seq) where odoo_id = 3',
      { futureReadings: [1, { model: BC, id: 3 }] },
      full,
    ],
    [
      'a fetch_seq of a line beyond the sequence',
      'update scrap_dimagaz_bc_line set fetch_seq = (select last_value + 3000 from fetch_seq) where odoo_id = 4',
      { futureReadings: [1, { model: LINE, id: 4 }] },
      storeLineAgain,
    ],
    [
      'an audit trail without the last change of a BC',
      'delete from audit_log where odoo_id = 3',
      { trailGaps: [1, { model: BC, id: 3 }] },
      storeAgain,
    ],
    [
      'a dropped view',
      'drop view dimagaz_bc',
      { views: [1, { model: BC, detail: 'view dimagaz_bc' }] },
      full,
    ],
    [
      'an outdated view',
      "comment on view dimagaz_bc_line is 'of an older model'",
      { views: [1, { model: LINE, detail: 'view dimagaz_bc_line' }] },
      full,
    ],
    [
      'a last_sync of the future',
      "update sync_state set last_sync = now() + interval '1 hour'",
      { futureSync: [1, { model: BC, detail: expect.stringMatching(/^last_sync 20/) }] },
      full,
    ],
  ])('finds %s, and nothing after the repair', async (_damage, statement, finding, repair) => {
    expect(found(await verify())).toEqual({});
    await execute(statement);
    const verification = await verify();
    expect([verification.ok, found(verification)]).toEqual([false, finding]);
    await repair();
    expect(found(await verify())).toEqual({});
  });

  it('finds an emptied audit trail, except what prune may delete', async () => {
    await execute('create table kept as select * from audit_log');
    await execute('truncate audit_log');
    expect(found(await verify())).toMatchObject({ trailGaps: [20, { model: BC, id: 1 }] });
    expect(found(await verify({ retention: { auditMs: 1 } }))).toEqual({});
    await execute('insert into audit_log select * from kept');
    await execute('drop table kept');
  });

  it('finds nothing after prune', async () => {
    await execute("update audit_log set at = at - interval '3 years'");
    await execute("update scrap_dimagaz_bc set changed_at = changed_at - interval '3 years'");
    setup.odoo.write(BC, [5], { notes: 'changed' });
    await setup.run('incremental');
    const pruned = await prune(setup.mirror);
    expect(pruned.audit).toBeGreaterThanOrEqual(20);
    expect(found(await verify())).toEqual({});
  });

  it('finds nothing in a restored dump, whose transaction ids are of another server', async () => {
    await full();
    const ahead = '(changed_xid::text::bigint + 1000000000)::text::xid8';
    await execute(`update scrap_dimagaz_bc set changed_xid = ${ahead}, created_xid = ${ahead}`);
    await execute('update audit_log set xid = (xid::text::bigint + 1000000000)::text::xid8');
    await execute("update feed_epoch set server = 'another'");
    expect(found(await verify())).toEqual({});
    await feed();
    expect(found(await verify())).toEqual({});
    setup.odoo.write(BC, [6], { notes: 'changed' });
    await setup.run('incremental');
    expect(found(await verify())).toEqual({});
  });

  it('finds nothing after a change with a lower transaction id than the change before', async () => {
    const reader = await feed();
    await setup.database.db.transaction(async (tx) => {
      // The id is assigned now, and used after the run below has changed the same BC.
      await tx.execute(sql`select pg_current_xact_id()`);
      setup.odoo.write(BC, [8], { notes: 'changed by the run' });
      await setup.run('incremental');
      await tx.execute(sql`
        update scrap_dimagaz_bc set changed_xid = pg_current_xact_id(), changed_at = now() where odoo_id = 8`);
      await tx.execute(sql`
        insert into audit_log (odoo_id, run_id, action, changes) values (8, 1, 'updated', '{}')`);
    });
    expect(found(await verify())).toEqual({});
    expect((await feed(reader.next)).items).toContain('"odooId":8');
  });

  it('does not count a difference that a run stores before the end', async () => {
    setup.odoo.write(BC, [7], { notes: 'between the readings' });
    let runs = 0;
    const { source } = setup.mirror;
    const ids: typeof source.ids = async (model, ...rest) => {
      if (model === LINE && runs++ === 0) await setup.run('incremental');
      return source.ids(model, ...rest);
    };
    const between = { ...source, ids };
    expect(found(await verify({ source: between }))).toEqual({});
    expect(runs).toBeGreaterThan(0);
    setup.odoo.write(BC, [7], { notes: 'after the last run' });
    expect(found(await verify())).toMatchObject({ different: [1, { model: BC, id: 7 }] });
    await setup.run('incremental');
  });

  it('finds that Odoo lists less than half as before, until a forced sweep', async () => {
    expect(await verify()).toMatchObject({ ok: true });
    const before = setup.odoo.count(LINE);
    setup.odoo.erase(LINE, setup.odoo.ids(LINE));
    // As if a version without the line breaker had followed the loss.
    await execute('delete from scrap_dimagaz_bc_line');
    await full();
    const detail = expect.stringMatching(new RegExp(`^0 in Odoo, ${before} on 20`));
    expect(found(await verify())).toEqual({ vanished: [1, { model: LINE, detail }] });
    expect(found(await verify())).toEqual({ vanished: [1, { model: LINE, detail }] });
    expect(await setup.run('sweep', undefined, true)).toMatchObject({ status: 'success' });
    expect(await verify()).toMatchObject({ ok: true, lines: 0 });
    expect(await verify()).toMatchObject({ ok: true, lines: 0 });
  });
});
