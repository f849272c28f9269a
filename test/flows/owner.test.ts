import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findRun } from '../../src/db/runs.ts';
import { startApiProcess } from '../harness/api-process.ts';
import type { Office } from '../harness/office.ts';
import { openOffice } from '../harness/office.ts';
import type { OwnProcess } from '../harness/own-process.ts';
import { startProcess } from '../harness/own-process.ts';
import { redisUrl } from '../harness/redis.ts';
import { until } from '../harness/until.ts';
import { startWorkerProcess } from '../harness/worker-process.ts';

describe('two installations on one Redis prefix', () => {
  let first: Office;
  let second: Office;
  let redis: Redis;
  let prefix: string;
  let message: string;
  let processes: OwnProcess[] = [];
  beforeEach(async () => {
    first = await openOffice({ env: { LOG_LEVEL: 'info' } });
    prefix = first.env['QUEUE_PREFIX'] ?? '';
    const url = new URL(redisUrl());
    second = await openOffice({ env: { LOG_LEVEL: 'info', QUEUE_PREFIX: prefix } });
    redis = new Redis(redisUrl());
    message =
      `Redis prefix ${prefix} at redis://${url.host}${url.pathname === '/' ? '' : url.pathname} belongs to another ` +
      `installation. Set another QUEUE_PREFIX, or delete the key ${prefix}:owner if that installation no longer exists.`;
  });
  afterEach(async () => {
    for (const { child } of processes) child.kill('SIGKILL');
    await Promise.all(processes.map(({ exit }) => exit));
    processes = [];
    redis.disconnect();
    await first.close();
    await second.close();
  });

  const started = <Process extends OwnProcess>(process: Process): Process => {
    processes.push(process);
    return process;
  };
  const worker = (office: Office) => started(startWorkerProcess(office.env));
  const api = (office: Office) => started(startApiProcess(office.env));
  const cli = (office: Office, ...argv: string[]) =>
    started(startProcess('src/cli/main.ts', { ...office.env, LOG_LEVEL: 'silent' }, argv));
  const working = (process: OwnProcess) =>
    until(
      () =>
        process.output().includes('worker started') || (process.child.exitCode !== null && process.output()),
      'the worker to start',
    );
  /** Exit code and output; a process that starts is not waited for. */
  const refusal = async (process: OwnProcess) => {
    const { child, output } = process;
    const starts = () => /"msg":"(worker started|listening)"/.test(output());
    await until(() => child.exitCode !== null || starts(), 'the process to exit or to start');
    return [child.exitCode, output()];
  };

  it('the second one is refused by worker, API and CLI, and starts after the owner key was deleted', async () => {
    const own = worker(first);
    await working(own);
    const others = [worker(second), api(second), cli(second, 'status'), cli(second, 'sync')];
    for (const process of others) {
      const [code, output] = await refusal(process);
      expect([code, output]).toEqual([2, expect.stringContaining(message)]);
      expect(output).not.toContain('"msg":"listening"');
    }
    const run = await first.run('full');
    expect(run).toMatchObject({ status: 'success', created: first.odoo.count('dimagaz.bc') });

    own.child.kill('SIGTERM');
    expect(await own.exit).toBe(0);
    await redis.del(`${prefix}:owner`);
    const status = cli(second, 'status');
    expect([await status.exit, status.output()]).toEqual([0, expect.stringContaining('State')]);
    const other = worker(second);
    await working(other);
    expect(other.output()).toContain('worker started');
    await api(second).listening();
    expect(await second.run('full')).toMatchObject({ status: 'success' });
  });

  it('processes of one installation start at once, before there is an owner', async () => {
    const workers = [worker(first), worker(first)];
    const apis = [api(first), api(first)];
    for (const process of workers) await working(process);
    for (const process of apis) expect(await process.listening()).toMatch(/^http/);
    for (const process of workers) expect(process.output()).toContain('worker started');
    const rows = await first.database.client`select mirror_id from sync_state`;
    expect(rows).toHaveLength(1);
    expect(await redis.get(`${prefix}:owner`)).toMatch(
      new RegExp(`^${rows[0]?.['mirror_id']}:[0-9a-f]{12}$`),
    );
  });

  it('a worker and an API set the owner key again when it is lost, and stop when it names another', async () => {
    const own = worker(first);
    await working(own);
    const gateway = api(first);
    const url = await gateway.listening();
    const owner = await redis.get(`${prefix}:owner`);
    await redis.del(`${prefix}:owner`);
    await until(async () => (await redis.get(`${prefix}:owner`)) === owner, 'the owner key');
    // A page in progress must not delay the end: what it queues would enter the queues of another installation.
    first.odoo.faults.when({ method: 'read', model: 'dimagaz.bc' }, 'hang', 1);
    const runId = await first.request('full');
    await until(() => first.odoo.faults.taken.get('hang') === 1, 'a page that hangs');
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    await redis.set(`${prefix}:owner`, 'of another installation');
    for (const process of [own, gateway]) {
      expect([await process.exit, process.output()]).toEqual([2, expect.stringContaining(message)]);
    }
    expect((await findRun(first.mirror.db, runId))?.status).toBe('running');
  });
});
