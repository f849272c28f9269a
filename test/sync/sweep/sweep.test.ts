import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readState } from '../../../src/db/runs/lease.ts';
import { type Verification, verifyMirror } from '../../../src/sync/maintenance/verify.ts';
import type { TestSetup } from '../../support/test-setup.ts';
import { openTestSetup } from '../../support/test-setup.ts';

const HOUR_MS = 3_600_000;
const BC = 'dimagaz.bc';
const LINE = 'dimagaz.bc.line';

describe('a sweep', () => {
  let setup: TestSetup;
  let now = new Date('2026-03-02T08:00:00.000Z');
  beforeAll(async () => {
    // Pages of 5: slices of 100 ids.
    setup = await openTestSetup({
      sandbox: { documents: 400, clock: () => now },
      env: { SYNC_PAGE_SIZE: '5' },
    });
    await setup.work();
    await setup.run('full');
    now = new Date(now.getTime() + HOUR_MS);
    await setup.run('incremental');
    now = new Date(now.getTime() + HOUR_MS);
  });
  afterAll(() => setup?.close());

  const verify = (): Promise<Verification> => verifyMirror({ ...setup.mirror, pageSize: 200 }, () => {});
  const trail = async (runId: number) => {
    const rows = await setup.database
      .client`select odoo_id::int as id, action from audit_log where run_id = ${runId} order by odoo_id, id`;
    return rows.map(({ id, action }) => ({ id, action }));
  };
  const bc = async (id: number) => {
    const [row] = await setup.database
      .client`select archived_at is not null as archived, archive_reason from scrap_dimagaz_bc where odoo_id = ${id}`;
    return row;
  };
  const linesOf = (id: number) =>
    setup.odoo.ids(LINE).filter((line) => setup.odoo.record(LINE, line)['bc_id'] === id);
  const withLines = () => setup.odoo.ids(BC).filter((id) => linesOf(id).length > 1);

  it('finds nothing in a mirror that is equal, in slices, and leaves last_sync alone', async () => {
    const before = await readState(setup.mirror.db, 'bclinbc');
    setup.odoo.calls.length = 0;
    const run = await setup.run('sweep');
    expect(run).toMatchObject({ status: 'success', planned: 0, archived: 0, late: 0, linesRemoved: 0 });
    const listings = setup.odoo.calls.filter(
      ({ method, model }) => method === 'search_read' && [BC, LINE].includes(model),
    );
    const slices = (model: string) => Math.ceil(setup.odoo.count(model) / 100) + 1;
    expect(listings.length).toBe(slices(BC) + slices(LINE));
    expect(run.rpcCalls).toBeGreaterThanOrEqual(listings.length);
    expect((await readState(setup.mirror.db, 'bclinbc'))?.lastSync).toEqual(before?.lastSync);
  });

  it('catches what a transaction wrote that committed long after its window, and counts it as late', async () => {
    const late = setup.odoo.begin(now);
    const [header = 0, owner = 0, other = 0, newer = 0] = withLines();
    late.write(BC, [header], { notes: 'validé deux heures après' });
    late.write(LINE, [linesOf(owner)[0] ?? 0], { note: 'ligne tardive' });
    const created = late.create(BC, { name: 'BC/TARD/1' });
    now = new Date(now.getTime() + HOUR_MS);
    // Without a newer change, windows would reach back to the transaction.
    setup.odoo.write(BC, [newer], { notes: 'plus récent' });
    await setup.run('incremental');
    await setup.run('incremental');
    now = new Date(now.getTime() + HOUR_MS);
    late.commit();
    expect(await setup.run('incremental')).toMatchObject({ created: 0, updated: 0 });
    // This one is within the window: the next incremental run would bring it too.
    setup.odoo.write(BC, [other], { notes: "à l'heure" });
    expect(await verify()).toMatchObject({ ok: false, missing: 1 });
    const run = await setup.run('sweep');
    expect(run).toMatchObject({ status: 'success', created: 1, updated: 3, late: 3, archived: 0 });
    expect((await trail(run.id)).map(({ id }) => id)).toEqual(
      [header, owner, other, created].sort((a, b) => a - b),
    );
    expect(await verify()).toMatchObject({ ok: true });
  });

  it('does not count as late what an Odoo that was restored gave the id of another BC', async () => {
    const [same = 0, another = 0] = setup.odoo.ids(BC).slice(-2);
    const late = setup.odoo.begin(new Date('2025-01-01T00:00:00Z'));
    late.write(BC, [same], { notes: 'of a transaction that lasts' });
    late.write(BC, [another], { name: 'BC/AUTRE', create_date: '2025-01-01 00:00:00' });
    late.commit();
    const run = await setup.run('sweep');
    expect(run).toMatchObject({ status: 'success', updated: 1, created: 1, late: 1 });
    expect(await trail(run.id)).toEqual([
      { id: same, action: 'updated' },
      { id: another, action: 'archived' },
      { id: another, action: 'created' },
    ]);
  });

  it('removes lines that were deleted without a trace', async () => {
    now = new Date(now.getTime() + HOUR_MS);
    // The second one passes by what sweeps of other tests found.
    await setup.run('incremental');
    await setup.run('incremental');
    now = new Date(now.getTime() + HOUR_MS);
    const [first = 0, , second = 0] = withLines();
    const gone = [linesOf(first)[0] ?? 0, ...linesOf(second)];
    setup.odoo.erase(LINE, gone);
    expect(await setup.run('incremental')).toMatchObject({ linesRemoved: 0 });
    expect(await setup.run('sweep')).toMatchObject({
      status: 'success',
      updated: 2,
      late: 0,
      linesRemoved: gone.length,
    });
    expect(await verify()).toMatchObject({ ok: true });
  });

  it('reads both BCs of a line that moved in a late transaction', async () => {
    const [from = 0, to = 0] = withLines();
    const late = setup.odoo.begin(new Date(now.getTime() - 3 * HOUR_MS));
    late.write(LINE, [linesOf(from)[0] ?? 0], { bc_id: to });
    late.commit();
    const run = await setup.run('sweep');
    expect([...new Set((await trail(run.id)).map(({ id }) => id))]).toEqual([from, to]);
    expect(run.late).toBeGreaterThan(0);
    expect(await verify()).toMatchObject({ ok: true });
  });

  it('archives BCs that are gone, with reason and audit trail, once', async () => {
    const gone = withLines().slice(10, 40);
    setup.odoo.erase(BC, gone);
    expect((await verify()).extra).toBeGreaterThan(30);
    const run = await setup.run('sweep');
    expect(run).toMatchObject({ status: 'success', archived: 30, gone: 0, seen: 30, errorCode: null });
    expect(await trail(run.id)).toEqual(gone.map((id) => ({ id, action: 'archived' })));
    expect(await bc(gone[0] ?? 0)).toEqual({ archived: true, archive_reason: 'gone' });
    const [lines] = await setup.database.client`
      select count(*)::int as n from scrap_dimagaz_bc_line l join scrap_dimagaz_bc b on b.odoo_id = l.bc_odoo_id
      where (b.archived_at is null) <> (l.archived_at is null) and l.archive_reason is distinct from 'removed'`;
    expect(lines).toEqual({ n: 0 });
    expect(await verify()).toMatchObject({ ok: true, extra: 0 });
    expect(await setup.run('sweep')).toMatchObject({ status: 'success', planned: 0, archived: 0 });
  });

  it('archives a BC that a rule hides from our user, and restores it with its lines when it is visible again', async () => {
    const [id = 0] = withLines();
    const lines = linesOf(id);
    setup.odoo.faults.hideRecords(BC, [id]);
    setup.odoo.faults.hideRecords(LINE, lines);
    expect(await setup.run('sweep')).toMatchObject({ archived: 1 });
    setup.odoo.faults.clear();
    expect(await verify()).toMatchObject({ ok: false, missing: 1 + lines.length, extra: 0 });
    const run = await setup.run('sweep');
    expect(run).toMatchObject({ status: 'success', updated: 1, late: 0 });
    expect(await trail(run.id)).toEqual([{ id, action: 'restored' }]);
    expect(await bc(id)).toEqual({ archived: false, archive_reason: null });
    expect(await verify()).toMatchObject({ ok: true });
  });

  it('does not read again and again what differs because it cannot be stored', async () => {
    const [id = 0] = setup.odoo.ids(BC);
    setup.odoo.write(BC, [id], { notes: 'illisible' });
    setup.odoo.faults.denyRecord(BC, id);
    expect(await setup.run('sweep')).toMatchObject({ status: 'partial', failed: 1, archived: 0 });
    expect(await setup.run('sweep')).toMatchObject({
      ...{ status: 'partial', planned: 0, errorCode: 'paused_failures' },
      errorMessage: expect.stringMatching(/^1 BC with an open failure was not read/),
    });
    setup.odoo.faults.clear();
    await setup.run('single', [id]);
    expect(await verify()).toMatchObject({ ok: true });
  });

  it('fills an empty mirror, without moving last_sync', async () => {
    const fresh = await openTestSetup({ sandbox: { documents: 60 } });
    try {
      await fresh.work();
      const bcs = fresh.odoo.count(BC);
      expect(await fresh.run('sweep')).toMatchObject({ status: 'success', created: bcs, late: 0 });
      expect((await readState(fresh.mirror.db, 'bclinbc'))?.lastSync).toBeNull();
    } finally {
      await fresh.close();
    }
  });
});
