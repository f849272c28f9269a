import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { redisOnPath } from '../../../dev/services/redis-finder.ts';
import type { RestartableServices } from '../../../dev/services/restartable.ts';
import { startRestartable } from '../../../dev/services/restartable.ts';
import { readState } from '../../../src/db/runs/lease.ts';
import { findRun } from '../../../src/db/runs/runs.ts';
import { verifyMirror } from '../../../src/sync/maintenance/verify.ts';
import type { Stage } from '../../support/restartable-environment.ts';
import { openStage } from '../../support/restartable-environment.ts';
import { until } from '../../support/wait-for.ts';
import type { WorkerProcess } from '../../support/worker-process.ts';

const BC = 'dimagaz.bc';
const BCS = 120;

describe.skipIf(redisOnPath(process.env['PATH']) === undefined)('a run during which', () => {
  let services: RestartableServices;
  let stage: Stage;
  let workers: WorkerProcess[] = [];
  beforeAll(async () => {
    services = await startRestartable(() => {});
  });
  afterAll(() => services?.stop());
  beforeEach(async () => {
    stage = await openStage(services, { documents: BCS });
    workers = [];
  });
  afterEach(() => stage?.close());

  const work = (env?: Record<string, string>) => {
    const worker = stage.worker(env);
    workers.push(worker);
    return worker;
  };
  const isUnderWay = (runId: number) =>
    until(
      async () =>
        (await stage.count(
          `select count(*) from sync_run_item where run_id = ${runId} and state <> 'open'`,
        )) > 20,
      'the run to be under way',
    );
  /** The next call of a kind gets no answer: its caller is stopped in the middle. */
  const caught = (match: { method: string; model: string }) => {
    stage.odoo.faults.when(match, 'hang', 1);
    return () => until(() => stage.odoo.faults.taken.get('hang') === 1, 'the call');
  };
  const ended = (runId: number) =>
    until(async () => {
      // PostgreSQL may be away.
      const run = await findRun(stage.desk.mirror.db, runId).catch(() => null);
      return run?.finishedAt == null ? false : run;
    }, `the end of run ${runId}`);
  const isRight = async () => {
    const { mirror } = stage.desk;
    expect(await verifyMirror({ ...mirror, pageSize: 100 }, () => {})).toMatchObject({ ok: true });
    expect(await stage.count('select count(*) from audit_log')).toBe(BCS);
    expect(await stage.count('select count(distinct odoo_id) from audit_log')).toBe(BCS);
    expect(await readState(mirror.db, 'bclinbc')).toMatchObject({ held: false, isSyncing: false });
    expect(await stage.count('select count(*) from sync_failure where resolved_at is null')).toBe(0);
    for (const { child, output } of workers) {
      expect(child.exitCode).toBeNull();
      expect(output()).not.toMatch(/unhandled/i);
    }
  };

  it.each([
    ['planning', { method: 'search', model: BC }],
    ['reading a page', { method: 'read', model: BC }],
  ])('a worker is killed while %s ends right by itself', async (_, call) => {
    const isCaught = caught(call);
    const runId = await stage.desk.request('full');
    const first = work();
    await isCaught();
    first.child.kill('SIGKILL');
    await first.exit;
    workers = [];
    work();
    expect(await ended(runId)).toMatchObject({ status: 'success', seen: BCS, created: BCS });
    await isRight();
  });

  it('Redis is flushed, twice, ends right by itself', async () => {
    stage.odoo.faults.latencyMs = 50;
    const runId = await stage.desk.request('full');
    work();
    work();
    await isUnderWay(runId);
    const redis = new Redis(services.redis.url);
    await redis.flushall();
    const before = await stage.count(`select count(*) from sync_run_item where state <> 'open'`);
    await until(
      async () =>
        (await stage.count(`select count(*) from sync_run_item where state <> 'open'`)) > before + 20,
      'more of it',
    );
    await redis.flushall();
    redis.disconnect();
    expect(await ended(runId)).toMatchObject({ status: 'success', seen: BCS, created: BCS });
    await isRight();
  });

  it.each(['redis', 'postgres'] as const)(
    '%s crashes and restarts: the run ends correctly',
    async (which) => {
      stage.odoo.faults.latencyMs = 50;
      const runId = await stage.desk.request('full');
      work();
      work();
      await isUnderWay(runId);
      await services[which].crash();
      await services[which].start();
      const run = await ended(runId);
      expect(run).toMatchObject({ status: 'success', seen: BCS, created: BCS });
      await isRight();
    },
  );

  it('PostgreSQL crashes while it is planned ends right by itself', async () => {
    stage.odoo.faults.latencyMs = 300;
    const runId = await stage.desk.request('full');
    work();
    await until(() => stage.odoo.calls.some(({ method }) => method === 'search'), 'the plan to be made');
    await services.postgres.crash();
    stage.odoo.faults.latencyMs = 0;
    await services.postgres.start();
    expect(await ended(runId)).toMatchObject({ status: 'success', seen: BCS, created: BCS });
    await isRight();
  });

  it('Odoo is away for longer than all attempts fails, and the next scheduled one carries on', async () => {
    stage.odoo.faults.latencyMs = 50;
    work({ SYNC_EVERY: '1s', SYNC_OVERLAP: '1s' });
    await isUnderWay(1);
    stage.odoo.faults.when({}, 'unavailable');
    expect(await ended(1)).toMatchObject({ status: 'failed', errorCode: 'odoo_unavailable', mode: 'full' });
    await until(
      async () => (await stage.count(`select count(*) from sync_log where status = 'failed'`)) > 1,
      'a run that cannot even be planned',
    );
    stage.odoo.faults.clear();
    const continued = `select id from sync_log where status = 'success' and continues = 1`;
    const run = await ended(
      await until(async () => (await stage.count(continued)) || false, 'the one that carries on'),
    );
    expect(run.planned).toBeLessThan(BCS);
    expect((await readState(stage.desk.mirror.db, 'bclinbc'))?.lastSync).not.toBeNull();
    workers.map(({ child }) => child.kill('SIGTERM'));
    await Promise.all(workers.map(({ exit }) => exit));
    workers = [];
    await isRight();
  });
});
