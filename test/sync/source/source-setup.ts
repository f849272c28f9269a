import { type SandboxOdoo, startSandboxOdoo } from '../../../dev/sandbox-odoo/sandbox.ts';
import { verifyMirror } from '../../../src/sync/maintenance/verify.ts';
import { requestRun } from '../../../src/sync/request-run.ts';
import type { TestMirror, TestSetup } from '../../support/test-setup.ts';

export const BC = 'dimagaz.bc';

/** An Odoo on another server; its ids and its database name are the same as those of the first one. */
export async function otherOdoo(options: Parameters<typeof startSandboxOdoo>[0] = {}) {
  const odoo = await startSandboxOdoo({ documents: 25, seed: 2, uuid: 'another', ...options });
  for (const id of odoo.ids(BC)) odoo.write(BC, [id], { name: `OTHER-${id}` });
  return odoo;
}

/** The settings for another Odoo. */
export const settingsOf = ({ url, db, apiKey }: SandboxOdoo) => ({
  ODOO_URL: url,
  ODOO_DB: db,
  ODOO_PASSWORD: apiKey,
});

/** Another document in the same Odoo: orders with lines, with the ids from 1. */
export const ORDERS = { ODOO_MODEL: 'other.order', ODOO_LINE_MODEL: 'other.order.line' };

export function addOrders(odoo: SandboxOdoo, count: number): void {
  const name = { type: 'char', string: 'Name' } as const;
  odoo.defineModel({
    name: 'other.order',
    description: 'Order',
    fields: {
      name,
      line_ids: {
        ...{ type: 'one2many', string: 'Lines' },
        ...{ relation: 'other.order.line', relation_field: 'order_id' },
      },
    },
  });
  odoo.defineModel({
    name: 'other.order.line',
    description: 'Order line',
    fields: { name, order_id: { type: 'many2one', string: 'Order', relation: 'other.order' } },
  });
  for (let at = 1; at <= count; at += 1) {
    const order = odoo.create('other.order', { name: `ORDER-${at}` });
    odoo.create('other.order.line', { name: `LINE-${at}`, order_id: order });
  }
}

/** Lets the workers of one mirror at a time work: the watchdog of others would resume its runs with their settings. */
export function takingTurns(): (mirror: TestMirror | null) => Promise<void> {
  let stop = async () => {};
  return async (mirror) => {
    await stop();
    if (mirror !== null) stop = await mirror.work();
  };
}

/** Runs `sync --new-source`. */
export async function move({ mirror, ended }: TestMirror) {
  return ended(await requestMove({ mirror }));
}

export async function requestMove({ mirror }: Pick<TestMirror, 'mirror'>): Promise<number> {
  const { db, queues, definition } = mirror;
  const run = { key: definition.key, mode: 'sweep' as const, newSource: true, trigger: 'cli' as const };
  return (await requestRun(db, queues.sync, run)).runId;
}

/** Everything that a run could have stored. */
export async function stored({ database }: TestSetup) {
  const [row] = await database.client`select
    (select jsonb_agg(jsonb_build_array(odoo_id, content_hash, archived_at, synced_at) order by odoo_id) from scrap_dimagaz_bc) as bcs,
    (select count(*)::int from scrap_dimagaz_bc_line) as lines,
    (select count(*)::int from audit_log) as audited,
    (select count(*)::int from model_change) as changes,
    (select jsonb_agg(distinct model) from odoo_field) as models,
    (select obj_description('dimagaz_bc'::regclass)) as view,
    (select to_jsonb(state) - array['lease_token', 'lease_heartbeat_at'] from sync_state as state) as state`;
  return { ...row };
}

/** The names of the live BCs, by id. */
export async function liveNames({ database }: TestSetup): Promise<Record<string, string>> {
  const rows = await database.client`
    select odoo_id, fields->>'name' as name from scrap_dimagaz_bc where archived_at is null order by odoo_id`;
  return Object.fromEntries(rows.map(({ odoo_id: id, name }) => [id, name]));
}

export async function storedSource({ database }: TestSetup) {
  const [row] = await database.client`select source from sync_state`;
  return row?.['source'];
}

export async function modelChanges({ database }: TestSetup) {
  const rows = await database.client`
    select model, field, kind, old, new, reread from model_change order by id`;
  return rows.map((row) => ({ ...row }));
}

export const verify = ({ mirror }: TestMirror) => verifyMirror({ ...mirror, pageSize: 100 }, () => {});
