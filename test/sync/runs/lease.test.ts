import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { grantLease, heartbeat, readState, releaseLease } from '../../../src/db/runs/lease.ts';
import { createRun, findRun } from '../../../src/db/runs/runs.ts';
import { planRun } from '../../../src/sync/planning/plan-run.ts';
import { advanceRun, failRun } from '../../../src/sync/runs/advance-run.ts';
import { acquireRun } from '../../../src/sync/runs/run-lease.ts';
import { startRun } from '../../../src/sync/runs/start-run.ts';
import type { Office } from '../../support/test-environment.ts';
import { openOffice } from '../../support/test-environment.ts';

const KEY = 'bclinbc';

describe('the lease', () => {
  let office: Office;
  beforeEach(async () => {
    office = await openOffice();
  });
  afterEach(() => office.close());

  it('lets one of two runs work that are asked for at once; the other is logged as skipped', async () => {
    office.odoo.faults.latencyMs = 30;
    const runs = [await office.request('full'), await office.request('full')];
    await office.work();
    const ended = await Promise.all(runs.map(office.ended));
    expect(ended.map((run) => run.status).sort()).toEqual(['skipped', 'success']);
    expect(ended.find((run) => run.status === 'skipped')?.errorMessage).toContain('still in progress');
  });

  it('is granted to no other run before it expired, and with a higher token afterwards', async () => {
    const first = await grantLease(office.mirror.db, KEY, 1, 60_000);
    expect(await grantLease(office.mirror.db, KEY, 2, 60_000)).toBeNull();
    await heartbeat(office.mirror.db, KEY, first ?? 0, -1000);
    expect(await grantLease(office.mirror.db, KEY, 2, 60_000)).toBe((first ?? 0) + 1);
  });

  it('cannot be kept alive or given back with an old token', async () => {
    const first = (await grantLease(office.mirror.db, KEY, 1, -1000)) ?? 0;
    const second = (await grantLease(office.mirror.db, KEY, 2, 60_000)) ?? 0;
    expect(await heartbeat(office.mirror.db, KEY, first, 60_000)).toBe(false);
    await releaseLease(office.mirror.db, KEY, { runId: 1, token: first }, {});
    await releaseLease(office.mirror.db, KEY, { runId: 2, token: first }, {});
    expect(await readState(office.mirror.db, KEY)).toMatchObject({
      held: true,
      leaseRunId: 2,
      leaseToken: second,
    });
  });

  it('is free again after a run that failed while planning', async () => {
    office.odoo.faults.when({ method: 'search' }, 'user_error');
    await office.work();
    expect(await office.run('full')).toMatchObject({ status: 'failed', errorCode: 'odoo_application_error' });
    expect(await readState(office.mirror.db, KEY)).toMatchObject({
      held: false,
      isSyncing: false,
      lastSync: null,
    });
  });

  it('is free again after a run whose pages failed for good, and the next run covers its open items', async () => {
    office.odoo.faults.when({ method: 'read' }, 'error500');
    await office.work();
    expect(await office.run('full')).toMatchObject({ status: 'failed' });
    expect(await readState(office.mirror.db, KEY)).toMatchObject({
      held: false,
      isSyncing: false,
      lastSync: null,
    });
    office.odoo.faults.clear();
    expect(await office.run('incremental')).toMatchObject({ status: 'success', mode: 'full' });
  });

  it('is never granted to a run that is over', async () => {
    await office.work();
    const run = await office.run('full');
    expect(await acquireRun(office.mirror, run.id)).toBeNull();
    expect(await readState(office.mirror.db, KEY)).toMatchObject({ held: false, isSyncing: false });
  });

  it('keeps a holder that lost it from ending the run of the next one', async () => {
    const runId = await office.request('full');
    const first = await acquireRun(office.mirror, runId);
    await heartbeat(office.mirror.db, KEY, first?.leaseToken ?? 0, -1000);
    const second = await acquireRun(office.mirror, runId);
    await failRun(office.mirror, runId, first?.leaseToken ?? 0, new Error('too late'));
    expect(await findRun(office.mirror.db, runId)).toMatchObject({ status: 'running', finishedAt: null });
    expect(await readState(office.mirror.db, KEY)).toMatchObject({
      held: true,
      leaseToken: second?.leaseToken,
    });
  });

  it('keeps a planner that lost it from touching the plan of the next one', async () => {
    const runId = await office.request('full');
    const first = await acquireRun(office.mirror, runId);
    await heartbeat(office.mirror.db, KEY, first?.leaseToken ?? 0, -1000);
    const second = await acquireRun(office.mirror, runId);
    if (first === null || second === null) throw new Error('both were to be granted');
    await planRun(office.mirror, second);
    await expect(planRun(office.mirror, first)).rejects.toMatchObject({ code: 'lease_lost' });
    await advanceRun(office.mirror, runId);
    await office.work();
    expect(await office.ended(runId)).toMatchObject({
      status: 'success',
      created: office.odoo.count('dimagaz.bc'),
    });
  });

  it('stays with a run whose job is delivered a second time, which ends nothing', async () => {
    const queued = await createRun(office.mirror.db, { key: KEY, mode: 'full', trigger: 'schedule' });
    const held = await acquireRun(office.mirror, queued.id);
    await startRun(office.mirror, queued);
    expect(await findRun(office.mirror.db, queued.id)).toMatchObject({ status: 'running', finishedAt: null });
    expect(await readState(office.mirror.db, KEY)).toMatchObject({ leaseToken: held?.leaseToken });
  });
});
