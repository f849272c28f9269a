import { sql } from 'drizzle-orm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LOCKS } from '../../../src/db/locks.ts';
import { readState } from '../../../src/db/runs/lease.ts';
import { createRun, findRun } from '../../../src/db/runs/runs.ts';
import type { SyncLogRow } from '../../../src/db/schema/sync.ts';
import type { SyncContext } from '../../../src/sync/context.ts';
import { planRun } from '../../../src/sync/planning/plan-run.ts';
import { PlannerProgress } from '../../../src/sync/planning/planner-progress.ts';
import { acquireRun } from '../../../src/sync/runs/run-lease.ts';
import { lookAtMirror } from '../../operations/alerts/rows.ts';
import type { TestSetup } from '../../support/test-setup.ts';
import { openTestSetup } from '../../support/test-setup.ts';
import { waitFor } from '../../support/wait-for.ts';

const KEY = 'bclinbc';
const BC = 'dimagaz.bc';
/** A run each second; late after ten minutes. */
const TEN_MINUTES = { everyMs: 1000, staleIntervals: 600 };

let setup: TestSetup;
let isOpen = false;
const letGo: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const release of letGo.splice(0)) await release();
  if (isOpen) await setup.close();
  isOpen = false;
});
const openedWith = async (env: Record<string, string>, documents = 40) => {
  setup = await openTestSetup({ env, sandbox: { documents } });
  isOpen = true;
};

/** Another session that keeps the locks of a statement until the function returned is called. */
async function hold(statement: string): Promise<() => Promise<void>> {
  const session = await setup.database.reserve();
  await session.unsafe('begin');
  await session.unsafe(statement);
  let released: Promise<void> | null = null;
  const release = () => {
    released ??= session.unsafe('rollback').then(() => session.release());
    return released;
  };
  letGo.push(release);
  return release;
}
const holdModel = () => hold(`select pg_advisory_xact_lock(${LOCKS.model})`);

/** A statement of the mirror waits for a lock. */
const waiting = (text: string) =>
  waitFor(async () => {
    const rows = await setup.database.client`
      select 1 from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock' and query like ${`%${text}%`}`;
    return rows.length > 0;
  }, `a statement with ${text} that waits for a lock`);

const tokenOf = async (runId: number) => (await findRun(setup.mirror.db, runId))?.leaseToken ?? 0;
const settled = async (runId: number) =>
  expect(await setup.ended(runId)).toMatchObject({ status: 'success', created: setup.odoo.count(BC) });

describe('a planner that waits for a lock', () => {
  beforeEach(() => openedWith({ SYNC_LEASE: '3s', QUEUE_LOCK: '1s' }));

  it('loses its lease, and another worker takes the run over', async () => {
    const other = setup.also({ QUEUE_PREFIX: setup.env['QUEUE_PREFIX'] ?? '' });
    const release = await holdModel();
    await setup.work();
    await other.work();
    const runId = await setup.request('full');
    await waiting('pg_advisory_xact_lock');
    const first = await tokenOf(runId);
    await waitFor(async () => (await tokenOf(runId)) > first, 'a planner with a newer token');
    await release();
    await settled(runId);
  });

  it('loses its lease when the row of the run is locked, and the only worker ends the run afterwards', async () => {
    const releaseModel = await holdModel();
    await setup.work();
    const runId = await setup.request('full');
    await waiting('pg_advisory_xact_lock');
    const release = await hold(`select 1 from sync_log where id = ${runId} for update`);
    await releaseModel();
    await waiting('sync_log');
    await waitFor(
      async () => (await readState(setup.mirror.db, KEY))?.held === false,
      'the end of the lease',
    );
    await release();
    await settled(runId);
  });
});

describe('a planner', () => {
  const takenRun = async (mirror: SyncContext, mode: SyncLogRow['mode']) => {
    const { id } = await createRun(mirror.db, { key: KEY, mode, trigger: 'cli' });
    const run = await acquireRun(mirror, id);
    if (run === null) throw new Error('no other run has the lease');
    return run;
  };
  const anHourAgo = (column: string) =>
    setup.mirror.db.execute(
      sql.raw(
        `update sync_log set ${column} = ${column} - interval '1 hour' where ${column} > now() - interval '1 hour'`,
      ),
    );
  const look = async () => {
    const { opened, resolved } = await lookAtMirror(setup.mirror.db, [], TEN_MINUTES);
    return { opened: opened.map(({ kind }) => kind), resolved: resolved.map(({ kind }) => kind) };
  };

  it('keeps the lease while it waits longer than that for one answer of Odoo', async () => {
    await openedWith({ SYNC_LEASE: '3s' });
    const { faults, calls } = setup.odoo;
    const mirror = { ...setup.mirror, settings: { ...setup.mirror.settings, leaseMs: 1000 } };
    const run = await takenRun(mirror, 'full');
    faults.latencyMs = 8000;
    const planning = planRun(mirror, run);
    await waitFor(() => calls.length > 0, 'the first call');
    faults.latencyMs = 0;
    expect(await planning).toBe('planned');
    expect(await readState(mirror.db, KEY)).toMatchObject({ held: true, leaseToken: run.leaseToken });
  });

  it('that waits for a lock with a living lease does not silence the alert of a late mirror', async () => {
    await openedWith({});
    await holdModel();
    await setup.work();
    await setup.request('full');
    await waiting('pg_advisory_xact_lock');
    await anHourAgo('requested_at');
    expect(await look()).toEqual({ opened: [], resolved: [] });
    await anHourAgo('started_at');
    expect(await look()).toEqual({ opened: ['mirror_stale'], resolved: [] });
    expect((await readState(setup.mirror.db, KEY))?.held).toBe(true);
  });

  it('that makes progress keeps the alert quiet; one that stopped does not', async () => {
    await openedWith({ SYNC_LEASE: '3s', SYNC_PAGE_SIZE: '1', ODOO_TIMEOUT_MS: '5000' }, 400);
    const { mirror, odoo } = setup;
    const run = await takenRun(mirror, 'sweep');
    await anHourAgo('requested_at');
    await anHourAgo('started_at');
    odoo.faults.latencyMs = 100;
    const planning = planRun(mirror, run).catch((error: unknown) => error);
    await waitFor(async () => (await findRun(mirror.db, run.id))?.lastStepAt != null, 'a step');
    expect(await look()).toEqual({ opened: [], resolved: [] });
    const resume = odoo.faults.when({}, 'hang');
    await waitFor(() => (odoo.faults.taken.get('hang') ?? 0) > 0, 'a call without an answer');
    await waitFor(async () => {
      // A step of before may be noted meanwhile.
      await anHourAgo('last_step_at');
      return (await look()).opened.includes('mirror_stale');
    }, 'the alert');
    resume();
    odoo.faults.latencyMs = 0;
    await planning;
  });
});

describe('the progress of a planner', () => {
  it('is a call to Odoo while it lasts, and its answer for three leases', async () => {
    const progress = new PlannerProgress(1, 1);
    let answer: (value: string) => void = () => {};
    const call = progress.during(
      new Promise<string>((resolve) => {
        answer = resolve;
      }),
    );
    const start = performance.now();
    await waitFor(() => performance.now() - start > 10, 'three leases');
    expect(progress.overdueMs()).toBeLessThan(0);
    answer('ids');
    expect(await call).toBe('ids');
    await waitFor(() => progress.overdueMs() > 0, 'the end of its patience');
  });

  it('ends with an error for a planner that was given up', async () => {
    const progress = new PlannerProgress(7, 2000);
    const error = progress.giveUp();
    expect(error).toMatchObject({
      code: 'lease_lost',
      message: expect.stringContaining('plan of run 7 made no progress for 6 s'),
    });
    expect(() => progress.step()).toThrow(error);
    await expect(progress.during(Promise.resolve(1))).rejects.toBe(error);
  });
});
