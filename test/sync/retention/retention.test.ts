import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { prune } from '../../../src/sync/maintenance/prune.ts';
import type { TestMirror, TestSetup } from '../../support/test-setup.ts';
import { openTestSetup } from '../../support/test-setup.ts';
import { waitFor } from '../../support/wait-for.ts';
import { startWorkerProcess } from '../../support/worker-process.ts';

const BC = 'dimagaz.bc';

describe('retention', () => {
  let setup: TestSetup;
  beforeEach(async () => {
    setup = await openTestSetup({
      env: {
        ...{ SYNC_PAGE_SIZE: '8', SYNC_PAGES_IN_FLIGHT: '1' },
        ...{ RETAIN_RUNS: '30d', RETAIN_ITEMS: '7d', RETAIN_AUDIT: '60d' },
        ...{ RETAIN_COMPLETED_JOBS: '5', RETAIN_FAILED_JOBS: '2' },
      },
    });
  });
  afterEach(() => setup.close());

  const age = (days: number) =>
    setup.database.client.unsafe(`
      update sync_log set finished_at = finished_at - interval '${days} days';
      update audit_log set at = at - interval '${days} days'`);
  const count = async (rows: string) => {
    const [row] = await setup.database.client.unsafe(`select count(*)::int as n from ${rows}`);
    return row?.['n'];
  };
  const jobs = ({ mirror }: TestMirror) => mirror.queues.bc.getJobCounts('completed', 'failed');

  it('leaves a failed run what the next one takes over', async () => {
    await setup.work();
    setup.odoo.faults.latencyMs = 10;
    const runId = await setup.request('full');
    await waitFor(async () => (await count(`sync_run_item where state <> 'open'`)) >= 16, 'half of the run');
    setup.odoo.faults.when({}, 'unavailable');
    expect(await setup.ended(runId)).toMatchObject({ status: 'failed' });
    setup.odoo.faults.clear();
    const owed = await count(`sync_run_item where state = 'open'`);
    await age(40);
    expect(await prune(setup.mirror)).toMatchObject({ items: 0, runs: 0 });
    expect(await setup.run('incremental')).toMatchObject({
      ...{ status: 'success', continues: runId, planned: owed, created: owed },
    });
    expect(await prune(setup.mirror)).toMatchObject({ items: 40 });
    expect(await count('scrap_dimagaz_bc')).toBe(40);
  });

  it('forgets old runs, whose changes stay in the history, and whose jobs can still be retried', async () => {
    const [bad = 0] = setup.odoo.ids(BC);
    const allow = setup.odoo.faults.denyRecord(BC, bad);
    await setup.work();
    const old = await setup.run('full');
    await setup.run('full');
    allow();
    await setup.run('incremental');
    await age(40);
    expect(await prune(setup.mirror)).toMatchObject({ runs: 1, items: 80, audit: 0 });
    expect(await count('audit_log')).toBe(39);
    const job = await setup.mirror.queues.bc.getJob(`bc-${old.id}-${bad}-0`);
    await job?.retry('failed');
    await waitFor(async () => (await count('scrap_dimagaz_bc')) === 40, 'the BC to be stored');
    expect(await count(`sync_failure where resolved_at is null`)).toBe(0);
    await age(30);
    expect(await prune(setup.mirror)).toMatchObject({ audit: 39 });
  });

  it('keeps as many ended jobs in Redis as the settings say, and none where that is 0', async () => {
    for (const id of setup.odoo.ids(BC).slice(0, 4)) setup.odoo.faults.denyRecord(BC, id);
    await setup.work();
    expect(await setup.run('full')).toMatchObject({ status: 'partial', failed: 4 });
    await waitFor(async () => (await setup.mirror.queues.bc.getActiveCount()) === 0, 'the last job to end');
    expect(await jobs(setup)).toEqual({ completed: 5, failed: 2 });
    const none = setup.also({
      ...{ RETAIN_COMPLETED_JOBS: '0', RETAIN_FAILED_JOBS: '0' },
      QUEUE_PREFIX: setup.env['QUEUE_PREFIX'] ?? '',
    });
    expect((await prune(none.mirror)).jobs).toBeGreaterThanOrEqual(7);
    expect(await jobs(setup)).toEqual({ completed: 0, failed: 0 });
    const other = setup.also({ RETAIN_COMPLETED_JOBS: '0', RETAIN_FAILED_JOBS: '0' });
    await other.work();
    expect(await other.run('full')).toMatchObject({ status: 'partial', failed: 4 });
    await waitFor(async () => (await other.mirror.queues.bc.getActiveCount()) === 0, 'the last job to end');
    expect(await jobs(other)).toEqual({ completed: 0, failed: 0 });
  });

  it('is looked after by the workers, whose watchdog brings back a schedule that was lost', async () => {
    await setup.work();
    await setup.run('full');
    await setup.run('full');
    await age(40);
    const { queues } = setup.mirror;
    const worker = startWorkerProcess({ ...setup.env, PRUNE_EVERY: '1h', LOG_LEVEL: 'info' });
    try {
      await waitFor(() => worker.output().includes('"msg":"pruned"'), 'the first prune');
      expect(worker.output()).toMatch(/"items":40,"runs":1,.*"msg":"pruned"/);
      await queues.upkeep.obliterate({ force: true });
      await waitFor(
        async () => (await queues.upkeep.getJobSchedulersCount()) === 1,
        'the schedule to be back',
      );
    } finally {
      worker.child.kill('SIGTERM');
      await worker.exit;
    }
  });

  it('no longer starts by itself once it is switched off', async () => {
    const { queues } = setup.mirror;
    await queues.upkeep.upsertJobScheduler('prune', { every: 3_600_000 }, { name: 'prune' });
    const worker = startWorkerProcess({ ...setup.env, PRUNE_EVERY: 'off' });
    try {
      await waitFor(async () => (await queues.upkeep.getJobSchedulersCount()) === 0, 'the schedule to go');
    } finally {
      worker.child.kill('SIGTERM');
      await worker.exit;
    }
  });
});
