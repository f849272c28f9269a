import type { ChildProcess } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { grantLease, releaseLease } from '../../../src/db/runs/lease.ts';
import { createRun, updateRun } from '../../../src/db/runs/runs.ts';
import type { TestSetup } from '../../support/test-setup.ts';
import { openTestSetup } from '../../support/test-setup.ts';
import { waitFor } from '../../support/wait-for.ts';
import { startWorkerProcess } from '../../support/worker-process.ts';

const BC = 'dimagaz.bc';

describe('a sweep in a worker process', () => {
  let setup: TestSetup;
  let children: ChildProcess[] = [];
  beforeEach(async () => {
    setup = await openTestSetup({
      sandbox: { documents: 200 },
      env: { SYNC_PAGE_SIZE: '2', SYNC_PAGES_IN_FLIGHT: '1', SYNC_LEASE: '5s', QUEUE_LOCK: '5s' },
    });
  });
  afterEach(async () => {
    for (const child of children) child.kill('SIGKILL');
    children = [];
    await setup.close();
  });

  const worker = (env: Record<string, string> = {}) => {
    const started = startWorkerProcess({ ...setup.env, ...env });
    children.push(started.child);
    return started;
  };
  const count = async (query: string) => {
    const [row] = await setup.database.client.unsafe(`select count(*)::int as n from ${query}`);
    return row?.['n'] ?? 0;
  };

  const running = async (run: number) =>
    (await count(`sync_log where id = ${run} and status = 'running'`)) === 1;

  it.each([
    [
      'comparing',
      (run: number) =>
        `sync_run_item join sync_log on id = run_id where run_id = ${run} and planned_at is null`,
    ],
    ['looking again', (run: number) => `sync_run_item where run_id = ${run} and state = 'gone'`],
  ])('may be killed while %s: another worker ends it, and each BC is archived once', async (_, query) => {
    const stop = await setup.work();
    await setup.run('full');
    await stop();
    const gone = setup.odoo.ids(BC).slice(0, 30);
    setup.odoo.erase(BC, gone);
    setup.odoo.faults.latencyMs = 50;
    const runId = await setup.request('sweep');
    const first = worker();
    await waitFor(async () => (await count(query(runId))) > 0, 'the sweep to be under way');
    first.child.kill('SIGKILL');
    await first.exit;
    // BullMQ would deliver the job of the dead worker again, half a minute later.
    await setup.mirror.queues.sync.obliterate({ force: true });
    expect(await running(runId)).toBe(true);
    expect(await count('scrap_dimagaz_bc where archived_at is not null')).toBe(0);
    setup.odoo.faults.latencyMs = 0;
    worker();
    expect(await setup.ended(runId)).toMatchObject({ status: 'success', archived: 30, gone: 0 });
    expect(await count(`audit_log where action = 'archived'`)).toBe(30);
    expect(await count('scrap_dimagaz_bc where archived_at is not null')).toBe(30);
  });

  it('starts by itself, and waits while another run has the lease', async () => {
    const { db } = setup.mirror;
    const holder = await createRun(db, { key: 'bclinbc', mode: 'full', trigger: 'api' });
    const leaseToken = (await grantLease(db, 'bclinbc', holder.id, 600_000)) ?? 0;
    await updateRun(db, holder.id, { status: 'running', leaseToken });
    worker({ SWEEP_EVERY: '20s' });
    // The one that came back, and the next one.
    await waitFor(async () => (await setup.mirror.queues.sync.getDelayedCount()) > 1, 'the sweep to wait');
    const sweeps = `sync_log where mode = 'sweep'`;
    expect(await count(sweeps)).toBe(0);
    await updateRun(db, holder.id, { status: 'failed' });
    await releaseLease(db, 'bclinbc', { runId: holder.id, token: leaseToken }, { lastSync: new Date() });
    const ended = `${sweeps} and status = 'success' and trigger = 'schedule'`;
    await waitFor(async () => (await count(ended)) > 0, 'a scheduled sweep');
    expect(await count(`${sweeps} and status = 'skipped'`)).toBe(0);
  });

  it('waits like a nightly full run, which is not delayed by a day when the lease is taken', async () => {
    const { db, queues } = setup.mirror;
    const holder = await createRun(db, { key: 'bclinbc', mode: 'incremental', trigger: 'api' });
    const leaseToken = (await grantLease(db, 'bclinbc', holder.id, 600_000)) ?? 0;
    await updateRun(db, holder.id, { status: 'running', leaseToken });
    worker({ FULL_SYNC_CRON: '0 3 1 1 *' });
    // As its schedule makes it.
    const jobId = `repeat:full:${Date.now()}`;
    await queues.sync.add('run', { mode: 'full', trigger: 'schedule' }, { jobId, attempts: 1 });
    const fulls = `sync_log where mode = 'full'`;
    await waitFor(
      async () => (await queues.sync.getJobState(jobId)) === 'delayed' || (await count(fulls)) > 0,
      'the full run to wait',
    );
    expect(await count(fulls)).toBe(0);
    await updateRun(db, holder.id, { status: 'failed' });
    await releaseLease(db, 'bclinbc', { runId: holder.id, token: leaseToken }, { lastSync: new Date() });
    await waitFor(async () => (await count(`${fulls} and status = 'success'`)) > 0, 'the full run');
  });
});
