import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SandboxOdoo } from '../../../dev/sandbox-odoo/sandbox.ts';
import { createRun } from '../../../src/db/runs/runs.ts';
import { startRun } from '../../../src/sync/runs/start-run.ts';
import { freshPrefix } from '../../support/redis.ts';
import type { TestMirror, TestSetup } from '../../support/test-setup.ts';
import { openTestSetup } from '../../support/test-setup.ts';
import {
  addOrders,
  BC,
  ORDERS,
  otherOdoo,
  settingsOf,
  stored,
  storedSource,
  takingTurns,
} from './source-setup.ts';

describe('a mirror whose settings name another source', () => {
  let setup: TestSetup;
  let other: SandboxOdoo;
  const turn = takingTurns();
  beforeAll(async () => {
    setup = await openTestSetup({ sandbox: { documents: 30 } });
    other = await otherOdoo();
    addOrders(setup.odoo, 20);
    await turn(setup);
    expect(await setup.run('full')).toMatchObject({ status: 'success', created: 30 });
    await setup.run('incremental');
  });
  afterAll(async () => {
    await setup?.close();
    await other?.stop();
  });
  const opened = async (env: Record<string, string>): Promise<TestMirror> => {
    const mirror = setup.also(env);
    await turn(mirror);
    return mirror;
  };

  it.each([
    ['model', () => ORDERS, /ODOO_MODEL is other\.order, the mirror has dimagaz\.bc; ODOO_LINE_MODEL/],
    ['database', () => settingsOf(other), /ODOO_DB is sandbox, the mirror has another database of that name/],
  ])('refuses another %s in every mode, and stores nothing', async (_what, env, message) => {
    const before = await stored(setup);
    const mirror = await opened(env());
    for (const mode of ['incremental', 'sweep', 'full', 'single'] as const) {
      const run = await mirror.run(mode, mode === 'single' ? [1] : undefined);
      expect(run, mode).toMatchObject({ status: 'failed', errorCode: 'source_changed', planned: 0 });
      expect(run.errorMessage).toMatch(message);
      expect(run.errorMessage).toContain('passerelle sync --new-source');
    }
    expect(await stored(setup)).toEqual(before);
    await turn(setup);
    expect(await setup.run('sweep')).toMatchObject({ status: 'success', seen: 0, late: 0 });
  });

  it('accepts the same database under another name and address', async () => {
    const moved = await otherOdoo({ documents: 30, seed: 1, db: 'renamed', uuid: uuid() });
    const mirror = await opened(settingsOf(moved));
    expect(await mirror.run('sweep')).toMatchObject({ status: 'success' });
    expect(await storedSource(setup)).toMatchObject({ database: { name: 'renamed', uuid: uuid() } });
    await turn(setup);
    expect(await setup.run('full')).toMatchObject({ status: 'success', seen: 30 });
    await moved.stop();
  });

  it('does not take a right to read the uuid that comes or goes for another database', async () => {
    await turn(setup);
    for (const isDenied of [true, false]) {
      if (isDenied) setup.odoo.faults.denyModel('ir.config_parameter');
      for (const mode of ['full', 'sweep', 'incremental'] as const)
        expect(await setup.run(mode), mode).toMatchObject({ mode, status: 'success' });
      expect(await storedSource(setup)).toMatchObject({ database: { name: 'sandbox', uuid: uuid() } });
      setup.odoo.faults.clear();
    }
    expect(await setup.database.client`select id from model_change`).toEqual([]);
  });

  it.each([
    ['the name of the database', { db: 'staging', clock: () => new Date() }, /ODOO_DB is staging/],
    ['the creation date of the user', { clock: () => new Date('2024-01-01') }, /another database/],
  ])('finds another database by %s if the uuid may not be read', async (_what, options, message) => {
    const hidden = await otherOdoo({ ...options, uuid: uuid() });
    hidden.faults.denyModel('ir.config_parameter');
    const mirror = await opened(settingsOf(hidden));
    const run = await mirror.run('incremental');
    expect(run).toMatchObject({ status: 'failed', errorCode: 'source_changed' });
    expect(run.errorMessage).toMatch(message);
    await hidden.stop();
  });

  it.each([
    ['the model', () => ORDERS],
    ['the database', () => settingsOf(other)],
  ])('fails a run whose pages a worker with other settings takes: %s', async (_what, env) => {
    // Planned by the right process, and read by one that was not restarted.
    const queues = { QUEUE_PREFIX: freshPrefix() };
    const planner = setup.also(queues);
    const worker = setup.also({ ...env(), ...queues });
    const before = await stored(setup);
    await turn(null);
    const { db, definition } = planner.mirror;
    const run = await createRun(db, { key: definition.key, mode: 'full', trigger: 'cli' });
    await startRun(planner.mirror, run);
    await turn(worker);
    const refused = { status: 'failed', errorCode: 'source_changed', seen: 0 };
    expect(await planner.ended(run.id)).toMatchObject(refused);
    const { bcs, audited } = await stored(setup);
    expect({ bcs, audited }).toEqual({ bcs: before['bcs'], audited: before['audited'] });
  });

  it('follows a one2many that Odoo renamed, and refuses another one', async () => {
    setup.odoo.setField(BC, 'old_line_ids', lines('Lines'));
    const run = await (await opened({ ODOO_LINES_FIELD: 'old_line_ids' })).run('incremental');
    expect(run).toMatchObject({ status: 'failed', errorCode: 'source_changed' });
    expect(run.errorMessage).toContain('ODOO_LINES_FIELD is old_line_ids, the mirror has line_ids');
    setup.odoo.removeField(BC, 'line_ids');
    await turn(setup);
    expect(await setup.run('incremental')).toMatchObject({ mode: 'full', status: 'success' });
    expect(await storedSource(setup)).toMatchObject({ linesField: 'old_line_ids' });
  });

  const uuid = () => setup.odoo.read('ir.config_parameter', [1])[0]?.['value'] as string;
});

const lines = (string: string) =>
  ({ type: 'one2many', string, relation: 'dimagaz.bc.line', relation_field: 'bc_id' }) as const;

it('lets an empty mirror take another source', async () => {
  const setup = await openTestSetup({ sandbox: { documents: 0 } });
  addOrders(setup.odoo, 3);
  await setup.work();
  expect(await setup.run('full')).toMatchObject({ status: 'success', seen: 0 });
  const corrected = setup.also(ORDERS);
  await corrected.work();
  expect(await corrected.run('full')).toMatchObject({ status: 'success', created: 3 });
  await setup.close();
});
