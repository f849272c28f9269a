import { afterEach, describe, expect, it } from 'vitest';
import { readState } from '../../../src/db/runs/lease.ts';
import { createRun } from '../../../src/db/runs/runs.ts';
import { verifyMirror } from '../../../src/sync/maintenance/verify.ts';
import { planRun } from '../../../src/sync/planning/plan-run.ts';
import { acquireRun } from '../../../src/sync/runs/run-lease.ts';
import type { TestSetup } from '../../support/test-setup.ts';
import { openTestSetup } from '../../support/test-setup.ts';

const BC = 'dimagaz.bc';
const LINE = 'dimagaz.bc.line';
const PARTNER = 'res.partner';
const PRODUCT = 'dimagaz.product';
const KEY = 'bclinbc';

/** Without a SWEEP_EVERY, a sweep counts as one of every 15 minutes: a quarter of the BCs. */
const A_QUARTER = { SWEEP_REREAD: '1h' };

let setup: TestSetup;
afterEach(() => setup.close());

const open = async (env: Record<string, string> = {}, documents = 40) => {
  setup = await openTestSetup({ sandbox: { documents }, env });
  return setup.work();
};

const verify = () => verifyMirror({ ...setup.mirror, pageSize: 200 }, () => {});

const rereadAfter = async () => (await readState(setup.mirror.db, KEY))?.rereadAfter;

/** The BCs of a run, as its ledger lists them. */
const itemsOf = async (runId: number) => {
  const rows = await setup.database
    .client`select odoo_id::int as id from sync_run_item where run_id = ${runId} order by odoo_id`;
  return rows.map(({ id }) => id);
};

/** Odoo's BCs whose header, or a line of which, refers to this record. */
const referring = (model: string, field: string, target: number): number[] => {
  const found = setup.odoo
    .ids(model)
    .map((id) => setup.odoo.record(model, id))
    .filter((record) => record[field] === target)
    .map((record) => Number(model === BC ? record.id : record['bc_id']));
  return [...new Set(found)].sort((a, b) => a - b);
};

const mostUsed = (model: string, field: string, targets: string): number => {
  const uses = (target: number) => referring(model, field, target).length;
  return setup.odoo.ids(targets).reduce((most, id) => (uses(id) > uses(most) ? id : most));
};

describe('a record that is renamed in Odoo', () => {
  it('has its new name in all BCs and lines after the next sweep, and no window sees it', async () => {
    await open();
    await setup.run('full');
    const partner = mostUsed(BC, 'partner_id', PARTNER);
    const product = mostUsed(LINE, 'product_id', PRODUCT);
    setup.odoo.write(PARTNER, [partner], { name: 'RENAMED LTD' });
    setup.odoo.write(PRODUCT, [product], { name: 'Renamed "screw" ❄' });
    expect(await setup.run('incremental')).toMatchObject({ status: 'success', planned: 0 });
    expect(await verify()).toMatchObject({ ok: false });
    const renamed = [
      ...new Set([...referring(BC, 'partner_id', partner), ...referring(LINE, 'product_id', product)]),
    ].sort((a, b) => a - b);
    const run = await setup.run('sweep');
    expect(run).toMatchObject({ status: 'success', updated: renamed.length, unchanged: 0, late: 0 });
    expect(run).toMatchObject({ planned: renamed.length, reread: renamed.length });
    expect(await itemsOf(run.id)).toEqual(renamed);
    expect(await verify()).toMatchObject({ ok: true });
    const [names] = await setup.database.client`
      select (select jsonb_agg(distinct fields -> 'partner_id' -> 1) from scrap_dimagaz_bc
          where fields -> 'partner_id' ->> 0 = ${String(partner)}) as partners,
        (select jsonb_agg(distinct fields -> 'product_id' -> 1) from scrap_dimagaz_bc_line
          where fields -> 'product_id' ->> 0 = ${String(product)}) as products`;
    expect(names).toEqual({ partners: ['RENAMED LTD'], products: ['Renamed "screw" ❄'] });
    expect(await setup.run('sweep')).toMatchObject({ status: 'success', planned: 0, reread: 0 });
  });

  it('is found among thousands that changed with it, and one that lost its name too', async () => {
    await open();
    const added = setup.odoo.begin();
    const partners = Array.from({ length: 2100 }, (_, n) => added.create(PARTNER, { name: `Partner ${n}` }));
    const [first = 0, second = 0] = setup.odoo.ids(BC);
    added.write(BC, [first], { partner_id: partners.at(-1) ?? 0 });
    added.write(BC, [second], { partner_id: partners[0] ?? 0 });
    added.commit();
    await setup.run('full');
    const changed = setup.odoo.begin();
    changed.write(PARTNER, partners, { city: 'Nîmes' });
    changed.write(PARTNER, [partners.at(-1) ?? 0], { name: 'The last one' });
    changed.write(PARTNER, [partners[0] ?? 0], { name: null });
    changed.commit();
    const run = await setup.run('sweep');
    expect(run).toMatchObject({ status: 'success', updated: 2, unchanged: 0, reread: 2 });
    expect(await verify()).toMatchObject({ ok: true });
  });

  it.each([
    ['may not be read', () => setup.odoo.faults.denyModel(PARTNER)],
    ['has no write_date', () => setup.odoo.removeField(PARTNER, 'write_date')],
    ['answers in an unknown form', () => setup.odoo.faults.when({ model: PARTNER }, 'malformed')],
  ])('does not end a sweep if its model %s; others are compared', async (_, spoil) => {
    await open();
    await setup.run('full');
    const product = mostUsed(LINE, 'product_id', PRODUCT);
    const partner = mostUsed(BC, 'partner_id', PARTNER);
    setup.odoo.write(PARTNER, [partner], { name: 'Unseen' });
    setup.odoo.write(PRODUCT, [product], { name: 'Seen' });
    spoil();
    const owners = referring(LINE, 'product_id', product);
    const run = await setup.run('sweep');
    expect(run).toMatchObject({ status: 'success', updated: owners.length, failed: 0 });
    expect(await itemsOf(run.id)).toEqual(owners);
  });
});

describe('the BCs that sweeps read again in turn', () => {
  it('are a share of all in each sweep, and bring what moves no write_date', async () => {
    let days = 1;
    await open(A_QUARTER);
    setup.odoo.setField(BC, 'age', { type: 'integer', string: 'Days since', compute: () => days });
    await setup.run('full');
    days = 2;
    expect(await setup.run('incremental')).toMatchObject({ planned: 0 });
    expect(await verify()).toMatchObject({ ok: false, different: 40 });
    const ids = setup.odoo.ids(BC);
    for (const turn of [0, 1, 2, 3]) {
      const share = ids.slice(10 * turn, 10 * turn + 10);
      const run = await setup.run('sweep');
      expect(run).toMatchObject({ status: 'success', planned: 10, reread: 10, updated: 10, late: 0 });
      expect(await itemsOf(run.id)).toEqual(share);
      expect(await rereadAfter()).toBe(share.at(-1));
    }
    expect(await verify()).toMatchObject({ ok: true });
  });

  it('begin again after the last one, and count apart from what differs', async () => {
    await open({ SWEEP_REREAD: '40m' });
    await setup.run('full');
    const ids = setup.odoo.ids(BC);
    const runs = [];
    // Three eighths of 40 BCs.
    for (let turn = 0; turn < 2; turn += 1) runs.push(await setup.run('sweep'));
    setup.odoo.erase(BC, [ids.at(-1) ?? 0]);
    const late = setup.odoo.begin(new Date('2025-01-01T00:00:00Z'));
    late.write(BC, [ids[0] ?? 0], { notes: 'late' });
    late.commit();
    runs.push(await setup.run('sweep'));
    expect(await Promise.all(runs.map(({ id }) => itemsOf(id)))).toEqual([
      ids.slice(0, 15),
      ids.slice(15, 30),
      [...ids.slice(0, 5), ...ids.slice(30)],
    ]);
    expect(runs.map(({ reread }) => reread)).toEqual([15, 15, 13]);
    expect(runs[2]).toMatchObject({ updated: 1, unchanged: 13, archived: 1, late: 1 });
    expect(await rereadAfter()).toBe(ids[4]);
  });

  it('are read by the next sweep if one fails after its plan', async () => {
    await open(A_QUARTER);
    await setup.run('full');
    const ids = setup.odoo.ids(BC);
    setup.odoo.faults.when({ method: 'read', model: BC }, 'error500');
    expect(await setup.run('sweep')).toMatchObject({ status: 'failed', reread: 10, unchanged: 0 });
    setup.odoo.faults.clear();
    const second = await setup.run('sweep');
    expect(second).toMatchObject({ status: 'success', reread: 10, unchanged: 10 });
    expect(await itemsOf(second.id)).toEqual(ids.slice(0, 10));
    expect(await itemsOf((await setup.run('sweep')).id)).toEqual(ids.slice(10, 20));
  });

  it('are not passed over if the plan does not end', async () => {
    const stop = await open(A_QUARTER);
    await setup.run('full');
    await stop();
    const { id } = await createRun(setup.mirror.db, { key: KEY, mode: 'sweep', trigger: 'cli' });
    const run = await acquireRun(setup.mirror, id);
    if (run === null) throw new Error('the lease is taken');
    // The last step of the plan fails, as in a worker that dies there.
    const { client } = setup.database;
    await client`
      create function refuse() returns trigger language plpgsql as $$ begin raise exception 'refused'; end $$`;
    await client`create trigger refuse before insert on sync_run_page for each row execute function refuse()`;
    await expect(planRun(setup.mirror, run)).rejects.toThrow();
    expect(await rereadAfter()).toBe(0);
    await client`drop trigger refuse on sync_run_page`;
    expect(await planRun(setup.mirror, run)).toBe('planned');
    expect(await itemsOf(id)).toEqual(setup.odoo.ids(BC).slice(0, 10));
    expect(await rereadAfter()).toBe(setup.odoo.ids(BC)[9]);
  });

  it('are not those whose failure pauses, and none with SWEEP_REREAD=off', async () => {
    await open(A_QUARTER);
    await setup.run('full');
    const ids = setup.odoo.ids(BC);
    const [bad = 0] = ids;
    setup.odoo.write(BC, [bad], { notes: 'not readable' });
    setup.odoo.faults.denyRecord(BC, bad);
    expect(await setup.run('incremental')).toMatchObject({ status: 'partial', failed: 1 });
    const run = await setup.run('sweep');
    expect(run).toMatchObject({ errorCode: 'paused_failures', reread: 9, failed: 0 });
    expect(await itemsOf(run.id)).toEqual(ids.slice(1, 10));
    const off = setup.also({ SWEEP_REREAD: 'off' });
    await off.work();
    expect(await off.run('sweep')).toMatchObject({ planned: 0, reread: 0 });
    expect(await rereadAfter()).toBe(ids[9]);
  });
});
