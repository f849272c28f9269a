import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Office } from '../harness/office.ts';
import { openOffice } from '../harness/office.ts';
import { until } from '../harness/until.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const BC = 'dimagaz.bc';

describe('a sweep in a worker process', () => {
  let office: Office;
  let children: ChildProcess[] = [];
  beforeEach(async () => {
    office = await openOffice({
      sandbox: { documents: 200 },
      env: { SYNC_PAGE_SIZE: '2', SYNC_PAGES_IN_FLIGHT: '1', SYNC_LEASE: '5s' },
    });
  });
  afterEach(async () => {
    for (const child of children) child.kill('SIGKILL');
    children = [];
    await office.close();
  });

  const worker = (env: Record<string, string> = {}) => {
    const child = spawn(process.execPath, ['--import', 'tsx', 'workers/main.ts'], {
      cwd: ROOT,
      env: { ...process.env, ...office.env, ...env },
    });
    children.push(child);
    return { child, exit: new Promise((done) => child.once('exit', done)) };
  };
  const count = async (query: string) => {
    const [row] = await office.database.client.unsafe(`select count(*)::int as n from ${query}`);
    return row?.['n'] ?? 0;
  };

  it.each([
    [
      'comparing',
      (run: number) =>
        `sync_run_item join sync_log on id = run_id where run_id = ${run} and planned_at is null`,
    ],
    ['looking again', (run: number) => `sync_run_item where run_id = ${run} and state = 'gone'`],
  ])('may be killed while %s: another worker ends it, and each BC is archived once', async (_, query) => {
    const stop = await office.work();
    await office.run('full');
    await stop();
    const gone = office.odoo.ids(BC).slice(0, 30);
    office.odoo.erase(BC, gone);
    office.odoo.faults.latencyMs = 50;
    const runId = await office.request('sweep');
    const first = worker();
    await until(async () => (await count(query(runId))) > 0, 'the sweep to be under way');
    first.child.kill('SIGKILL');
    await first.exit;
    expect(await count(`sync_log where id = ${runId} and status = 'running'`)).toBe(1);
    expect(await count('scrap_dimagaz_bc where archived_at is not null')).toBe(0);
    office.odoo.faults.latencyMs = 0;
    worker();
    expect(await office.ended(runId)).toMatchObject({ status: 'success', archived: 30, gone: 0 });
    expect(await count(`audit_log where action = 'archived'`)).toBe(30);
    expect(await count('scrap_dimagaz_bc where archived_at is not null')).toBe(30);
  });

  it('starts by itself, and waits for the lease that an incremental run of the same moment has', async () => {
    office.odoo.faults.latencyMs = 20;
    worker({ SYNC_EVERY: '1s', SWEEP_EVERY: '60s', FULL_SYNC_CRON: 'off', SYNC_PAGE_SIZE: '50' });
    await until(() => count(`sync_log where mode = 'sweep' and status = 'success'`), 'a scheduled sweep');
  });
});
