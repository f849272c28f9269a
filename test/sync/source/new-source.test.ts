import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { SandboxOdoo } from '../../../dev/sandbox-odoo/sandbox.ts';
import { findRun } from '../../../src/db/runs/runs.ts';
import { startRun } from '../../../src/sync/runs/start-run.ts';
import type { TestMirror, TestSetup } from '../../support/test-setup.ts';
import { openTestSetup } from '../../support/test-setup.ts';
import {
  addOrders,
  BC,
  liveNames,
  move,
  ORDERS,
  otherOdoo,
  requestMove,
  settingsOf,
  storedSource,
  takingTurns,
  verify,
} from './source-setup.ts';

describe('sync --new-source', () => {
  let setup: TestSetup;
  let other: SandboxOdoo;
  let turn: ReturnType<typeof takingTurns>;
  beforeAll(async () => {
    other = await otherOdoo({ documents: 10 });
  });
  afterAll(() => other?.stop());
  beforeEach(async () => {
    const env = { SWEEP_MAX_COUNT: '1', SWEEP_MAX_SHARE: '1', SYNC_PAGE_SIZE: '5' };
    setup = await openTestSetup({ sandbox: { documents: 15 }, env });
    addOrders(setup.odoo, 6);
    turn = takingTurns();
    await turn(setup);
    setup.odoo.faults.denyRecord(BC, 3);
    expect(await setup.run('full')).toMatchObject({ status: 'partial', created: 14, failed: 1 });
    setup.odoo.faults.clear();
  });
  afterEach(() => setup?.close());

  const opened = async (env: Record<string, string>): Promise<TestMirror> => {
    const mirror = setup.also(env);
    await turn(mirror);
    return mirror;
  };
  const names = (odoo: SandboxOdoo, model: string) =>
    Object.fromEntries(odoo.ids(model).map((id) => [id, odoo.record(model, id)['name']]));
  const refused = { status: 'failed', errorCode: 'source_changed' };
  const unfinished = { status: 'failed', errorCode: 'source_unfinished' };

  it.each([
    ['database', () => settingsOf(other), () => names(other, BC)],
    ['model', () => ORDERS, () => names(setup.odoo, 'other.order')],
  ])('leaves exactly the BCs of another %s', async (_what, env, expected) => {
    const moved = await opened(env());
    expect(await moved.run('incremental')).toMatchObject(refused);
    const count = Object.keys(expected()).length;
    const run = await move(moved);
    const complete = {
      mode: 'sweep',
      status: 'success',
      errorMessage: null,
      force: true,
      late: 0,
      failed: 0,
    };
    expect(run).toMatchObject(complete);
    expect(run.archived).toBe(15 - count);
    expect(await liveNames(setup)).toEqual(expected());
    expect(await verify(moved)).toMatchObject({ ok: true, headers: count, modelChanges: 0 });
    expect(await setup.database.client`select id from sync_failure where resolved_at is null`).toEqual([]);
    const next = { mode: 'incremental', status: 'success', created: 0, updated: 0 };
    expect(await moved.run('incremental')).toMatchObject(next);
    await turn(setup);
    expect(await setup.run('incremental')).toMatchObject(refused);
    const back = await move(setup);
    expect(back).toMatchObject({ status: 'success', archived: 0 });
    expect(await liveNames(setup)).toEqual(names(setup.odoo, BC));
    expect(await verify(setup)).toMatchObject({ ok: true, headers: 15 });
  });

  it('shows the fields and the view of the new model only', async () => {
    const moved = await opened(ORDERS);
    await move(moved);
    const columns = await setup.database.client`
      select attname as name from pg_attribute where attrelid = 'dimagaz_bc'::regclass and attnum > 0`;
    const shown = columns.map(({ name }) => name);
    expect(shown).toContain('name');
    expect(shown).not.toContain('amount_total');
    const [row] = await setup.database
      .client`select count(*)::int as n from dimagaz_bc where name like 'ORDER-%'`;
    expect(row).toEqual({ n: 6 });
  });

  it('is harmless where the source is the same', async () => {
    const run = await move(setup);
    expect(run).toMatchObject({ status: 'success', created: 1, unchanged: 14, archived: 0, late: 0 });
    expect(await storedSource(setup)).not.toHaveProperty('unfinishedRun');
    expect(await setup.run('incremental')).toMatchObject({ mode: 'incremental', status: 'success', seen: 0 });
  });

  it('refuses all other runs, with old and new settings, until one has succeeded', async () => {
    const moved = await opened(settingsOf(other));
    const fault = other.faults.when({ model: BC, method: 'read' }, 'error500');
    expect(await move(moved)).toMatchObject({ status: 'failed', errorCode: 'odoo_malformed_answer' });
    fault();
    for (const mirror of [setup, moved]) {
      await turn(mirror);
      for (const mode of ['incremental', 'sweep', 'full', 'single'] as const) {
        const run = await mirror.run(mode, mode === 'single' ? [1] : undefined);
        expect(run, mode).toMatchObject(unfinished);
        expect(run.errorMessage).toMatch(/^Run \d+ began to move the mirror to dimagaz\.bc of the database/);
      }
    }
    expect(await move(moved)).toMatchObject({ status: 'success' });
    expect(await liveNames(setup)).toEqual(names(other, BC));
    expect(await verify(moved)).toMatchObject({ ok: true });
    expect(await moved.run('incremental')).toMatchObject({ status: 'success' });
  });

  /** A move whose worker died: its lease and its jobs are gone, as after the death of its host and of Redis. */
  const abandoned = async (moved: TestMirror, phase: 'planning' | 'reading') => {
    await turn(null);
    const { db, queues } = moved.mirror;
    const runId = await requestMove(moved);
    const run = await findRun(db, runId);
    if (run === null) throw new Error('the run was not stored');
    await startRun(moved.mirror, run);
    if (phase === 'planning') {
      await setup.database.client`update sync_log set planned_at = null where id = ${runId}`;
    }
    await setup.database.client`update sync_state set lease_expires_at = now() - interval '1 hour'`;
    for (const queue of [queues.sync, queues.pages, queues.bc]) await queue.obliterate({ force: true });
    return runId;
  };

  it.each(['planning', 'reading'] as const)('is resumed after its worker died while %s', async (phase) => {
    const moved = setup.also({ ...settingsOf(other), SYNC_LEASE: '3s' });
    const runId = await abandoned(moved, phase);
    await turn(moved);
    const complete = { status: 'success', errorMessage: null, newSource: true, archived: 5 };
    expect(await moved.ended(runId)).toMatchObject(complete);
    expect(await liveNames(setup)).toEqual(names(other, BC));
    expect(await storedSource(setup)).not.toHaveProperty('unfinishedRun');
    expect(await verify(moved)).toMatchObject({ ok: true });
  });

  it('does not go back to the old source if a worker with the old settings resumes it', async () => {
    const moved = setup.also(settingsOf(other));
    const runId = await abandoned(moved, 'planning');
    const run = await findRun(setup.mirror.db, runId);
    if (run === null) throw new Error('the run was not stored');
    await expect(startRun(setup.mirror, run)).rejects.toMatchObject({ code: 'source_changed' });
    expect(await storedSource(setup)).toMatchObject({ database: { uuid: 'another' }, unfinishedRun: runId });
  });
});
