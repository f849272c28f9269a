import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findRun } from '../../../src/db/runs/runs.ts';
import { commandIn } from '../../cli/passerelle.ts';
import { startApiProcess } from '../../support/api-process.ts';
import type { OwnProcess } from '../../support/own-process.ts';
import { redisUrl } from '../../support/redis.ts';
import type { TestSetup } from '../../support/test-setup.ts';
import { openTestSetup } from '../../support/test-setup.ts';
import { waitFor } from '../../support/wait-for.ts';
import { startWorkerProcess } from '../../support/worker-process.ts';
import { startRedisProxy } from '../../tryton/cache/redis-proxy.ts';

type Command = ReturnType<typeof commandIn>;

describe('two installations on one Redis prefix', () => {
  let first: TestSetup;
  let second: TestSetup;
  let redis: Redis;
  let prefix: string;
  let message: string;
  let processes: OwnProcess[] = [];
  beforeEach(async () => {
    first = await openTestSetup({ env: { LOG_LEVEL: 'info' } });
    prefix = first.env['QUEUE_PREFIX'] ?? '';
    const url = new URL(redisUrl());
    second = await openTestSetup({ env: { LOG_LEVEL: 'info', QUEUE_PREFIX: prefix } });
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
  const worker = ({ env }: TestSetup, more = {}) => started(startWorkerProcess({ ...env, ...more }));
  const api = (setup: TestSetup) => started(startApiProcess(setup.env));
  const working = (process: OwnProcess) =>
    waitFor(
      () =>
        process.output().includes('worker started') || (process.child.exitCode !== null && process.output()),
      'the worker to start',
    );
  /** Exit code and output; a process that starts is not waited for. */
  const refusal = async (process: OwnProcess) => {
    const { child, output } = process;
    const starts = () => /"msg":"(worker started|listening)"/.test(output());
    await waitFor(() => child.exitCode !== null || starts(), 'the process to exit or to start');
    return [child.exitCode, output()];
  };

  it('worker and API of the second one are refused; its worker starts after the owner key was deleted', async () => {
    const own = worker(first);
    await working(own);
    const refused = await Promise.all([worker(second), api(second)].map(refusal));
    for (const answer of refused) expect(answer).toEqual([2, expect.stringContaining(message)]);
    const run = await first.run('full');
    expect(run).toMatchObject({ status: 'success', created: first.odoo.count('dimagaz.bc') });

    own.child.kill('SIGTERM');
    expect(await own.exit).toBe(0);
    await redis.del(`${prefix}:owner`);
    const other = worker(second);
    await working(other);
    expect(other.output()).toContain('worker started');
    expect(await second.run('full')).toMatchObject({ status: 'success' });
  });

  it('commands of the second one are refused; they work after the owner key was deleted', async () => {
    const [one, other] = [first, second].map(({ env }) => commandIn({ ...env, LOG_LEVEL: 'silent' })) as [
      Command,
      Command,
    ];
    expect(await one.passerelle('status')).toMatchObject({ code: 0 });
    for (const command of ['status', 'sync', 'prune', 'resync 1']) {
      const refused = await other.passerelle(...command.split(' '));
      expect(refused, command).toEqual({ code: 2, stdout: '', stderr: `${message}\n` });
    }
    const { code, body } = await other.json('status');
    expect([code, body]).toEqual([2, { error: { code: 'foreign_queues', message } }]);
    expect(await one.passerelle('sync')).toMatchObject({ code: 0 });

    await redis.del(`${prefix}:owner`);
    expect(await other.passerelle('sync')).toMatchObject({ code: 0 });
    expect(await one.passerelle('sync')).toMatchObject({ code: 2 });
  });

  it('processes of one installation start at once, before there is an owner', async () => {
    const workers = [worker(first), worker(first)];
    const apis = [api(first)];
    for (const process of workers) await working(process);
    for (const process of apis) expect(await process.listening()).toMatch(/^http/);
    for (const process of workers) expect(process.output()).toContain('worker started');
    const rows = await first.database.client`select mirror_id from sync_state`;
    expect(rows).toHaveLength(1);
    expect(await redis.get(`${prefix}:owner`)).toMatch(
      new RegExp(`^${rows[0]?.['mirror_id']}:[0-9a-f]{12}$`),
    );
  });

  it('a worker and an API of one installation with different prefixes warn of each other', async () => {
    const other = `${prefix}-new`;
    const [one, two] = [worker(first), started(startApiProcess({ ...first.env, QUEUE_PREFIX: other }))];
    await waitFor(
      () => one.output().includes(`uses QUEUE_PREFIX=${other}, this one ${prefix}:`),
      'the warning of the worker',
    );
    await waitFor(
      () => two.output().includes(`uses QUEUE_PREFIX=${prefix}, this one ${other}:`),
      'the warning of the API',
    );
  });

  it('is checked as soon as Redis answers and the schema is migrated; until then worker and API wait as before', async () => {
    const proxy = await startRedisProxy(redisUrl());
    try {
      await proxy.down();
      await second.database.client`alter table sync_state rename column mirror_id to not_migrated_yet`;
      const early = worker(first, { REDIS_URL: proxy.url });
      const foreign = [worker(second), api(second)] as const;
      expect(await foreign[1].listening()).toMatch(/^http/);
      await waitFor(() => foreign[0].output().includes('cannot be checked yet'), 'the worker to wait');
      await waitFor(() => early.output().includes('ECONNREFUSED'), 'a refused connection');
      expect(early.output()).not.toContain('worker started');
      await proxy.up();
      await working(early);
      expect(early.output()).toContain('worker started');
      expect(foreign.map(({ child }) => child.exitCode)).toEqual([null, null]);
      await second.database.client`alter table sync_state rename column not_migrated_yet to mirror_id`;
      for (const process of foreign) {
        expect([await process.exit, process.output()]).toEqual([2, expect.stringContaining(message)]);
        expect(process.output()).not.toContain('worker started');
      }
    } finally {
      await proxy.stop();
    }
  });

  it('a worker and an API set the owner key again when it is lost, and stop when it names another', async () => {
    const own = worker(first);
    await working(own);
    const gateway = api(first);
    const url = await gateway.listening();
    const owner = await redis.get(`${prefix}:owner`);
    await redis.del(`${prefix}:owner`);
    await waitFor(async () => (await redis.get(`${prefix}:owner`)) === owner, 'the owner key');
    // A page in progress must not delay the end: its jobs would enter the queues of another installation.
    first.odoo.faults.when({ method: 'read', model: 'dimagaz.bc' }, 'hang', 1);
    const runId = await first.request('full');
    await waitFor(() => first.odoo.faults.taken.get('hang') === 1, 'a page that hangs');
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    await redis.set(`${prefix}:owner`, 'of another installation');
    for (const process of [own, gateway]) {
      expect([await process.exit, process.output()]).toEqual([2, expect.stringContaining(message)]);
    }
    expect((await findRun(first.mirror.db, runId))?.status).toBe('running');
  });
});
