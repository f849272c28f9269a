import { Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { installationOf } from '../../../src/db/installation.ts';
import { heartbeat, readState } from '../../../src/db/runs/lease.ts';
import { createRun } from '../../../src/db/runs/runs.ts';
import { BC_QUEUE, bcJobId, enqueueBcs } from '../../../src/queues/jobs.ts';
import { planRun } from '../../../src/sync/planning/plan-run.ts';
import { advanceRun, failRun } from '../../../src/sync/runs/advance-run.ts';
import { acquireRun } from '../../../src/sync/runs/run-lease.ts';
import { redisUrl } from '../../support/redis.ts';
import type { TestSetup } from '../../support/test-setup.ts';
import { openTestSetup } from '../../support/test-setup.ts';
import { waitFor } from '../../support/wait-for.ts';

const BC = 'dimagaz.bc';
const KEY = 'bclinbc';

describe('work that takes its worker down', () => {
  let setup: TestSetup;
  let redis: Redis;
  let bcs = 0;
  beforeEach(async () => {
    setup = await openTestSetup({ env: { QUEUE_LOCK: '1s' } });
    redis = new Redis(redisUrl(), { maxRetriesPerRequest: null });
    bcs = setup.odoo.count(BC);
  });
  afterEach(async () => {
    redis.disconnect();
    await setup.close();
  });

  const taken = async () => {
    const { mirror } = setup;
    const { id } = await createRun(mirror.db, { key: KEY, mode: 'full', trigger: 'cli' });
    const run = await acquireRun(mirror, id);
    if (run === null) throw new Error('the lease is taken');
    return run;
  };
  /** A run whose pages are queued and whose BCs are not yet. */
  const planned = async () => {
    const run = await taken();
    await planRun(setup.mirror, run);
    await advanceRun(setup.mirror, run.id);
    return run;
  };
  /** What BullMQ notes when a worker dies with a job in hand. */
  const died = (queue: string, jobId: string, times: number) =>
    redis.hset(`${setup.env['QUEUE_PREFIX']}:${queue}:${jobId}`, 'stc', times);
  const queueBc = async (run: { id: number; leaseToken: number }, odooId: number) => {
    const job = { runId: run.id, page: 0, token: run.leaseToken, generation: 0, odooId };
    await enqueueBcs(
      setup.mirror.queues.bc,
      await installationOf(setup.mirror.db),
      [job],
      setup.mirror.settings,
    );
    return bcJobId(job);
  };

  /** The job of a BC whose page was queued before, as a worker that died leaves it. */
  const redeliver = async (run: { id: number; leaseToken: number }, odooId: number) => {
    const job = { runId: run.id, page: 0, token: run.leaseToken, generation: 0, odooId };
    const jobId = bcJobId(job);
    await (await setup.mirror.queues.bc.getJob(jobId))?.remove();
    await setup.mirror.queues.bc.pause();
    await queueBc(run, odooId);
    await died(BC_QUEUE, jobId, 6);
    await setup.mirror.queues.bc.resume();
    return jobId;
  };

  it('is parked when it is a BC, with a message that says so; Retry in bull-board tries it again', async () => {
    const [deadly = 0] = setup.odoo.ids(BC);
    const run = await planned();
    const jobId = await queueBc(run, deadly);
    await died(BC_QUEUE, jobId, 6);
    await setup.work();
    expect(await setup.ended(run.id)).toMatchObject({ status: 'partial', failed: 1, created: bcs - 1 });
    const failures = () =>
      setup.database.client`select odoo_id, code, message from sync_failure where resolved_at is null`;
    const [failure] = await failures();
    expect(failure).toMatchObject({ odoo_id: String(deadly), code: 'worker_died' });
    expect(failure?.['message']).toContain(`BC ${deadly}: the worker crashed or stalled 6 times`);

    await waitFor(
      async () => (await setup.mirror.queues.bc.getJobState(jobId)) === 'failed',
      'the job to end',
    );
    await (await setup.mirror.queues.bc.getJob(jobId))?.retry();
    await waitFor(async () => (await failures()).length === 0, 'the failure to be resolved');
  });

  it.each(['its run', 'the next run'])('records no failure for a BC that %s has stored', async (which) => {
    const [odooId = 0] = setup.odoo.ids(BC);
    const run = await planned();
    const isOver = which === 'the next run';
    if (isOver) await failRun(setup.mirror, run.id, run.leaseToken, new Error('Odoo is away'));
    await setup.work();
    const storing = isOver ? await setup.run('full') : await setup.ended(run.id);
    expect(storing).toMatchObject({ status: 'success', created: bcs });
    const jobId = await redeliver(run, odooId);
    await waitFor(
      async () => (await setup.mirror.queues.bc.getJobState(jobId)) === 'failed',
      'the job to end',
    );
    expect([...(await setup.database.client`select * from sync_failure`)]).toEqual([]);
  });

  it('is read BC by BC when it is a page, so that the one to blame is found', async () => {
    const run = await planned();
    await died('pages', `page-${run.id}-0-0`, 6);
    setup.odoo.calls.length = 0;
    await setup.work();
    expect(await setup.ended(run.id)).toMatchObject({ status: 'success', created: bcs });
    const reads = setup.odoo.calls.filter(({ method, model }) => method === 'read' && model === BC);
    expect(new Set(reads.map(({ ids }) => ids?.length))).toEqual(new Set([1]));
  });

  it('ends its run when it is the plan, and the next run starts', async () => {
    const run = await taken();
    await heartbeat(setup.mirror.db, KEY, run.leaseToken, -1000);
    const payload = { runId: run.id, mode: 'full' as const, trigger: 'cli' as const };
    await setup.mirror.queues.sync.add('run', payload, { jobId: `run-${run.id}` });
    await died('sync', `run-${run.id}`, 6);
    await setup.work();
    expect(await setup.ended(run.id)).toMatchObject({ status: 'failed', errorCode: 'worker_died' });
    expect(await readState(setup.mirror.db, KEY)).toMatchObject({ held: false, isSyncing: false });
    expect(await setup.run('full')).toMatchObject({ status: 'success' });
  });

  it('is only delivered again as long as it may be an accident', async () => {
    const [odooId = 0] = setup.odoo.ids(BC);
    const run = await planned();
    const jobId = await queueBc(run, odooId);
    await died(BC_QUEUE, jobId, 4);
    const connection = { connection: redis, prefix: setup.env['QUEUE_PREFIX'] ?? '' };
    const dying = new Worker(BC_QUEUE, null, { ...connection, lockDuration: 1 });
    expect((await dying.getNextJob('dead'))?.id).toBe(jobId);
    await dying.close();
    await setup.work();
    expect(await setup.ended(run.id)).toMatchObject({ status: 'success', failed: 0, created: bcs });
    expect((await setup.mirror.queues.bc.getJob(jobId))?.stalledCounter).toBe(5);
    const state = () => setup.mirror.queues.bc.getJobState(jobId);
    expect(await waitFor(async () => (await state()) !== 'active' && state(), 'the end of the job')).toBe(
      'completed',
    );
  });
});
