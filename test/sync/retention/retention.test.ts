import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { prune } from '../../../src/sync/maintenance/prune.ts';
import type { Desk, Office } from '../../support/test-environment.ts';
import { openOffice } from '../../support/test-environment.ts';
import { until } from '../../support/wait-for.ts';
import { startWorkerProcess } from '../../support/worker-process.ts';

const BC = 'dimagaz.bc';

describe('retention', () => {
  let office: Office;
  beforeEach(async () => {
    office = await openOffice({
      env: {
        ...{ SYNC_PAGE_SIZE: '8', SYNC_PAGES_IN_FLIGHT: '1' },
        ...{ RETAIN_RUNS: '30d', RETAIN_ITEMS: '7d', RETAIN_AUDIT: '60d' },
        ...{ RETAIN_COMPLETED_JOBS: '5', RETAIN_FAILED_JOBS: '2' },
      },
    });
  });
  afterEach(() => office.close());

  const age = (days: number) =>
    office.database.client.unsafe(`
      update sync_log set finished_at = finished_at - interval '${days} days';
      update audit_log set at = at - interval '${days} days'`);
  const count = async (rows: string) => {
    const [row] = await office.database.client.unsafe(`select count(*)::int as n from ${rows}`);
    return row?.['n'];
  };
  const jobs = ({ mirror }: Desk) => mirror.queues.bc.getJobCounts('completed', 'failed');

  it('leaves a failed run what the next one takes over', async () => {
    await office.work();
    office.odoo.faults.latencyMs = 10;
    const runId = await office.request('full');
    await until(async () => (await count(`sync_run_item where state <> 'open'`)) >= 16, 'half of the run');
    office.odoo.faults.when({}, 'unavailable');
    expect(await office.ended(runId)).toMatchObject({ status: 'failed' });
    office.odoo.faults.clear();
    const owed = await count(`sync_run_item where state = 'open'`);
    await age(40);
    expect(await prune(office.mirror)).toMatchObject({ items: 0, runs: 0 });
    expect(await office.run('incremental')).toMatchObject({
      ...{ status: 'success', continues: runId, planned: owed, created: owed },
    });
    expect(await prune(office.mirror)).toMatchObject({ items: 40 });
    expect(await count('scrap_dimagaz_bc')).toBe(40);
  });

  it('forgets old runs, whose changes stay in the history, and whose jobs can still be retried', async () => {
    const [bad = 0] = office.odoo.ids(BC);
    const allow = office.odoo.faults.denyRecord(BC, bad);
    await office.work();
    const old = await office.run('full');
    await office.run('full');
    allow();
    await office.run('incremental');
    await age(40);
    expect(await prune(office.mirror)).toMatchObject({ runs: 1, items: 80, audit: 0 });
    expect(await count('audit_log')).toBe(39);
    const job = await office.mirror.queues.bc.getJob(`bc-${old.id}-${bad}-0`);
    await job?.retry('failed');
    await until(async () => (await count('scrap_dimagaz_bc')) === 40, 'the BC to be stored');
    expect(await count(`sync_failure where resolved_at is null`)).toBe(0);
    await age(30);
    expect(await prune(office.mirror)).toMatchObject({ audit: 39 });
  });

  it('keeps as many ended jobs in Redis as the settings say, and none where that is 0', async () => {
    for (const id of office.odoo.ids(BC).slice(0, 4)) office.odoo.faults.denyRecord(BC, id);
    await office.work();
    expect(await office.run('full')).toMatchObject({ status: 'partial', failed: 4 });
    await until(async () => (await office.mirror.queues.bc.getActiveCount()) === 0, 'the last job to end');
    expect(await jobs(office)).toEqual({ completed: 5, failed: 2 });
    const none = office.also({
      ...{ RETAIN_COMPLETED_JOBS: '0', RETAIN_FAILED_JOBS: '0' },
      QUEUE_PREFIX: office.env['QUEUE_PREFIX'] ?? '',
    });
    expect((await prune(none.mirror)).jobs).toBeGreaterThanOrEqual(7);
    expect(await jobs(office)).toEqual({ completed: 0, failed: 0 });
    const other = office.also({ RETAIN_COMPLETED_JOBS: '0', RETAIN_FAILED_JOBS: '0' });
    await other.work();
    expect(await other.run('full')).toMatchObject({ status: 'partial', failed: 4 });
    await until(async () => (await other.mirror.queues.bc.getActiveCount()) === 0, 'the last job to end');
    expect(await jobs(other)).toEqual({ completed: 0, failed: 0 });
  });

  it('is looked after by the workers, whose watchdog brings back a schedule that was lost', async () => {
    await office.work();
    await office.run('full');
    await office.run('full');
    await age(40);
    const { queues } = office.mirror;
    const worker = startWorkerProcess({ ...office.env, PRUNE_EVERY: '1h', LOG_LEVEL: 'info' });
    try {
      await until(() => worker.output().includes('"msg":"pruned"'), 'the first prune');
      expect(worker.output()).toMatch(/"items":40,"runs":1,.*"msg":"pruned"/);
      await queues.upkeep.obliterate({ force: true });
      await until(async () => (await queues.upkeep.getJobSchedulersCount()) === 1, 'the schedule to be back');
    } finally {
      worker.child.kill('SIGTERM');
      await worker.exit;
    }
  });

  it('no longer starts by itself once it is switched off', async () => {
    const { queues } = office.mirror;
    await queues.upkeep.upsertJobScheduler('prune', { every: 3_600_000 }, { name: 'prune' });
    const worker = startWorkerProcess({ ...office.env, PRUNE_EVERY: 'off' });
    try {
      await until(async () => (await queues.upkeep.getJobSchedulersCount()) === 0, 'the schedule to go');
    } finally {
      worker.child.kill('SIGTERM');
      await worker.exit;
    }
  });
});
