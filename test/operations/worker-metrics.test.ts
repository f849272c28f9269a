import { createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freePort } from '../../src/embedded/ports.ts';
import type { TestSetup } from '../support/test-setup.ts';
import { openTestSetup } from '../support/test-setup.ts';
import { waitFor } from '../support/wait-for.ts';
import type { WorkerProcess } from '../support/worker-process.ts';
import { startWorkerProcess } from '../support/worker-process.ts';
import { figure } from './samples.ts';

describe('a worker with METRICS_PORT', () => {
  let setup: TestSetup;
  let port: number;
  let started: WorkerProcess[] = [];
  beforeEach(async () => {
    setup = await openTestSetup({
      sandbox: { documents: 60 },
      env: { SYNC_PAGE_SIZE: '20', LOG_LEVEL: 'info' },
    });
    port = await freePort();
  });
  afterEach(async () => {
    for (const { child } of started) child.kill('SIGKILL');
    started = [];
    await setup.close();
  });

  const worker = (env: Record<string, string> = {}) => {
    const one = startWorkerProcess({ ...setup.env, METRICS_PORT: String(port), ...env });
    started.push(one);
    return one;
  };
  const ask = async (path: string, headers: Record<string, string> = {}) => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, { headers });
    return { status: answer.status, text: await answer.text() };
  };
  const up = () =>
    waitFor(async () => (await ask('/healthz').catch(() => null))?.status === 200, 'the worker to listen');

  it('counts the runs, BCs, lines, jobs and calls that are its own', async () => {
    worker();
    await up();
    expect(
      figure((await ask('/metrics')).text, 'passerelle_runs_total', { mode: 'full', status: 'success' }),
    ).toBe(0);
    const run = await setup.run('full');
    await setup.run('incremental');
    const text = await waitFor(async () => {
      const scraped = (await ask('/metrics')).text;
      return (
        figure(scraped, 'passerelle_runs_total', { mode: 'incremental', status: 'success' }) === 1 && scraped
      );
    }, 'both runs to be counted');
    expect(figure(text, 'passerelle_runs_total', { mode: 'full', status: 'success' })).toBe(1);
    expect(figure(text, 'passerelle_run_duration_seconds_count', { mode: 'full' })).toBe(1);
    expect(figure(text, 'passerelle_documents_total', { outcome: 'created' })).toBe(run.created);
    expect(figure(text, 'passerelle_documents_total', { outcome: 'failed' })).toBe(0);
    expect(figure(text, 'passerelle_lines_total', { outcome: 'seen' })).toBe(run.linesSeen);
    expect(figure(text, 'passerelle_late_changes_total')).toBe(0);
    const jobs = 'passerelle_job_duration_seconds_count';
    expect(figure(text, jobs, { queue: 'bc', outcome: 'completed' })).toBe(60);
    expect(figure(text, jobs, { queue: 'pages', outcome: 'completed' })).toBe(3);
    const calls = { server: 'odoo', method: 'search_read', outcome: 'success' };
    expect(figure(text, 'passerelle_rpc_duration_seconds_count', calls)).toBeGreaterThan(0);
  });

  it('counts a run that fails, and one that was not let', async () => {
    worker();
    await up();
    setup.odoo.faults.when({ method: 'search' }, 'error500');
    await setup.run('full');
    await waitFor(async () => {
      const { text } = await ask('/metrics');
      return figure(text, 'passerelle_runs_total', { mode: 'full', status: 'failed' }) === 1;
    }, 'the failed run');
    await setup.mirror.db.execute(
      `update sync_state set lease_run_id = 999, lease_expires_at = now() + interval '1 hour'`,
    );
    await setup.run('full');
    await waitFor(async () => {
      const { text } = await ask('/metrics');
      return figure(text, 'passerelle_runs_total', { mode: 'full', status: 'skipped' }) === 1;
    }, 'the skipped run');
  });

  it('is ready while PostgreSQL, the migrations and Redis are there, and names the missing ones', async () => {
    worker();
    await up();
    expect(await ask('/readyz')).toEqual({ status: 200, text: '{"status":"ready"}' });
    await setup.mirror.db.execute('alter table drizzle.__drizzle_migrations rename to hidden');
    const { status, text } = await ask('/readyz');
    expect(status).toBe(503);
    expect(JSON.parse(text)).toMatchObject({ status: 'not_ready' });
    expect((await ask('/healthz')).status).toBe(200);
    expect((await ask('/elsewhere')).status).toBe(404);
  });

  it('asks for METRICS_TOKEN where there is one; probes stay open', async () => {
    worker({ METRICS_TOKEN: 'only-for-prometheus' });
    await up();
    expect((await ask('/metrics')).status).toBe(401);
    expect((await ask('/metrics', { authorization: 'Bearer only-for-prometheus' })).status).toBe(200);
    expect((await ask('/readyz')).status).toBe(200);
  });

  it('listens where there is no Odoo, too: a probe must not restart it for ever', async () => {
    worker({ ODOO_URL: '' });
    await up();
    expect((await ask('/readyz')).status).toBe(200);
  });

  it('does not start on a port that is taken, and says so', async () => {
    const taken = createServer();
    await new Promise<void>((done) => taken.listen(port, '127.0.0.1', done));
    const { exit, output } = worker();
    expect(await exit).toBe(1);
    expect(output()).toContain(`METRICS_PORT ${port}`);
    taken.close();
  });
});
