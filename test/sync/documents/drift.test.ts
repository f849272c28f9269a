import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { verifyMirror } from '../../../src/sync/maintenance/verify.ts';
import type { TestSetup } from '../../support/test-setup.ts';
import { openTestSetup } from '../../support/test-setup.ts';

const BC = 'dimagaz.bc';
const LINE = 'dimagaz.bc.line';
const HOUR_MS = 3_600_000;

describe("a change of Odoo's model between two runs", () => {
  let setup: TestSetup;
  let now = new Date('2026-03-02T08:00:00.000Z');
  beforeAll(async () => {
    setup = await openTestSetup({ sandbox: { documents: 30, clock: () => now } });
    await setup.work();
    expect(await setup.run('full')).toMatchObject({ mode: 'full', modelChange: 0 });
    expect(await changes()).toEqual([]);
  });
  afterAll(() => setup?.close());
  beforeEach(async () => {
    now = new Date(now.getTime() + HOUR_MS);
    await setup.run('incremental');
    now = new Date(now.getTime() + HOUR_MS);
    await setup.database.client`truncate model_change, audit_log`;
    await setup.database.client`update sync_state set model_read = 0`;
  });

  const changes = async () =>
    [
      ...(await setup.database
        .client`select model, field, kind, reread from model_change order by field, model`),
    ].map((row) => ({ ...row }));
  const rows = (query: string) => setup.database.client.unsafe(query);
  const columnsOf = async (view: string) => {
    const found = await rows(`select attname as name, format_type(atttypid, atttypmod) as type,
      col_description(attrelid, attnum) as label from pg_attribute where attrelid = '${view}'::regclass and attnum > 0`);
    return Object.fromEntries(found.map(({ name, type, label }) => [name, { type, label }]));
  };
  /** The audit trail is emptied before each test. */
  const verify = () => verifyMirror({ ...setup.mirror, pageSize: 100, retention: { auditMs: 1 } }, () => {});
  const lines = () => setup.odoo.count(LINE);

  it('brings an added field into every row with one incremental run, which reads everything', async () => {
    setup.odoo.setField(BC, 'colour', { type: 'char', string: 'Colour', default: 'red' });
    setup.odoo.setField(LINE, 'x_studio_prêt', { type: 'boolean', string: 'Prêt', default: true });
    const before = await verify();
    expect(before).toMatchObject({ ok: false, different: 30 + lines(), missing: 0, modelChanges: 2 });
    expect(before.examples.different[0]).toMatchObject({ model: BC, fields: ['colour'] });
    expect(await setup.run('incremental')).toMatchObject({ mode: 'full', status: 'success', updated: 30 });
    expect(await rows(`select count(*)::int as n from dimagaz_bc where colour = 'red'`)).toEqual([{ n: 30 }]);
    expect(await rows('select count(*)::int as n from dimagaz_bc_line where "x_studio_prêt"')).toEqual([
      { n: lines() },
    ]);
    const [audit] = await rows('select changes from audit_log order by odoo_id limit 1');
    expect(audit?.['changes'].header).toEqual({ colour: { old: null, new: 'red' } });
    expect(Object.values(audit?.['changes'].linesChanged)).toContainEqual({
      x_studio_prêt: { old: null, new: true },
    });
    expect(await changes()).toEqual([
      { model: BC, field: 'colour', kind: 'added', reread: true },
      { model: LINE, field: 'x_studio_prêt', kind: 'added', reread: true },
    ]);
    expect(await verify()).toMatchObject({ ok: true });
    expect(await setup.run('incremental')).toMatchObject({ mode: 'incremental', seen: 0 });
  });

  it('reads nothing again for a new label, and shows it', async () => {
    setup.odoo.relabelField(BC, 'notes', 'Remarques');
    expect(await setup.run('incremental')).toMatchObject({ mode: 'incremental', seen: 0, modelChange: 0 });
    expect(await changes()).toEqual([{ model: BC, field: 'notes', kind: 'changed', reread: false }]);
    expect((await columnsOf('dimagaz_bc'))['notes']).toEqual({ type: 'text', label: 'Remarques' });
  });

  it('stores whether a text is translated, which is no change of the model', async () => {
    setup.odoo.setField(BC, 'terms', { type: 'html', string: 'Terms', translate: true });
    expect(await setup.run('incremental')).toMatchObject({ mode: 'incremental', seen: 0, modelChange: 0 });
    expect(await changes()).toEqual([]);
    const fields = await rows(`
      select name, description -> 'translate' as translate from odoo_field
      where model = '${BC}' and name in ('notes', 'terms') order by name`);
    expect([...fields]).toEqual([
      { name: 'notes', translate: null },
      { name: 'terms', translate: true },
    ]);
  });

  it('takes a renamed field for one removed and one added; rows keep the old one until they are read', async () => {
    setup.odoo.renameField(BC, 'scan_name', 'scan_title');
    await setup.run('single', [1]);
    const holding = `select count(*)::int as n from scrap_dimagaz_bc where fields ? 'scan_name'`;
    expect(await rows(holding)).toEqual([{ n: 29 }]);
    expect(await changes()).toEqual([
      { model: BC, field: 'scan_name', kind: 'removed', reread: true },
      { model: BC, field: 'scan_title', kind: 'added', reread: true },
    ]);
    expect(Object.keys(await columnsOf('dimagaz_bc'))).toEqual(expect.arrayContaining(['scan_title']));
    expect(await columnsOf('dimagaz_bc')).not.toHaveProperty('scan_name');
    expect(await setup.run('incremental')).toMatchObject({ mode: 'full', status: 'success' });
    expect(await rows(holding)).toEqual([{ n: 0 }]);
    expect(await verify()).toMatchObject({ ok: true });
  });

  it('shows a retyped field in its new type, and NULL where a row still holds the old one', async () => {
    setup.odoo.write(BC, [1, 2], { origin_model: 'res.partner' });
    await setup.run('incremental');
    setup.odoo.retypeField(BC, 'origin_model', { type: 'integer', string: 'Origin', default: 7 });
    await setup.run('single', [1]);
    expect((await columnsOf('dimagaz_bc'))['origin_model']).toEqual({ type: 'bigint', label: 'Origin' });
    expect(await rows('select origin_model from dimagaz_bc where id < 3 order by id')).toEqual([
      { origin_model: '7' },
      { origin_model: null },
    ]);
    expect(await setup.run('incremental')).toMatchObject({ mode: 'full' });
    expect(await rows('select count(*)::int as n from dimagaz_bc where origin_model = 7')).toEqual([
      { n: 30 },
    ]);
    expect(await verify()).toMatchObject({ ok: true });
  });

  it('is noticed by a sweep, and read again by the incremental run after it', async () => {
    setup.odoo.removeField(LINE, 'note');
    expect(await setup.run('sweep')).toMatchObject({ status: 'success', seen: 0 });
    expect(await verify()).toMatchObject({ ok: true, modelChanges: 1 });
    expect(await setup.run('incremental')).toMatchObject({ mode: 'full', status: 'success' });
    expect(await verify()).toMatchObject({ ok: true, modelChanges: 0 });
    expect(await rows(`select count(*)::int as n from scrap_dimagaz_bc_line where fields ? 'note'`)).toEqual([
      { n: 0 },
    ]);
  });

  it('leaves alone a view that something depends on, until it is free', async () => {
    await rows('grant select on dimagaz_bc to public');
    await rows('create view of_an_analyst as select priority from dimagaz_bc');
    setup.odoo.removeField(BC, 'priority');
    expect(await setup.run('incremental')).toMatchObject({ mode: 'full', status: 'success' });
    expect(await columnsOf('dimagaz_bc')).toHaveProperty('priority');
    expect(await rows('select count(priority)::int as n from of_an_analyst')).toEqual([{ n: 0 }]);
    await rows('drop view of_an_analyst');
    expect(await setup.run('incremental')).toMatchObject({ mode: 'incremental', status: 'success' });
    expect(await columnsOf('dimagaz_bc')).not.toHaveProperty('priority');
    const [view] = await rows(`select relacl::text as acl from pg_class where relname = 'dimagaz_bc'`);
    expect(view?.['acl']).toMatch(/[{,]=r\//);
  });

  it('does not count the order or the words of a selection, but its values', async () => {
    const options = (...values: [string, string][]) =>
      setup.odoo.setField(BC, 'state', { type: 'selection', string: 'State', selection: values });
    options(['draft', 'Draft'], ['done', 'Done']);
    await setup.run('incremental');
    await rows('truncate model_change');
    options(['done', 'Done'], ['draft', 'Draft']);
    expect(await setup.run('incremental')).toMatchObject({ mode: 'incremental' });
    expect(await changes()).toEqual([]);
    options(['done', 'Terminé'], ['draft', 'Draft']);
    expect(await setup.run('incremental')).toMatchObject({ mode: 'incremental' });
    expect(await changes()).toEqual([{ model: BC, field: 'state', kind: 'changed', reread: false }]);
    options(['closed', 'Terminé'], ['draft', 'Draft']);
    await rows('update sync_state set model_read = 0');
    expect(await setup.run('incremental')).toMatchObject({ mode: 'full' });
  });
});
