import { Writable } from 'node:stream';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { valueError } from '../../../dev/sandbox-odoo/errors.ts';
import { newestReread } from '../../../src/db/odoo-model/fields.ts';
import { createRun } from '../../../src/db/runs/runs.ts';
import type { RunMode } from '../../../src/db/schema/sync.ts';
import { processPage } from '../../../src/sync/fetch/process-page.ts';
import { verifyMirror } from '../../../src/sync/maintenance/verify.ts';
import type { DescribedModel } from '../../../src/sync/model/document-model.ts';
import { followModel, noteModel, withModel } from '../../../src/sync/model/model-drift.ts';
import { planRun } from '../../../src/sync/planning/plan-run.ts';
import { advanceRun } from '../../../src/sync/runs/advance-run.ts';
import { acquireRun } from '../../../src/sync/runs/run-lease.ts';
import { startRun } from '../../../src/sync/runs/start-run.ts';
import type { TestSetup } from '../../support/test-setup.ts';
import { openTestSetup } from '../../support/test-setup.ts';
import { waitFor } from '../../support/wait-for.ts';

const BC = 'dimagaz.bc';
const LINE = 'dimagaz.bc.line';
const BCS = 40;
let setup: TestSetup;
beforeEach(async () => {
  setup = await openTestSetup({
    sandbox: { documents: BCS },
    env: { SYNC_PAGE_SIZE: '8', SYNC_PAGES_IN_FLIGHT: '2', SYNC_ATTEMPTS: '1' },
  });
});
afterEach(() => setup.close());

const newRun = (mode: RunMode) => createRun(setup.mirror.db, { key: 'bclinbc', mode, trigger: 'cli' });
const rows = (query: string) => setup.database.client.unsafe(query);
const changed = async () =>
  (await rows('select field, kind from model_change order by field')).map(
    ({ field, kind }) => `${kind} ${field}`,
  );
/** The run's description of the model, as it is now. */
const describeFor = (runId: number): Promise<DescribedModel> =>
  withModel(setup.mirror, setup.mirror.source, runId, async (model) => model);
const verify = () => verifyMirror({ ...setup.mirror, pageSize: 100 }, () => {});

describe('a run with one attempt for each job, and a model that changes after its plan', () => {
  const plannedRun = async () => {
    const { id: runId } = await newRun('full');
    const run = await acquireRun(setup.mirror, runId);
    if (run === null) throw new Error('the lease is taken');
    await planRun(setup.mirror, run);
    await advanceRun(setup.mirror, runId);
    return { runId, token: run.leaseToken };
  };
  const endsWell = async (runId: number, look?: () => Promise<void>) => {
    await setup.work();
    expect(await setup.ended(runId)).toMatchObject({ status: 'success', created: BCS, failed: 0 });
    await look?.();
    // The next run reads again the records that the run read before the change.
    expect(await setup.run('incremental')).toMatchObject({ mode: 'full', status: 'success' });
    expect(await verify()).toMatchObject({ ok: true });
    expect(await setup.run('incremental')).toMatchObject({ mode: 'incremental', status: 'success' });
  };

  it('goes on without the fields that vanished, with others instead and others retyped', async () => {
    const { runId } = await plannedRun();
    setup.odoo.removeField(BC, 'notes');
    setup.odoo.renameField(LINE, 'note', 'remark');
    setup.odoo.retypeField(BC, 'priority', { type: 'char', string: 'Priority', default: 'high' });
    setup.odoo.setField(BC, 'colour', { type: 'char', string: 'Colour', default: 'red' });
    await endsWell(runId);
    expect(await changed()).toEqual([
      ...['added colour', 'removed note', 'removed notes', 'changed priority', 'added remark'],
    ]);
    expect(
      await rows(`select count(*)::int as n from dimagaz_bc where colour = 'red' and priority = 'high'`),
    ).toEqual([{ n: BCS }]);
  });

  it('goes on when only a type changed, to a binary and from one', async () => {
    const { runId } = await plannedRun();
    const scan = Buffer.from('%PDF').toString('base64');
    setup.odoo.write(BC, [1, 2, 3], { scan, origin_model: scan });
    setup.odoo.setField(BC, 'origin_model', { type: 'binary', string: 'Origin' });
    setup.odoo.setField(BC, 'scan', { type: 'char', string: 'Scan' });
    await endsWell(runId);
    const [row] = await rows('select scan, origin_model from dimagaz_bc where id = 2');
    expect(row).toEqual({ scan, origin_model: Buffer.from('%PDF') });
  });

  it('goes on when a binary vanished between the reading of the page and of its content', async () => {
    setup.odoo.write(BC, [1, 2, 3], { scan: Buffer.from('%PDF').toString('base64') });
    const { runId, token } = await plannedRun();
    await processPage(setup.mirror, { runId, page: 0, token, generation: 0 }, { number: 1, last: true });
    setup.odoo.removeField(BC, 'scan');
    await endsWell(runId, async () => {
      // The size text that the page had read is not taken for a content.
      expect(await rows(`select 1 from scrap_dimagaz_bc where fields ->> 'scan' <> 'false'`)).toEqual([]);
    });
    expect(await changed()).toEqual(['removed scan']);
    expect(await rows(`select 1 from scrap_dimagaz_bc where fields ? 'scan'`)).toEqual([]);
  });
});

/** A field that one record cannot compute: its code asks for a field of another model that is gone. */
const brokenFor = (id: number | null) => (row: { readonly id: number }) => {
  if (id === null || row.id === id) throw valueError("Invalid field 'vat_id' on model 'res.partner'");
  return 'fine';
};

it('a record that brings an error about a field by itself fails alone', async () => {
  setup.odoo.setField(BC, 'broken', { type: 'char', string: 'Broken', compute: brokenFor(7) });
  await setup.work();
  expect(await setup.run('full')).toMatchObject({ status: 'partial', failed: 1, created: BCS - 1 });
  expect(await rows('select odoo_id, code from sync_failure where resolved_at is null')).toMatchObject([
    { odoo_id: '7', code: 'odoo_unknown_field' },
  ]);
});

it('a model that no record can be read of fails the run, and blames no BC', async () => {
  setup.odoo.setField(BC, 'broken', { type: 'char', string: 'Broken', compute: brokenFor(null) });
  await setup.work();
  expect(await setup.run('full')).toMatchObject({ status: 'failed', errorCode: 'odoo_unknown_field' });
  expect(await setup.run('single', [3])).toMatchObject({
    status: 'failed',
    errorCode: 'odoo_unknown_field',
  });
  expect(await rows('select 1 from sync_failure')).toEqual([]);
  setup.odoo.removeField(BC, 'broken');
  expect(await setup.run('incremental')).toMatchObject({ status: 'success', created: BCS });
});

it('a field that vanishes while a sweep compares has it compared once more', async () => {
  await setup.work();
  await setup.run('full');
  const run = await newRun('sweep');
  await describeFor(run.id);
  setup.odoo.removeField(BC, 'write_date');
  await startRun(setup.mirror, run);
  expect(await setup.ended(run.id)).toMatchObject({ status: 'success', failed: 0, archived: 0 });
  expect(await changed()).toEqual(['removed write_date']);
});

it('a job that is retried after its run does not undo a reading with a newer description', async () => {
  await setup.work();
  const allow = setup.odoo.faults.denyRecord(BC, 7);
  const old = await setup.run('full');
  allow();
  setup.odoo.setField(BC, 'colour', { type: 'char', string: 'Colour', default: 'red' });
  await rows('update sync_failure set next_attempt_at = now()');
  expect(await setup.run('incremental')).toMatchObject({ mode: 'full', status: 'success' });
  const job = await setup.mirror.queues.bc.getJob(`bc-${old.id}-7-0`);
  await job?.retry('failed');
  await waitFor(async () => (await job?.getState()) === 'completed', 'the end of the retry');
  expect(await verify()).toMatchObject({ ok: true });
});

it('processes that see the same change at once note it once, and an old description undoes nothing', async () => {
  await setup.work();
  const first = await setup.run('full');
  const old = await describeFor(first.id + 100);
  setup.odoo.removeField(BC, 'notes');
  const { id: runId } = await newRun('single');
  const next = await describeFor(runId);
  const testMirror = setup.also({});
  const noted = await Promise.all(
    [setup, testMirror, setup, testMirror].map(({ mirror }) => noteModel(mirror, runId, next)),
  );
  const newest = await newestReread(setup.mirror.db, [BC, LINE], null);
  expect([...noted, newest]).toEqual(Array(5).fill(newest));
  expect(newest).toBeGreaterThan(0);
  // Records read by the old description are not up to this change.
  expect(await noteModel(setup.mirror, runId, old)).toBe(0);
  expect(await changed()).toEqual(['removed notes']);
});

it('a view that cannot follow is reported in the log, with a remedy', async () => {
  await setup.work();
  await setup.run('full');
  await rows('create view of_an_analyst as select notes from dimagaz_bc');
  setup.odoo.removeField(BC, 'notes');
  const logged: string[] = [];
  const stream = new Writable({
    write: (chunk, _encoding, done) => {
      logged.push(String(chunk));
      done();
    },
  });
  await setup.run('incremental');
  await followModel({ ...setup.mirror, log: pino(stream) });
  const [line = '{}', ...others] = logged;
  expect(others).toEqual([]);
  expect(JSON.parse(line)).toMatchObject({
    level: 40,
    view: 'dimagaz_bc',
    code: '2BP01',
    reason: expect.stringContaining('view of_an_analyst depends on view dimagaz_bc'),
    advice: expect.stringContaining('Drop what depends on the view'),
  });
});
