import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { installationOf } from '../../../src/db/installation.ts';
import { heartbeat, readState } from '../../../src/db/runs/lease.ts';
import { createRun, updateRun } from '../../../src/db/runs/runs.ts';
import type { SyncLogRow } from '../../../src/db/schema/sync.ts';
import { bcJobId, enqueueBcs } from '../../../src/queues/jobs.ts';
import { verifyMirror } from '../../../src/sync/maintenance/verify.ts';
import { planRun } from '../../../src/sync/planning/plan-run.ts';
import { acquireRun } from '../../../src/sync/runs/run-lease.ts';
import type { TestSetup } from '../../support/test-setup.ts';
import { openTestSetup } from '../../support/test-setup.ts';
import { waitFor } from '../../support/wait-for.ts';

const BC = 'dimagaz.bc';
const HOUR_MS = 3_600_000;

describe('a run after one that failed', () => {
  let setup: TestSetup;
  let now = new Date();
  let bcs: number[] = [];
  beforeEach(async () => {
    now = new Date('2026-03-02T08:00:00.000Z');
    setup = await openTestSetup({
      sandbox: { documents: 80, clock: () => now },
      env: { SYNC_PAGE_SIZE: '8', SYNC_PAGES_IN_FLIGHT: '1' },
    });
    bcs = setup.odoo.ids(BC);
    await setup.work();
    hoursPass();
  });
  afterEach(() => setup.close());

  const hoursPass = () => {
    now = new Date(now.getTime() + 2 * HOUR_MS);
  };
  const idsIn = async (runId: number, where: string) => {
    const rows = await setup.database.client`
      select odoo_id from sync_run_item where run_id = ${runId} and ${setup.database.client.unsafe(where)} order by 1`;
    return rows.map((row) => Number(row['odoo_id']));
  };
  /** A run during which Odoo is away for longer than all attempts, after `stored` of its BCs. */
  const fails = async (mode: 'full' | 'incremental', stored = 16): Promise<SyncLogRow> => {
    setup.odoo.faults.latencyMs = 10;
    const runId = await setup.request(mode);
    await waitFor(
      async () => (await idsIn(runId, `state <> 'open'`)).length >= stored,
      'some of the run to be done',
    );
    setup.odoo.faults.when({}, 'unavailable');
    const run = await setup.ended(runId);
    expect(run).toMatchObject({ status: 'failed', errorCode: 'odoo_unavailable' });
    setup.odoo.faults.clear();
    hoursPass();
    return run;
  };
  const lastSync = async () => (await readState(setup.mirror.db, 'bclinbc'))?.lastSync ?? null;
  const isRight = async () => {
    expect(await verifyMirror({ ...setup.mirror, pageSize: 100 }, () => {})).toMatchObject({ ok: true });
    expect(await readState(setup.mirror.db, 'bclinbc')).toMatchObject({ held: false, isSyncing: false });
    const [twice] = await setup.database.client`
      select count(*)::int as n from (select odoo_id from audit_log where action = 'created'
        group by odoo_id having count(*) > 1) as t`;
    expect(twice?.['n']).toBe(0);
  };
  const readSince = () => [
    ...new Set(
      setup.odoo.calls
        .filter(({ method, model }) => method === 'read' && model === BC)
        .flatMap(({ ids }) => ids ?? []),
    ),
  ];

  it('reads only the open items of that run and the changes since it began', async () => {
    const failed = await fails('full');
    const owed = await idsIn(failed.id, `state = 'open'`);
    const [done = 0] = await idsIn(failed.id, `state <> 'open'`);
    expect(failed).toMatchObject({ planned: 80, seen: 80 - owed.length, created: 80 - owed.length });
    expect(await lastSync()).toBeNull();
    setup.odoo.write(BC, [done], { notes: 'changed after it was stored' });
    setup.odoo.calls.length = 0;

    const run = await setup.run('incremental');
    expect(run).toMatchObject({ status: 'success', mode: 'full', continues: failed.id });
    expect(run).toMatchObject({ planned: owed.length + 1, created: owed.length, updated: 1 });
    expect(readSince().sort((a, b) => a - b)).toEqual([done, ...owed]);
    expect(await lastSync()).toEqual(run.nowSync);
    await isRight();
    expect(await setup.run('incremental')).toMatchObject({ mode: 'incremental', continues: null });
  });

  it('carries on along a chain of failures, and looks past one that could not even be planned', async () => {
    const first = await fails('full', 24);
    const second = await fails('incremental', 16);
    const third = await fails('incremental', 8);
    setup.odoo.faults.when({}, 'unavailable');
    const unplanned = await setup.run('incremental');
    expect(unplanned).toMatchObject({ status: 'failed', plannedAt: null, planned: 0 });
    setup.odoo.faults.clear();
    const owed = await idsIn(third.id, `state = 'open'`);
    expect(owed.length).toBeLessThan(80 - 24 - 16);
    expect([second.continues, third.continues]).toEqual([first.id, second.id]);

    const run = await setup.run('incremental');
    expect(run).toMatchObject({ status: 'success', mode: 'full', continues: third.id, planned: owed.length });
    await isRight();
  });

  it('carries on with a window too, over sweeps and resyncs in between', async () => {
    await setup.run('full');
    const reached = await lastSync();
    hoursPass();
    setup.odoo.write(BC, bcs.slice(0, 40), { notes: 'changed' });
    hoursPass();
    const failed = await fails('incremental');
    expect(await lastSync()).toEqual(reached);
    const owed = await idsIn(failed.id, `state = 'open'`);
    const [resynced = 0] = owed;
    expect(await setup.run('single', [resynced])).toMatchObject({ status: 'success', updated: 1 });
    expect(await setup.run('sweep')).toMatchObject({ status: 'success', updated: owed.length - 1, late: 0 });

    const run = await setup.run('incremental');
    expect(run).toMatchObject({ status: 'success', mode: 'incremental', continues: failed.id });
    // The window begins after the last change known before the failed run, so it has the other BCs of that run too.
    expect(run).toMatchObject({ planned: 40, unchanged: 40 });
    await isRight();
  });

  it('leaves to a sweep in between changes written before its window, which counts them as late', async () => {
    await setup.run('full');
    hoursPass();
    const late = setup.odoo.begin(now);
    late.write(BC, bcs.slice(-2), { notes: 'of a transaction that lasts' });
    hoursPass();
    setup.odoo.write(BC, bcs.slice(0, 1), { notes: 'newer, so that windows do not reach back further' });
    await setup.run('incremental');
    await setup.run('incremental');
    hoursPass();
    setup.odoo.write(BC, bcs.slice(0, 40), { notes: 'changed' });
    const failed = await fails('incremental');
    late.commit();
    const owed = await idsIn(failed.id, `state = 'open'`);
    expect(await setup.run('sweep')).toMatchObject({ updated: owed.length + 2, late: 2 });
    expect(await setup.run('incremental')).toMatchObject({ continues: failed.id, updated: 0 });
    await isRight();
  });

  it('starts over when a person asks for a full one', async () => {
    await fails('full');
    expect(await setup.run('full')).toMatchObject({
      status: 'success',
      planned: 80,
      continues: null,
      since: null,
    });
    await isRight();
  });

  it('carries on when it is the retry of that one, in bull-board', async () => {
    const failed = await fails('full');
    const owed = await idsIn(failed.id, `state = 'open'`);
    const job = await setup.mirror.queues.sync.getJob(`run-${failed.id}`);
    await job?.retry('completed');
    expect(await setup.ended(failed.id + 1)).toMatchObject({
      ...{ trigger: 'retry', status: 'success', mode: 'full', continues: failed.id, planned: owed.length },
    });
    await isRight();
  });

  it('reads everything as the retry of a full one, when another has carried on meanwhile', async () => {
    const failed = await fails('full');
    const second = await setup.run('incremental');
    const job = await setup.mirror.queues.sync.getJob(`run-${failed.id}`);
    await job?.retry('completed');
    expect(await setup.ended(second.id + 1)).toMatchObject({
      ...{ trigger: 'retry', status: 'success', mode: 'full', continues: null, planned: 80 },
    });
  });

  it('keeps parked BCs of that run listed, and offers them when their pause is over', async () => {
    const [bad = 0] = bcs;
    const allow = setup.odoo.faults.denyRecord(BC, bad);
    const failed = await fails('full');
    allow();
    expect(failed).toMatchObject({ failed: 1 });
    expect(await setup.run('incremental')).toMatchObject({
      status: 'success',
      continues: failed.id,
      failed: 0,
    });
    const open = () => setup.database.client`select odoo_id from sync_failure where resolved_at is null`;
    expect(await open()).toMatchObject([{ odoo_id: String(bad) }]);
    await setup.database.client`update sync_failure set next_attempt_at = now()`;
    expect(await setup.run('incremental')).toMatchObject({ status: 'success', created: 1 });
    expect(await open()).toEqual([]);
    await isRight();
  });

  it('finds owed what a job of that one could not store, as Odoo was away', async () => {
    const { mirror } = setup;
    const failed = await fails('full');
    const [odooId = 0] = await idsIn(failed.id, `state = 'open'`);
    setup.odoo.faults.when({}, 'unavailable');
    const left = { runId: failed.id, page: 9, token: failed.leaseToken, generation: 9, odooId };
    await enqueueBcs(mirror.queues.bc, await installationOf(mirror.db), [left], mirror.settings);
    await waitFor(
      async () => (await mirror.queues.bc.getJobState(bcJobId(left))) === 'failed',
      'the end of the attempts',
    );
    expect(await idsIn(failed.id, `state = 'open'`)).toContain(odooId);
    expect([...(await setup.database.client`select * from sync_failure`)]).toEqual([]);
    setup.odoo.faults.clear();
    expect(await setup.run('incremental')).toMatchObject({ status: 'success', continues: failed.id });
    await isRight();
  });

  it('still carries on when its own planner died', async () => {
    const { mirror } = setup;
    const failed = await fails('full');
    const owed = await idsIn(failed.id, `state = 'open'`);
    const { id } = await createRun(mirror.db, { key: 'bclinbc', mode: 'incremental', trigger: 'cli' });
    const run = await acquireRun(mirror, id);
    if (run === null) throw new Error('the lease is taken');
    await planRun(mirror, run);
    await updateRun(mirror.db, id, { plannedAt: null });
    await heartbeat(mirror.db, 'bclinbc', run.leaseToken, -1000);
    await setup.request('incremental');
    expect(await setup.ended(id)).toMatchObject({
      ...{ status: 'success', mode: 'full', continues: failed.id, planned: owed.length },
    });
    await isRight();
  });
});
