import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TestSetup } from '../../support/test-setup.ts';
import { openTestSetup } from '../../support/test-setup.ts';

const BC = 'dimagaz.bc';
const LINE = 'dimagaz.bc.line';

describe('lines that Odoo no longer shows', () => {
  let setup: TestSetup;
  beforeEach(async () => {
    // Small groups: several transactions remove lines at once.
    const env = { SYNC_PAGE_SIZE: '20', SYNC_GROUP_SIZE: '3' };
    setup = await openTestSetup({ sandbox: { documents: 100 }, env });
    await setup.work();
    expect(await setup.run('full')).toMatchObject({ status: 'success' });
  });
  afterEach(() => setup.close());

  /** Lines in the mirror: those that are not archived, and all. */
  const lines = async () => {
    const [row] = await setup.database.client`
      select count(*) filter (where archived_at is null)::int as live, count(*)::int as total from scrap_dimagaz_bc_line`;
    return { live: Number(row?.['live']), total: Number(row?.['total']) };
  };
  const removed = async () => {
    const rows = await setup.database.client`
      select odoo_id::int as id from scrap_dimagaz_bc_line
      where archived_at is not null and archive_reason = 'removed' order by 1`;
    return rows.map((row) => Number(row['id']));
  };
  const trail = async (runId: number) => {
    const rows = await setup.database.client`
      select changes from audit_log where run_id = ${runId} and changes ? 'linesRemoved'`;
    return rows
      .flatMap((row) => row['changes'].linesRemoved.map(({ id }: { id: number }) => id))
      .sort((a: number, b: number) => a - b);
  };
  const share = (part: number) => {
    const all = setup.odoo.ids(LINE);
    return all.slice(0, Math.ceil(all.length * part));
  };
  const KEPT = { status: 'partial', errorCode: 'sweep_breaker', linesRemoved: 0, archived: 0 };

  it.each([
    ['all', 1, 'sweep'],
    ['all', 1, 'full'],
    ['45 %', 0.45, 'sweep'],
    ['45 %', 0.45, 'full'],
    ['3', 0.01, 'sweep'],
    ['3', 0.01, 'full'],
  ] as const)('stay if a rule hides %s of them (%s, %s run)', async (_share, part, mode) => {
    const before = await lines();
    const hidden = share(part);
    setup.odoo.faults.hideRecords(LINE, hidden);
    const run = await setup.run(mode);
    expect(run).toMatchObject(KEPT);
    expect(run.errorMessage).toContain(`kept ${hidden.length} lines`);
    expect(run.errorMessage).toContain('--force');
    expect(await lines()).toEqual(before);
    setup.odoo.faults.clear();
    expect(await setup.run('sweep')).toMatchObject({ status: 'success', linesRemoved: 0 });
    expect(await lines()).toEqual(before);
  });

  it('stay if their BC is edited, or read by itself', async () => {
    const before = await lines();
    const [id = 0] = setup.odoo.ids(BC);
    setup.odoo.faults.hideRecords(LINE, setup.odoo.ids(LINE));
    setup.odoo.write(BC, [id], { notes: 'modifié' });
    expect(await setup.run('incremental')).toMatchObject({ ...KEPT, updated: 1 });
    expect(await setup.run('single', [id])).toMatchObject({ ...KEPT, unchanged: 1 });
    expect(await lines()).toEqual(before);
  });

  it('leave the mirror if they were deleted, although a rule hides other lines of their page', async () => {
    const before = await lines();
    const [gone = 0, ...others] = setup.odoo.ids(LINE).slice(0, 30);
    setup.odoo.erase(LINE, [gone]);
    setup.odoo.faults.hideRecords(LINE, others);
    const run = await setup.run('sweep');
    expect(run).toMatchObject({ ...KEPT, linesRemoved: 1 });
    expect(run.errorMessage).toContain('kept 29 lines');
    expect(await removed()).toEqual([gone]);
    expect(await lines()).toEqual({ live: before.live - 1, total: before.total });
  });

  it('are archived with a reason and never deleted if they were deleted in Odoo', async () => {
    const before = await lines();
    const gone = setup.odoo.ids(LINE).slice(5, 25);
    setup.odoo.erase(LINE, gone);
    const run = await setup.run('sweep');
    expect(run).toMatchObject({ status: 'success', linesRemoved: 20, errorCode: null });
    expect(await removed()).toEqual(gone);
    expect(await trail(run.id)).toEqual(gone);
    expect(await lines()).toEqual({ live: before.live - 20, total: before.total });
    expect(await setup.run('sweep')).toMatchObject({ status: 'success', planned: 0 });
  });

  it('stay if more were deleted than a sweep may remove, until it is forced', async () => {
    const before = await lines();
    const gone = share(0.45);
    setup.odoo.erase(LINE, gone);
    expect(await setup.run('sweep')).toMatchObject(KEPT);
    expect(await lines()).toEqual(before);
    expect(await setup.run('sweep', undefined, true)).toMatchObject({
      status: 'success',
      linesRemoved: gone.length,
    });
    expect(await lines()).toEqual({ live: before.live - gone.length, total: before.total });
  });

  it('stay beyond the limit of a run that did not know before how many are gone', async () => {
    const before = await lines();
    setup.odoo.erase(LINE, share(0.9));
    const run = await setup.run('full');
    expect(run).toMatchObject({ status: 'partial', errorCode: 'sweep_breaker' });
    expect(run.linesRemoved).toBeLessThanOrEqual(Math.max(50, Math.floor(before.live * 0.2)));
    expect((await lines()).live).toBe(before.live - run.linesRemoved);
  });

  it('are removed by a forced sweep also if a rule hides them, and return with the rule', async () => {
    const before = await lines();
    const hidden = share(0.3);
    setup.odoo.faults.hideRecords(LINE, hidden);
    expect(await setup.run('sweep', undefined, true)).toMatchObject({ status: 'success' });
    expect(await removed()).toEqual(hidden);
    expect(await setup.run('sweep')).toMatchObject({ status: 'success', planned: 0 });
    setup.odoo.faults.clear();
    expect(await setup.run('sweep')).toMatchObject({ status: 'success', linesRemoved: 0 });
    expect(await lines()).toEqual(before);
  });

  it('leave a small mirror at most half of its lines', async () => {
    const few = await openTestSetup({ sandbox: { documents: 4 } });
    try {
      await few.work();
      await few.run('full');
      const all = few.odoo.ids(LINE);
      few.odoo.erase(LINE, all);
      expect(await few.run('sweep')).toMatchObject(KEPT);
      const [kept] = await few.database
        .client`select count(*)::int as n from scrap_dimagaz_bc_line where archived_at is null`;
      expect(kept).toEqual({ n: all.length });
    } finally {
      await few.close();
    }
  });

  it('that moved to another BC are moved, not archived', async () => {
    const before = await lines();
    const [line = 0] = setup.odoo.ids(LINE);
    const to = setup.odoo.ids(BC).at(-1) ?? 0;
    setup.odoo.write(LINE, [line], { bc_id: to });
    expect(await setup.run('incremental')).toMatchObject({ status: 'success' });
    expect(await lines()).toEqual(before);
    expect(await removed()).toEqual([]);
  });
});
