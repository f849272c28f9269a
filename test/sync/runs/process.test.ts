import type { ChildProcess } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TestSetup } from '../../support/test-setup.ts';
import { openTestSetup } from '../../support/test-setup.ts';
import { waitFor } from '../../support/wait-for.ts';
import { startWorkerProcess } from '../../support/worker-process.ts';

describe('the worker process', () => {
  let setup: TestSetup;
  let children: ChildProcess[] = [];
  beforeEach(async () => {
    setup = await openTestSetup({
      sandbox: { documents: 200 },
      env: { SYNC_PAGE_SIZE: '20', SYNC_LEASE: '5s', QUEUE_LOCK: '5s', LOG_LEVEL: 'info' },
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
  const items = async (where: string) => {
    const [row] = await setup.database.client`
      select count(*)::int as n from sync_run_item where ${setup.database.client.unsafe(where)}`;
    return row?.['n'] ?? 0;
  };

  it('may be killed in the middle of a run: another one ends it, and nothing is counted twice', async () => {
    setup.odoo.faults.latencyMs = 100;
    const runId = await setup.request('full');
    const first = worker();
    await waitFor(async () => (await items(`state <> 'open'`)) > 20, 'the run to be under way');
    first.child.kill('SIGKILL');
    await first.exit;
    expect(await items(`state = 'open'`)).toBeGreaterThan(0);
    worker();
    const run = await setup.ended(runId);
    const bcs = setup.odoo.count('dimagaz.bc');
    expect(run).toMatchObject({ status: 'success', seen: bcs, created: bcs });
    const [audit] = await setup.database
      .client`select count(*)::int as n, count(distinct odoo_id)::int as bcs from audit_log`;
    expect(audit).toEqual({ n: bcs, bcs });
  });

  it('stops on SIGTERM with exit code 0, and leaves a run that the next worker ends', async () => {
    setup.odoo.faults.latencyMs = 50;
    const runId = await setup.request('full');
    const first = worker();
    await waitFor(async () => (await items(`state <> 'open'`)) > 0, 'the run to be under way');
    first.child.kill('SIGTERM');
    expect(await first.exit).toBe(0);
    worker();
    expect(await setup.ended(runId)).toMatchObject({
      status: 'success',
      created: setup.odoo.count('dimagaz.bc'),
    });
  });

  it('cuts off at the deadline what does not end, with exit code 1; the next worker takes it up again', async () => {
    setup.odoo.faults.when({ method: 'read', model: 'dimagaz.bc' }, 'hang', 1);
    const runId = await setup.request('full');
    const first = worker({ SHUTDOWN_DEADLINE: '1s' });
    await waitFor(() => setup.odoo.faults.taken.get('hang') === 1, 'a page that hangs');
    first.child.kill('SIGTERM');
    expect(await first.exit).toBe(1);
    expect(first.output()).toContain('"deadlineMs":1000');
    worker();
    const bcs = setup.odoo.count('dimagaz.bc');
    expect(await setup.ended(runId)).toMatchObject({ status: 'success', seen: bcs, created: bcs });
  });

  it('starts incremental runs by itself, and a full one first', async () => {
    worker({ SYNC_EVERY: '1s' });
    const modes = await waitFor(async () => {
      const rows = await setup.database
        .client`select mode from sync_log where status = 'success' order by id limit 2`;
      return rows.length === 2 && rows.map((row) => row['mode']);
    }, 'two scheduled runs');
    expect(modes).toEqual(['full', 'incremental']);
  });

  it('warns of an overlap that is shorter than a minute', async () => {
    const { output } = worker({ SYNC_OVERLAP: '30s' });
    await waitFor(() => output().includes('worker started'), 'the start');
    expect(output()).toContain('SYNC_OVERLAP is shorter than a minute');
  });

  it('names the faults of its environment at once, and exits with 2', async () => {
    const { exit, output } = worker({ SYNC_EVERY: 'soon', ODOO_URL: '', DATABASE_URL: '' });
    expect(await exit).toBe(2);
    expect(output()).toContain('SYNC_EVERY');
    expect(output()).toContain('DATABASE_URL');
  });

  it('writes no secret into its log', async () => {
    const { output } = worker({ LOG_LEVEL: 'trace', ODOO_PASSWORD: 'tres-secret-42' });
    const runId = await setup.request('full');
    expect(await setup.ended(runId)).toMatchObject({ status: 'failed', errorCode: 'odoo_bad_credentials' });
    await waitFor(() => output().includes('run failed'), 'the run in the log');
    expect(output()).not.toContain('tres-secret-42');
  });
});
