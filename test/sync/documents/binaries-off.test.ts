import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { beginReading } from '../../../src/db/documents/fetch-sequence.ts';
import { createRun } from '../../../src/db/runs/runs.ts';
import { verifyMirror } from '../../../src/sync/maintenance/verify.ts';
import { processBc } from '../../../src/sync/store/process-bc.ts';
import type { TestMirror, TestSetup } from '../../support/test-setup.ts';
import { openTestSetup } from '../../support/test-setup.ts';

const BC = 'dimagaz.bc';
const LINE = 'dimagaz.bc.line';
const content = (text: string) => Buffer.from(text.repeat(3000)).toString('base64');
const summary = (base64: string) => {
  const bytes = Buffer.from(base64, 'base64');
  return { bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
};

describe('SYNC_BINARIES=off', () => {
  const [scan, photo] = [content('bon '), content('photo ')];
  let setup: TestSetup;
  let off: TestMirror;
  let id = 0;
  let line = 0;
  beforeEach(async () => {
    setup = await openTestSetup({ sandbox: { documents: 3 } });
    id = setup.odoo.create(BC, { name: 'BC/SCAN', scan, scan_name: 'bon.pdf' });
    line = setup.odoo.create(LINE, { bc_id: id, name: 'x', photo });
    off = setup.also({ SYNC_BINARIES: 'off' });
    await off.work();
  });
  afterEach(() => setup.close());

  const fields = async () => {
    const [row] = await setup.database.client`
      select bc.fields as header, line.fields as line, bc.binary_sizes || line.binary_sizes as sizes
      from scrap_dimagaz_bc as bc, scrap_dimagaz_bc_line as line
      where bc.odoo_id = ${id} and line.odoo_id = ${line}`;
    return row ?? {};
  };
  const trail = async (runId: number) => {
    const [row] = await setup.database.client`
      select changes from audit_log where run_id = ${runId} and odoo_id = ${id}`;
    return row?.['changes'];
  };
  const isRight = async ({ mirror }: TestMirror) =>
    expect(await verifyMirror({ ...mirror, pageSize: 100 }, () => {})).toMatchObject({ ok: true });
  const known = async () => {
    const rows = await setup.database.client`
      select name, description->'mirrored' as mirrored from odoo_field where type = 'binary' order by name`;
    return rows.map((row) => [row['name'], row['mirrored']]);
  };

  it('leaves the contents out, and the fields are still known', async () => {
    expect(await off.run('full')).toMatchObject({ status: 'success', created: 4 });
    const { header, line: stored, sizes } = await fields();
    expect(header).toMatchObject({ name: 'BC/SCAN', scan_name: 'bon.pdf' });
    expect([Object.keys(header), Object.keys(stored)].flat()).not.toEqual(
      expect.arrayContaining([expect.stringMatching(/^(scan|photo)$/)]),
    );
    expect(sizes).toEqual({});
    expect(await known()).toEqual([
      ['photo', false],
      ['scan', false],
    ]);
    expect(await setup.database.client`select scan from dimagaz_bc where scan is not null`).toEqual([]);
    await isRight(off);
    expect(await off.run('incremental')).toMatchObject({ mode: 'incremental', updated: 0 });
  });

  it('drops the mirrored contents by one full run, and reads them again once it is on', async () => {
    await setup.work();
    await setup.run('full');
    expect((await fields())['header']).toMatchObject({ scan });
    await isRight(off);

    const dropped = await off.run('incremental');
    expect(dropped).toMatchObject({ mode: 'full', status: 'success', updated: 4, unchanged: 0 });
    expect(await fields()).toMatchObject({ sizes: {}, header: expect.not.objectContaining({ scan }) });
    expect(await trail(dropped.id)).toMatchObject({
      header: { scan: { old: summary(scan), new: null } },
      linesChanged: { [line]: { photo: { old: summary(photo), new: null } } },
    });
    await isRight(off);
    expect(await off.run('incremental')).toMatchObject({ mode: 'incremental', updated: 0 });

    const back = await setup.run('incremental');
    expect(back).toMatchObject({ mode: 'full', status: 'success', updated: 4 });
    expect(await fields()).toMatchObject({ header: { scan }, line: { photo } });
    expect(await trail(back.id)).toMatchObject({ header: { scan: { old: null, new: summary(scan) } } });
    expect(await known()).toEqual([
      ['photo', null],
      ['scan', null],
    ]);
    await isRight(setup);
    expect(await setup.run('incremental')).toMatchObject({ mode: 'incremental', updated: 0 });
  });
});

describe('contents', () => {
  let setup: TestSetup;
  beforeEach(async () => {
    setup = await openTestSetup({ sandbox: { documents: 3 } });
  });
  afterEach(() => setup.close());

  it('never get into the audit trail, not even when their field is gone from the model', async () => {
    const scan = content('bon ');
    const id = setup.odoo.create(BC, { name: 'BC/SCAN', scan });
    await setup.work();
    await setup.run('full');
    setup.odoo.removeField(BC, 'scan');
    const run = await setup.run('full');
    const [row] = await setup.database.client`
      select changes from audit_log where run_id = ${run.id} and odoo_id = ${id}`;
    expect(row?.['changes'].header.scan).toEqual({ old: summary(scan), new: null });
  });

  it('of a record that is gone since its page was read are not made up: its BC is read again', async () => {
    const { mirror, odoo } = setup;
    const [odooId = 0] = odoo.ids(BC);
    const run = await createRun(mirror.db, {
      key: 'bclinbc',
      mode: 'single',
      trigger: 'cli',
      odooIds: [odooId],
    });
    const [header] = await mirror.source.read(BC, [odooId], ['name']);
    const gone = { id: 999_999, bc_id: [odooId, 'x'], photo: '1.00 Kb' };
    const document = {
      ...(await beginReading(mirror.db)),
      ...{ header: header ?? { id: odooId }, lines: [gone] },
    };
    const job = { runId: run.id, page: 0, token: null, generation: 0, odooId, document };
    expect(await processBc(mirror, job, 1)).toBe('created');
    const rows = await setup.database.client`select odoo_id from scrap_dimagaz_bc_line`;
    expect(rows.length).toBeGreaterThan(0);
    expect(rows.map((row) => Number(row['odoo_id']))).not.toContain(999_999);
  });
});
