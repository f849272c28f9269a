import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { heartbeat } from '../../../src/db/runs/lease.ts';
import { closeItems, openItems } from '../../../src/db/runs/ledger.ts';
import { createRun, findRun } from '../../../src/db/runs/runs.ts';
import { processPage } from '../../../src/sync/fetch/process-page.ts';
import { describeDocument } from '../../../src/sync/model/document-model.ts';
import { planRun } from '../../../src/sync/planning/plan-run.ts';
import { advanceRun, failRun } from '../../../src/sync/runs/advance-run.ts';
import { watchRuns } from '../../../src/sync/runs/recovery.ts';
import { acquireRun } from '../../../src/sync/runs/run-lease.ts';
import { carryOn, startRun } from '../../../src/sync/runs/start-run.ts';
import { openGroups } from '../../../src/sync/store/group-commit.ts';
import { redisUrl } from '../../support/redis.ts';
import type { TestSetup } from '../../support/test-setup.ts';
import { openTestSetup } from '../../support/test-setup.ts';
import { waitFor } from '../../support/wait-for.ts';

describe('a run that was interrupted', () => {
  let setup: TestSetup;
  beforeEach(async () => {
    setup = await openTestSetup({
      env: { SYNC_PAGE_SIZE: '8', SYNC_PAGES_IN_FLIGHT: '2', SYNC_LEASE: '3s' },
    });
  });
  afterEach(() => setup.close());

  /** A run as a worker leaves it that dies right after the plan: ledger written, first pages queued. */
  const plannedRun = async () => {
    const { mirror } = setup;
    const { id: runId } = await createRun(mirror.db, { key: 'bclinbc', mode: 'full', trigger: 'cli' });
    const run = await acquireRun(mirror, runId);
    if (run === null) throw new Error('the lease is taken');
    await planRun(mirror, run);
    // Long enough for what the test does before it lets it run out. The planner renewed it for three seconds.
    await heartbeat(mirror.db, 'bclinbc', run.leaseToken, 600_000);
    await advanceRun(mirror, runId);
    return { runId, token: run.leaseToken };
  };
  const emptyRedis = async () => {
    const redis = new Redis(redisUrl());
    const keys = await redis.keys(`${setup.env['QUEUE_PREFIX']}:*`);
    if (keys.length > 0) await redis.unlink(keys);
    redis.disconnect();
  };
  const stored = async () => {
    const [row] = await setup.database.client`select count(*)::int as n from scrap_dimagaz_bc`;
    return row?.['n'];
  };

  it('ends right by itself when Redis lost every job', async () => {
    const { runId } = await plannedRun();
    await emptyRedis();
    // The jobs have been away for longer than they could be on their way.
    await setup.database.client`update sync_run_page set queued_at = now() - interval '1 minute'`;
    await setup.work();
    expect(await setup.ended(runId)).toMatchObject({
      status: 'success',
      created: setup.odoo.count('dimagaz.bc'),
    });
    expect(await stored()).toBe(setup.odoo.count('dimagaz.bc'));
  });

  it('gets back the one page that lost jobs, while others wait', async () => {
    const { mirror, database } = setup;
    const { runId, token } = await plannedRun();
    await processPage(mirror, { runId, page: 0, token, generation: 0 }, { number: 1, last: true });
    const generations = async () => {
      await database.client`update sync_run_page set queued_at = now() - interval '1 minute' where state = 'queued'`;
      await watchRuns(mirror);
      const pages =
        await database.client`select generation from sync_run_page where state = 'queued' order by page`;
      return pages.map(({ generation }) => generation);
    };
    await mirror.queues.pages.remove(`page-${runId}-0-0`);
    expect(await generations()).toEqual([0, 0]);
    const [odooId] = setup.odoo.ids('dimagaz.bc').slice(5);
    await mirror.queues.bc.remove(`bc-${runId}-${odooId}-0`);
    expect(await generations()).toEqual([1, 0]);
    expect(await generations()).toEqual([1, 0]);
    await setup.work();
    const created = setup.odoo.count('dimagaz.bc');
    expect(await setup.ended(runId)).toMatchObject({ status: 'success', created, leaseToken: token });
  });

  it('is resumed, not restarted, by the next run once its lease ran out', async () => {
    const { runId, token } = await plannedRun();
    await emptyRedis();
    await heartbeat(setup.mirror.db, 'bclinbc', token, -1000);
    const next = await setup.request('incremental');
    await setup.work();
    expect(await setup.ended(next)).toMatchObject({ status: 'skipped' });
    expect(await setup.ended(runId)).toMatchObject({
      status: 'success',
      created: setup.odoo.count('dimagaz.bc'),
    });
  });

  it('is planned again when its holder died while planning', async () => {
    const { mirror } = setup;
    const { id: runId } = await createRun(mirror.db, { key: 'bclinbc', mode: 'full', trigger: 'cli' });
    const run = await acquireRun(mirror, runId);
    await heartbeat(mirror.db, 'bclinbc', run?.leaseToken ?? 0, -1000);
    await setup.database
      .client`insert into sync_run_item (run_id, odoo_id, page) values (${runId}, 999999, 0)`;
    await setup.work();
    expect(await setup.ended(runId)).toMatchObject({
      status: 'success',
      gone: 0,
      seen: setup.odoo.count('dimagaz.bc'),
    });
  });

  describe('weeks ago', () => {
    /** More milliseconds than an integer of PostgreSQL holds. */
    const longAgo = async (runId: number) => {
      await setup.database
        .client`update sync_log set started_at = now() - interval '30 days' where id = ${runId}`;
    };
    /** A run that was left behind before its plan was written. */
    const unplannedRun = async (mode: 'full' | 'incremental') => {
      const { mirror } = setup;
      const { id: runId } = await createRun(mirror.db, { key: 'bclinbc', mode, trigger: 'cli' });
      const run = await acquireRun(mirror, runId);
      await heartbeat(mirror.db, 'bclinbc', run?.leaseToken ?? 0, -1000);
      await longAgo(runId);
      return { runId, token: run?.leaseToken ?? 0 };
    };
    const LONGEST = { durationMs: 2 ** 31 - 1 };

    it('ends once workers are there again', async () => {
      const { runId, token } = await plannedRun();
      await heartbeat(setup.mirror.db, 'bclinbc', token, -1000);
      await longAgo(runId);
      await setup.work();
      const created = setup.odoo.count('dimagaz.bc');
      expect(await setup.ended(runId)).toMatchObject({ status: 'success', created, ...LONGEST });
    });

    it('ends when it still has to be planned', async () => {
      const { runId } = await unplannedRun('full');
      await setup.work();
      const created = setup.odoo.count('dimagaz.bc');
      expect(await setup.ended(runId)).toMatchObject({ status: 'success', created, ...LONGEST });
    });

    it('ends when its plan finds nothing to do', async () => {
      const stop = await setup.work();
      await setup.run('full');
      await stop();
      const { runId } = await unplannedRun('incremental');
      await setup.work();
      expect(await setup.ended(runId)).toMatchObject({ status: 'success', planned: 0, ...LONGEST });
    });

    it('ends when it fails', async () => {
      const { runId, token } = await unplannedRun('full');
      await failRun(setup.mirror, runId, token, new Error('no more'));
      expect(await setup.ended(runId)).toMatchObject({ status: 'failed', ...LONGEST });
    });
  });

  it('ignores jobs of the holder that lost the lease: each BC is stored and audited once', async () => {
    const { runId, token } = await plannedRun();
    await heartbeat(setup.mirror.db, 'bclinbc', token, -1000);
    const run = await acquireRun(setup.mirror, runId);
    if (run !== null) await carryOn(setup.mirror, run);
    await setup.work();
    const bcs = setup.odoo.count('dimagaz.bc');
    expect(await setup.ended(runId)).toMatchObject({
      status: 'success',
      created: bcs,
      leaseToken: token + 1,
    });
    const old = await setup.mirror.queues.pages.getJob(`page-${runId}-0-0`);
    await waitFor(async () => (await old?.getState()) === 'completed', 'the old page job to be looked at');
    expect((await setup.mirror.queues.pages.getJob(`page-${runId}-0-0`))?.returnvalue).toBe('superseded');
    const [audit] = await setup.database.client`select count(*)::int as n from audit_log`;
    expect(audit?.['n']).toBe(bcs);
  });

  it('goes on without a field that vanished from the model since the plan', async () => {
    const { runId } = await plannedRun();
    setup.odoo.removeField('dimagaz.bc', 'notes');
    await setup.work();
    const bcs = setup.odoo.count('dimagaz.bc');
    expect(await setup.ended(runId)).toMatchObject({ status: 'success', created: bcs, failed: 0 });
  });

  it('keeps finished work when its plan is delivered once more', async () => {
    const { runId, token } = await plannedRun();
    await setup.database
      .client`update sync_run_item set state = 'unchanged' where run_id = ${runId} and page = 0`;
    await heartbeat(setup.mirror.db, 'bclinbc', token, -1000);
    const run = await findRun(setup.mirror.db, runId);
    if (run !== null) await startRun(setup.mirror, run);
    await setup.work();
    expect(await setup.ended(runId)).toMatchObject({
      status: 'success',
      unchanged: 8,
      leaseToken: token + 1,
    });
  });

  it('gets its job back when it was requested and Redis lost the request', async () => {
    const runId = await setup.request('full');
    await emptyRedis();
    await setup.database.client`update sync_log set requested_at = now() - interval '1 minute'`;
    await setup.work();
    expect(await setup.ended(runId)).toMatchObject({ status: 'success' });
  });

  it('gets its job back by the clock of PostgreSQL, also if the clock of the worker is an hour behind', async () => {
    const { mirror } = setup;
    const { id: runId } = await createRun(mirror.db, { key: 'bclinbc', mode: 'full', trigger: 'cli' });
    await setup.database.client`update sync_log set requested_at = now() - interval '1 minute'`;
    const now = Date.now.bind(Date);
    const clock = vi.spyOn(Date, 'now').mockImplementation(() => now() - 3_600_000);
    try {
      await watchRuns(mirror);
    } finally {
      clock.mockRestore();
    }
    expect(await mirror.queues.sync.getJob(`run-${runId}`)).toBeDefined();
  });

  it('does not let a worker that lost it meanwhile store a BC or note it as deleted', async () => {
    const { mirror } = setup;
    const { runId, token } = await plannedRun();
    const { client } = setup.database;
    const lose = async () => {
      await heartbeat(mirror.db, 'bclinbc', token, -1000);
      await acquireRun(mirror, runId);
    };
    const [[, odooId = 0] = [], other = 0] = [
      await openItems(mirror.db, runId, 0),
      setup.odoo.ids('dimagaz.bc')[0],
    ];
    const page = { runId, page: 0, token, generation: 0 };
    await processPage(mirror, page, { number: 1, last: false });
    // The worker checks its token, then loses the run, then stores.
    const db = new Proxy(mirror.db, {
      get: (target, name) =>
        name === 'transaction'
          ? async (...work: Parameters<typeof target.transaction>) => {
              await lose();
              return target.transaction(...work);
            }
          : Reflect.get(target, name),
    });
    const late = openGroups(() => ({ ...mirror, db }), { size: 1, waitMs: 0 });
    const model = await describeDocument(mirror.source, mirror.definition);
    const item = { runId, page: 0, token, odooId, rpcCalls: 0, model, document: null };
    expect(await late.add(item, 1)).toBe('superseded');
    await closeItems(mirror.db, { runId, token, odooIds: [other], state: 'gone', goneSeq: 1 });
    expect(await stored()).toBe(0);
    const [row] = await client`select count(*)::int as n from sync_run_item where state <> 'open'`;
    expect(row?.['n']).toBe(0);
  });

  it('closes every page at its end, also those whose last BC is stored while it is looked at', async () => {
    const { mirror, database } = setup;
    const { runId } = await plannedRun();
    await database.client`update sync_run_page set state = 'queued'`;
    // As if other workers' groups were committed right after the look at the pages.
    await database.client.unsafe(`
      create function store_all() returns trigger language plpgsql as $$ begin
        update sync_run_item set state = 'unchanged' where state = 'open';
        return null; end $$;
      create trigger store_all after update on sync_run_page for each statement execute function store_all()`);
    await advanceRun(mirror, runId);
    expect(await findRun(mirror.db, runId)).toMatchObject({ status: 'success' });
    const states = await database.client`select distinct state from sync_run_page`;
    expect(states.map(({ state }) => state)).toEqual(['done']);
  });
});
