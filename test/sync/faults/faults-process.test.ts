import { sql } from 'drizzle-orm';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { RestartableServices } from '../../../dev/services/restartable.ts';
import { startRestartable } from '../../../dev/services/restartable.ts';
import { readState } from '../../../src/db/runs/lease.ts';
import { findRun } from '../../../src/db/runs/runs.ts';
import { redisOnPath } from '../../../src/embedded/redis.ts';
import { verifyMirror } from '../../../src/sync/maintenance/verify.ts';
import type { RestartableSetup } from '../../support/restartable-setup.ts';
import { openRestartableSetup } from '../../support/restartable-setup.ts';
import { waitFor } from '../../support/wait-for.ts';
import type { WorkerProcess } from '../../support/worker-process.ts';

const BC = 'dimagaz.bc';
const BCS = 120;

describe.skipIf(redisOnPath(process.env['PATH']) === undefined)('a run during which', () => {
  let services: RestartableServices;
  let setup: RestartableSetup;
  let workers: WorkerProcess[] = [];
  beforeAll(async () => {
    services = await startRestartable(() => {});
  });
  afterAll(() => services?.stop());
  beforeEach(async () => {
    setup = await openRestartableSetup(services, { documents: BCS });
    workers = [];
  });
  afterEach(() => setup?.close());

  const work = (env?: Record<string, string>) => {
    const worker = setup.worker(env);
    workers.push(worker);
    return worker;
  };
  const isUnderWay = (runId: number) =>
    waitFor(
      async () =>
        (await setup.count(
          `select count(*) from sync_run_item where run_id = ${runId} and state <> 'open'`,
        )) > 20,
      'the run to be under way',
    );
  /** The next call of a kind gets no answer: its caller is stopped in the middle. */
  const caught = (match: { method: string; model: string }) => {
    setup.odoo.faults.when(match, 'hang', 1);
    return () => waitFor(() => setup.odoo.faults.taken.get('hang') === 1, 'the call');
  };
  const ended = (runId: number) =>
    waitFor(async () => {
      // PostgreSQL may be away.
      const run = await findRun(setup.testMirror.mirror.db, runId).catch(() => null);
      return run?.finishedAt == null ? false : run;
    }, `the end of run ${runId}`);
  const isRight = async () => {
    const { mirror } = setup.testMirror;
    expect(await verifyMirror({ ...mirror, pageSize: 100 }, () => {})).toMatchObject({ ok: true });
    expect(await setup.count('select count(*) from audit_log')).toBe(BCS);
    expect(await setup.count('select count(distinct odoo_id) from audit_log')).toBe(BCS);
    expect(await readState(mirror.db, 'bclinbc')).toMatchObject({ held: false, isSyncing: false });
    const failures = await mirror.db.execute(sql`
      select odoo_id, run_id, code, message, last_failed_at::text from sync_failure
      where resolved_at is null order by odoo_id limit 3`);
    expect([...failures]).toEqual([]);
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
    const runId = await setup.testMirror.request('full');
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
    setup.odoo.faults.latencyMs = 50;
    const runId = await setup.testMirror.request('full');
    work();
    work();
    await isUnderWay(runId);
    const redis = new Redis(services.redis.url);
    await redis.flushall();
    const before = await setup.count(`select count(*) from sync_run_item where state <> 'open'`);
    await waitFor(
      async () =>
        (await setup.count(`select count(*) from sync_run_item where state <> 'open'`)) > before + 20,
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
      setup.odoo.faults.latencyMs = 50;
      const runId = await setup.testMirror.request('full');
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
    setup.odoo.faults.latencyMs = 300;
    const runId = await setup.testMirror.request('full');
    work();
    await waitFor(() => setup.odoo.calls.some(({ method }) => method === 'search'), 'the plan to be made');
    await services.postgres.crash();
    setup.odoo.faults.latencyMs = 0;
    await services.postgres.start();
    expect(await ended(runId)).toMatchObject({ status: 'success', seen: BCS, created: BCS });
    await isRight();
  });

  it('Odoo is away for longer than all attempts fails, and the next scheduled one carries on', async () => {
    setup.odoo.faults.latencyMs = 50;
    work({ SYNC_EVERY: '1s', SYNC_OVERLAP: '1s' });
    await isUnderWay(1);
    setup.odoo.faults.when({}, 'unavailable');
    expect(await ended(1)).toMatchObject({ status: 'failed', errorCode: 'odoo_unavailable', mode: 'full' });
    await waitFor(
      async () => (await setup.count(`select count(*) from sync_log where status = 'failed'`)) > 1,
      'a run that cannot even be planned',
    );
    setup.odoo.faults.clear();
    const continued = `select id from sync_log where status = 'success' and continues = 1`;
    const run = await ended(
      await waitFor(async () => (await setup.count(continued)) || false, 'the one that carries on'),
    );
    expect(run.planned).toBeLessThan(BCS);
    expect((await readState(setup.testMirror.mirror.db, 'bclinbc'))?.lastSync).not.toBeNull();
    workers.map(({ child }) => child.kill('SIGTERM'));
    await Promise.all(workers.map(({ exit }) => exit));
    workers = [];
    await isRight();
  });
});
