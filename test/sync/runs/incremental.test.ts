import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { odooDateTime } from '../../../src/odoo/fields.ts';
import type { TestSetup } from '../../support/test-setup.ts';
import { openTestSetup } from '../../support/test-setup.ts';

/** An hour on a clock that only moves on request: the seed is well out of every window. */
const HOUR_MS = 3_600_000;

describe('an incremental run', () => {
  let setup: TestSetup;
  let now = new Date('2026-03-02T08:00:00.000Z');
  beforeAll(async () => {
    setup = await openTestSetup({ sandbox: { documents: 400, clock: () => now } });
    await setup.work();
    await setup.run('full');
    now = new Date(now.getTime() + HOUR_MS);
    await setup.run('incremental');
    now = new Date(now.getTime() + HOUR_MS);
  });
  afterAll(() => setup?.close());

  const changedIn = async (runId: number) => {
    const rows = await setup.database
      .client`select odoo_id from audit_log where run_id = ${runId} order by 1`;
    return rows.map((row) => Number(row['odoo_id']));
  };
  const lineOf = (bc: number) =>
    setup.odoo
      .ids('dimagaz.bc.line')
      .find((id) => setup.odoo.record('dimagaz.bc.line', id)['bc_id'] === bc) ?? 0;
  const withLines = () => setup.odoo.ids('dimagaz.bc').filter((id) => lineOf(id) !== 0);

  it('reads nothing when nothing was written, in five calls', async () => {
    expect(await setup.run('incremental')).toMatchObject({ status: 'success', seen: 0, rpcCalls: 5 });
  });

  it('writes nothing of the model where nothing of it changed, but when Odoo was asked', async () => {
    const versions = () => setup.database.client`
      select model, name, xmin::text from odoo_field where position > 0 order by model, name`;
    const asked = async () => {
      const [row] = await setup.database.client`select max(seen_at) as seen from odoo_field`;
      return new Date(row?.['seen']).getTime();
    };
    const before = [await versions(), await asked()] as const;
    await setup.run('incremental');
    expect(await versions()).toEqual(before[0]);
    expect(await asked()).toBeGreaterThan(before[1]);
  });

  it.each([
    ['a dropped view', 'drop view dimagaz_bc_line'],
    ['a deleted field', `delete from odoo_field where name = 'notes'`],
  ])('repairs %s, though Odoo describes the same fields as before', async (_what, damage) => {
    await setup.database.client.unsafe(damage);
    await setup.run('incremental');
    const [row] = await setup.database.client`
      select to_regclass('dimagaz_bc_line') is not null as view,
        exists (select from odoo_field where name = 'notes') as field`;
    expect(row).toEqual({ view: true, field: true });
    await setup.database
      .client`update sync_state set model_read = (select coalesce(max(id), 0) from model_change)`;
  });

  it('brings every kind of change, and only those', async () => {
    now = new Date(now.getTime() + HOUR_MS);
    const [header = 0, lineChanged = 0, lineAdded = 0, archived = 0] = withLines();
    setup.odoo.write('dimagaz.bc', [header], { notes: 'livré au dépôt n° 4 — « urgent » 🚚' });
    setup.odoo.write('dimagaz.bc.line', [lineOf(lineChanged)], { note: 'à vérifier' });
    setup.odoo.create('dimagaz.bc.line', { bc_id: lineAdded, name: 'Bouteille 13 kg', quantity: 2 });
    const created = setup.odoo.create('dimagaz.bc', { name: 'BC/NEUF/1' });
    setup.odoo.write('dimagaz.bc', [archived], { active: false });
    const run = await setup.run('incremental');
    expect(run).toMatchObject({ status: 'success', created: 1, updated: 4, failed: 0 });
    expect(await changedIn(run.id)).toEqual(
      [header, lineChanged, lineAdded, archived, created].sort((a, b) => a - b),
    );
  });

  it('brings 300 BCs that one transaction wrote with one write_date', async () => {
    now = new Date(now.getTime() + HOUR_MS);
    const ids = setup.odoo.ids('dimagaz.bc').slice(0, 300);
    setup.odoo.write('dimagaz.bc', ids, { priority: 7 });
    const run = await setup.run('incremental');
    expect(run).toMatchObject({ status: 'success', updated: 300 });
    expect(await changedIn(run.id)).toEqual(ids);
  });

  it('says in the audit trail what the values were and became', async () => {
    now = new Date(now.getTime() + HOUR_MS);
    const [id = 0] = withLines();
    const line = lineOf(id);
    const before = setup.odoo.record('dimagaz.bc.line', line)['note'];
    setup.odoo.write('dimagaz.bc', [id], { priority: 9 });
    setup.odoo.write('dimagaz.bc.line', [line], { note: 'compté deux fois' });
    const run = await setup.run('incremental');
    const [row] = await setup.database.client`select changes from audit_log where run_id = ${run.id}`;
    expect(row?.['changes']).toMatchObject({
      header: { priority: { old: 7, new: 9 } },
      linesChanged: { [line]: { note: { old: before ?? false, new: 'compté deux fois' } } },
    });
  });

  it('reads the BC that a line left as well as the one it went to', async () => {
    now = new Date(now.getTime() + HOUR_MS);
    const [from = 0, to = 0] = withLines();
    const line = lineOf(from);
    setup.odoo.write('dimagaz.bc.line', [line], { bc_id: to });
    const run = await setup.run('incremental');
    const [row] = await setup.database
      .client`select bc_odoo_id from scrap_dimagaz_bc_line where odoo_id = ${line}`;
    expect(Number(row?.['bc_odoo_id'])).toBe(to);
    expect([...new Set(await changedIn(run.id))]).toEqual([from, to].sort((a, b) => a - b));
  });

  it('notes a save that changed nothing without counting it as a change', async () => {
    now = new Date(now.getTime() + HOUR_MS);
    const [id = 0] = withLines();
    setup.odoo.write('dimagaz.bc', [id], { priority: 9 });
    const run = await setup.run('incremental');
    expect(run).toMatchObject({ status: 'success', updated: 0 });
    expect(await changedIn(run.id)).toEqual([]);
    const [row] = await setup.database
      .client`select odoo_write_date, fields->>'write_date' as text from scrap_dimagaz_bc where odoo_id = ${id}`;
    expect(new Date(row?.['odoo_write_date'])).toEqual(now);
    expect(row?.['text']).toBe(odooDateTime(now));
  });

  it('reaches back by the overlap, so that a transaction committed late is not lost', async () => {
    const late = setup.odoo.begin(now);
    const [id = 0] = withLines();
    late.write('dimagaz.bc', [id], { notes: 'validé après la pause' });
    now = new Date(now.getTime() + 5 * 60_000);
    expect(await setup.run('incremental')).toMatchObject({ updated: 0 });
    late.commit();
    expect(await setup.run('incremental')).toMatchObject({ updated: 1 });
  });
});
