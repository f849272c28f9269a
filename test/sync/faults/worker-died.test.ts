import { Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { heartbeat, readState } from '../../../src/db/runs/lease.ts';
import { createRun } from '../../../src/db/runs/runs.ts';
import { BC_QUEUE, bcJobId, enqueueBcs } from '../../../src/queues/jobs.ts';
import { planRun } from '../../../src/sync/planning/plan-run.ts';
import { advanceRun } from '../../../src/sync/runs/advance-run.ts';
import { acquireRun } from '../../../src/sync/runs/run-lease.ts';
import { redisUrl } from '../../support/redis.ts';
import type { Office } from '../../support/test-environment.ts';
import { openOffice } from '../../support/test-environment.ts';
import { until } from '../../support/wait-for.ts';

const BC = 'dimagaz.bc';
const KEY = 'bclinbc';

describe('work that takes its worker down', () => {
  let office: Office;
  let redis: Redis;
  let bcs = 0;
  beforeEach(async () => {
    office = await openOffice({ env: { QUEUE_LOCK: '1s' } });
    redis = new Redis(redisUrl(), { maxRetriesPerRequest: null });
    bcs = office.odoo.count(BC);
  });
  afterEach(async () => {
    redis.disconnect();
    await office.close();
  });

  const taken = async () => {
    const { mirror } = office;
    const { id } = await createRun(mirror.db, { key: KEY, mode: 'full', trigger: 'cli' });
    const run = await acquireRun(mirror, id);
    if (run === null) throw new Error('the lease is taken');
    return run;
  };
  /** A run whose pages are queued and whose BCs are not yet. */
  const planned = async () => {
    const run = await taken();
    await planRun(office.mirror, run);
    await advanceRun(office.mirror, run.id);
    return run;
  };
  /** What BullMQ notes when a worker dies with a job in hand. */
  const died = (queue: string, jobId: string, times: number) =>
    redis.hset(`${office.env['QUEUE_PREFIX']}:${queue}:${jobId}`, 'stc', times);
  const queueBc = async (run: { id: number; leaseToken: number }, odooId: number) => {
    const job = { runId: run.id, page: 0, token: run.leaseToken, generation: 0, odooId };
    await enqueueBcs(office.mirror.queues.bc, [job], office.mirror.settings);
    return bcJobId(job);
  };

  it('is parked when it is a BC, with a message that says so; Retry in bull-board tries it again', async () => {
    const [deadly = 0] = office.odoo.ids(BC);
    const run = await planned();
    const jobId = await queueBc(run, deadly);
    await died(BC_QUEUE, jobId, 6);
    await office.work();
    expect(await office.ended(run.id)).toMatchObject({ status: 'partial', failed: 1, created: bcs - 1 });
    const failures = () =>
      office.database.client`select odoo_id, code, message from sync_failure where resolved_at is null`;
    const [failure] = await failures();
    expect(failure).toMatchObject({ odoo_id: String(deadly), code: 'worker_died' });
    expect(failure?.['message']).toContain(`BC ${deadly}: the worker crashed or stalled 6 times`);

    await until(
      async () => (await office.mirror.queues.bc.getJobState(jobId)) === 'failed',
      'the job to end',
    );
    await (await office.mirror.queues.bc.getJob(jobId))?.retry();
    await until(async () => (await failures()).length === 0, 'the failure to be resolved');
  });

  it('is read BC by BC when it is a page, so that the one to blame is found', async () => {
    const run = await planned();
    await died('pages', `page-${run.id}-0-0`, 6);
    office.odoo.calls.length = 0;
    await office.work();
    expect(await office.ended(run.id)).toMatchObject({ status: 'success', created: bcs });
    const reads = office.odoo.calls.filter(({ method, model }) => method === 'read' && model === BC);
    expect(new Set(reads.map(({ ids }) => ids?.length))).toEqual(new Set([1]));
  });

  it('ends its run when it is the plan, and the next run starts', async () => {
    const run = await taken();
    await heartbeat(office.mirror.db, KEY, run.leaseToken, -1000);
    const payload = { runId: run.id, mode: 'full' as const, trigger: 'cli' as const };
    await office.mirror.queues.sync.add('run', payload, { jobId: `run-${run.id}` });
    await died('sync', `run-${run.id}`, 6);
    await office.work();
    expect(await office.ended(run.id)).toMatchObject({ status: 'failed', errorCode: 'worker_died' });
    expect(await readState(office.mirror.db, KEY)).toMatchObject({ held: false, isSyncing: false });
    expect(await office.run('full')).toMatchObject({ status: 'success' });
  });

  it('is only delivered again as long as it may be an accident', async () => {
    const [odooId = 0] = office.odoo.ids(BC);
    const run = await planned();
    const jobId = await queueBc(run, odooId);
    await died(BC_QUEUE, jobId, 4);
    const connection = { connection: redis, prefix: office.env['QUEUE_PREFIX'] ?? '' };
    const dying = new Worker(BC_QUEUE, null, { ...connection, lockDuration: 1 });
    expect((await dying.getNextJob('dead'))?.id).toBe(jobId);
    await dying.close();
    await office.work();
    expect(await office.ended(run.id)).toMatchObject({ status: 'success', failed: 0, created: bcs });
    expect((await office.mirror.queues.bc.getJob(jobId))?.stalledCounter).toBe(5);
    const state = () => office.mirror.queues.bc.getJobState(jobId);
    expect(await until(async () => (await state()) !== 'active' && state(), 'the end of the job')).toBe(
      'completed',
    );
  });
});
