import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  grantLease,
  heartbeat,
  readState,
  releaseLease,
  startWhileFree,
} from '../../../src/db/runs/lease.ts';
import { createRun, findRun } from '../../../src/db/runs/runs.ts';
import { planRun } from '../../../src/sync/planning/plan-run.ts';
import { advanceRun, failRun } from '../../../src/sync/runs/advance-run.ts';
import { watchRuns } from '../../../src/sync/runs/recovery.ts';
import { acquireRun } from '../../../src/sync/runs/run-lease.ts';
import { startRun } from '../../../src/sync/runs/start-run.ts';
import type { TestSetup } from '../../support/test-setup.ts';
import { openTestSetup } from '../../support/test-setup.ts';

const KEY = 'bclinbc';

describe('the lease', () => {
  let setup: TestSetup;
  beforeEach(async () => {
    setup = await openTestSetup();
  });
  afterEach(() => setup.close());

  it('lets one of two runs work that are asked for at once; the other is logged as skipped', async () => {
    setup.odoo.faults.latencyMs = 30;
    const runs = [await setup.request('full'), await setup.request('full')];
    await setup.work();
    const ended = await Promise.all(runs.map(setup.ended));
    expect(ended.map((run) => run.status).sort()).toEqual(['skipped', 'success']);
    expect(ended.find((run) => run.status === 'skipped')?.errorMessage).toContain('still in progress');
  });

  it('is granted to no other run before it expired, and with a higher token afterwards', async () => {
    const first = await grantLease(setup.mirror.db, KEY, 1, 60_000);
    expect(await grantLease(setup.mirror.db, KEY, 2, 60_000)).toBeNull();
    await heartbeat(setup.mirror.db, KEY, first ?? 0, -1000);
    expect(await grantLease(setup.mirror.db, KEY, 2, 60_000)).toBe((first ?? 0) + 1);
  });

  it('cannot be kept alive or given back with an old token', async () => {
    const first = (await grantLease(setup.mirror.db, KEY, 1, -1000)) ?? 0;
    const second = (await grantLease(setup.mirror.db, KEY, 2, 60_000)) ?? 0;
    expect(await heartbeat(setup.mirror.db, KEY, first, 60_000)).toBe(false);
    await releaseLease(setup.mirror.db, KEY, { runId: 1, token: first }, {});
    await releaseLease(setup.mirror.db, KEY, { runId: 2, token: first }, {});
    expect(await readState(setup.mirror.db, KEY)).toMatchObject({
      held: true,
      leaseRunId: 2,
      leaseToken: second,
    });
  });

  it('is free again after a run that failed while planning', async () => {
    setup.odoo.faults.when({ method: 'search' }, 'user_error');
    await setup.work();
    expect(await setup.run('full')).toMatchObject({ status: 'failed', errorCode: 'odoo_application_error' });
    expect(await readState(setup.mirror.db, KEY)).toMatchObject({
      held: false,
      isSyncing: false,
      lastSync: null,
    });
  });

  it('is free again after a run whose pages failed for good, and the next run covers its open items', async () => {
    setup.odoo.faults.when({ method: 'read', model: 'dimagaz.bc' }, 'error500');
    await setup.work();
    expect(await setup.run('full')).toMatchObject({ status: 'failed' });
    expect(await readState(setup.mirror.db, KEY)).toMatchObject({
      held: false,
      isSyncing: false,
      lastSync: null,
    });
    setup.odoo.faults.clear();
    expect(await setup.run('incremental')).toMatchObject({ status: 'success', mode: 'full' });
  });

  it('is never granted to a run that is over', async () => {
    await setup.work();
    const run = await setup.run('full');
    expect(await acquireRun(setup.mirror, run.id)).toBeNull();
    expect(await readState(setup.mirror.db, KEY)).toMatchObject({ held: false, isSyncing: false });
  });

  it('is not granted to another run while its run is unfinished: that one is resumed first', async () => {
    const unfinished = await setup.request('full');
    const first = await acquireRun(setup.mirror, unfinished);
    const next = await setup.request('full');
    await heartbeat(setup.mirror.db, KEY, first?.leaseToken ?? 0, -1000);
    expect(await acquireRun(setup.mirror, next)).toBeNull();
    expect((await acquireRun(setup.mirror, unfinished))?.leaseToken).toBe((first?.leaseToken ?? 0) + 1);
  });

  it('that expires after another run found it held goes to neither that run nor a third one', async () => {
    const { mirror } = setup;
    const unfinished = await setup.request('full');
    const first = await acquireRun(mirror, unfinished);
    const [next, third] = [
      await findRun(mirror.db, await setup.request('full')),
      await setup.request('full'),
    ];
    if (first === null || next === null) throw new Error('the first is to be granted, the second to exist');
    const expire = () => heartbeat(mirror.db, KEY, first.leaseToken, -1000);
    // `startRun` finds no abandoned run; then the lease expires; then it asks for the lease.
    const db = new Proxy(mirror.db, {
      get: (target, name) =>
        name === 'transaction'
          ? async (...work: Parameters<typeof target.transaction>) => {
              await expire();
              return target.transaction(...work);
            }
          : Reflect.get(target, name),
    });
    await startRun({ ...mirror, db }, next);
    expect(await findRun(mirror.db, next.id)).toMatchObject({ status: 'skipped', leaseToken: null });
    expect(await readState(mirror.db, KEY)).toMatchObject({ held: false, leaseRunId: unfinished });
    expect(await startWhileFree(mirror.db, KEY, third, 60_000)).toBeNull();
    await watchRuns(mirror);
    const [run, state] = [await findRun(mirror.db, unfinished), await readState(mirror.db, KEY)];
    expect([run?.status, state?.leaseRunId, state?.held]).toEqual(['running', unfinished, false]);
    await setup.work();
    expect(await setup.ended(unfinished)).toMatchObject({ status: 'success' });
  });

  it('keeps a holder that lost it from ending the run of the next one', async () => {
    const runId = await setup.request('full');
    const first = await acquireRun(setup.mirror, runId);
    await heartbeat(setup.mirror.db, KEY, first?.leaseToken ?? 0, -1000);
    const second = await acquireRun(setup.mirror, runId);
    await failRun(setup.mirror, runId, first?.leaseToken ?? 0, new Error('too late'));
    expect(await findRun(setup.mirror.db, runId)).toMatchObject({ status: 'running', finishedAt: null });
    expect(await readState(setup.mirror.db, KEY)).toMatchObject({
      held: true,
      leaseToken: second?.leaseToken,
    });
  });

  it('keeps a planner that lost it from touching the plan of the next one', async () => {
    const runId = await setup.request('full');
    const first = await acquireRun(setup.mirror, runId);
    await heartbeat(setup.mirror.db, KEY, first?.leaseToken ?? 0, -1000);
    const second = await acquireRun(setup.mirror, runId);
    if (first === null || second === null) throw new Error('both were to be granted');
    await planRun(setup.mirror, second);
    await expect(planRun(setup.mirror, first)).rejects.toMatchObject({ code: 'lease_lost' });
    await advanceRun(setup.mirror, runId);
    await setup.work();
    expect(await setup.ended(runId)).toMatchObject({
      status: 'success',
      created: setup.odoo.count('dimagaz.bc'),
    });
  });

  it('stays with a run whose job is delivered a second time, which ends nothing', async () => {
    const queued = await createRun(setup.mirror.db, { key: KEY, mode: 'full', trigger: 'schedule' });
    const held = await acquireRun(setup.mirror, queued.id);
    await startRun(setup.mirror, queued);
    expect(await findRun(setup.mirror.db, queued.id)).toMatchObject({ status: 'running', finishedAt: null });
    expect(await readState(setup.mirror.db, KEY)).toMatchObject({ leaseToken: held?.leaseToken });
  });
});
