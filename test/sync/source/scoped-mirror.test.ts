import { createHmac } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { NO_LINES_MODEL } from '../../../src/odoo/fields.ts';
import { type Scope, scopeClient } from '../../../src/odoo/scoped-client.ts';
import type { Domain } from '../../../src/odoo/types.ts';
import { odooSource } from '../../../src/sync/source/odoo-source.ts';
import { type Adapt, openTestSetup, type TestSetup } from '../../support/test-setup.ts';
import { BC, verify } from './source-setup.ts';

const LINE = 'dimagaz.bc.line';
const PARTNER = 'res.partner';
const KEY = 'a key of the tests';
const hmac = (text: string) => createHmac('sha256', KEY).update(text).digest('hex');

/** A mirror that sees Odoo through a scope. */
const scoped =
  ({ model = BC, lineModel = LINE, domain = [], ...more }: Partial<Scope>): Adapt =>
  (mirror, odoo) => ({
    ...mirror,
    definition: { ...mirror.definition, model, lineModel: lineModel ?? NO_LINES_MODEL, domain },
    rules: { reads: more.reads ?? (() => true), hashKey: KEY },
    source: odooSource({
      odoo: scopeClient(odoo, {
        ...{ model, lineModel, domain, hashKey: KEY },
        ...{ reads: () => true, policyOf: () => undefined, labelPolicyOf: () => undefined },
        ...more,
      }),
      ...{ unscoped: odoo, database: 'sandbox', context: {} },
    }),
  });

const UNCHANGED = { status: 'success', planned: 0, archived: 0 };

let setup: TestSetup;
afterEach(() => setup?.close());

const archived = async () => {
  const rows = await setup.database.client`
    select odoo_id::int as id, archive_reason as reason from scrap_dimagaz_bc where archived_at is not null order by 1`;
  return Object.fromEntries(rows.map(({ id, reason }) => [id, reason]));
};
const trail = async (id: number) => {
  const rows = await setup.database.client`
    select action, changes->>'reason' as reason from audit_log where odoo_id = ${id} order by id`;
  return rows.map(({ action, reason }) => [action, reason]);
};
const storedFields = async (id: number) => {
  const [row] = await setup.database.client`select fields from scrap_dimagaz_bc where odoo_id = ${id}`;
  return row?.['fields'];
};

describe('a mirror without lines', () => {
  it('runs like any other, and asks Odoo nothing about lines', async () => {
    setup = await openTestSetup({
      sandbox: { documents: 0 },
      adapt: scoped({ model: PARTNER, lineModel: null }),
    });
    await setup.work();
    const { odoo } = setup;
    const count = odoo.count(PARTNER);
    expect(await setup.run('full')).toMatchObject({ status: 'success', created: count, failed: 0 });
    expect(await verify(setup)).toMatchObject({ ok: true, headers: count, lines: 0, modelChanges: 0 });
    const [first = 0, second = 0] = odoo.ids(PARTNER);
    odoo.write(PARTNER, [first], { name: 'Renommé' });
    const created = odoo.create(PARTNER, { name: 'Nouveau' });
    const run = await setup.run('incremental');
    expect(run).toMatchObject({ mode: 'incremental', status: 'success', created: 1, updated: 1 });
    expect(await setup.run('sweep')).toMatchObject(UNCHANGED);
    odoo.unlink(PARTNER, [second]);
    const swept = { status: 'success', planned: 1, archived: 1, linesRemoved: 0 };
    expect(await setup.run('sweep')).toMatchObject(swept);
    expect(await archived()).toEqual({ [second]: 'gone' });
    expect(await setup.run('sweep')).toMatchObject(UNCHANGED);
    expect(await setup.run('single', [created, second])).toMatchObject({ status: 'success', unchanged: 1 });
    expect(await setup.run('full')).toMatchObject({ status: 'success', unchanged: count });
    expect(await verify(setup)).toMatchObject({ ok: true, headers: count, modelChanges: 0 });
    expect(odoo.calls.map(({ model }) => model)).not.toContain(NO_LINES_MODEL);
  });

  it('confirms its stored model without a comparison', async () => {
    setup = await openTestSetup({
      sandbox: { documents: 0 },
      adapt: scoped({ model: PARTNER, lineModel: null }),
    });
    await setup.work();
    await setup.run('full');
    const before = setup.mirror.models.compared;
    expect(before).not.toBeNull();
    await setup.run('incremental');
    expect(setup.mirror.models.compared).toBe(before);
  });
});

describe('a mirror with a domain', () => {
  const domain: Domain = ['|', ['state', '=', 'sent'], ['state', '=', 'done']];
  const open = async () => {
    setup = await openTestSetup({ sandbox: { documents: 30 }, adapt: scoped({ domain }) });
    const { odoo } = setup;
    const ids = odoo.ids(BC);
    odoo.write(BC, ids.slice(0, 10), { state: 'sent' });
    odoo.write(BC, ids.slice(10, 20), { state: 'done' });
    odoo.write(BC, ids.slice(20), { state: 'draft' });
    await setup.work();
    expect(await setup.run('full')).toMatchObject({ status: 'success', created: 20, failed: 0 });
    return { odoo, inside: ids.slice(0, 20), outside: ids.slice(20) };
  };
  const linesOf = (id: number) =>
    setup.odoo.ids(LINE).filter((line) => setup.odoo.record(LINE, line)['bc_id'] === id);

  it('holds its records only, and its sweeps find nothing', async () => {
    await open();
    expect(await setup.run('sweep')).toMatchObject(UNCHANGED);
    expect(await verify(setup)).toMatchObject({ ok: true, headers: 20 });
  });

  it('does not store a record outside the domain, whose lines changed or that is requested', async () => {
    const { odoo, outside } = await open();
    const [one = 0] = outside;
    odoo.write(LINE, linesOf(one).slice(0, 1), { note: 'hors du domaine' });
    const nothing = { status: 'success', created: 0, failed: 0 };
    expect(await setup.run('incremental')).toMatchObject(nothing);
    expect(await setup.run('single', [one])).toMatchObject(nothing);
    expect(await setup.run('sweep')).toMatchObject(UNCHANGED);
    expect(await verify(setup)).toMatchObject({ ok: true, headers: 20 });
  });

  it('archives what left the domain with a reason of its own, and takes it back', async () => {
    const { odoo, inside } = await open();
    const [left = 0, deleted = 0, single = 0] = inside;
    odoo.write(BC, [left], { state: 'cancel' });
    odoo.unlink(BC, [deleted]);
    expect(await setup.run('incremental')).toMatchObject({ status: 'success', archived: 0 });
    expect(await setup.run('sweep')).toMatchObject({ status: 'success', planned: 2, archived: 2, late: 0 });
    expect(await archived()).toEqual({ [left]: 'out_of_scope', [deleted]: 'gone' });
    const [lines] = await setup.database.client`
      select count(*)::int as count from scrap_dimagaz_bc_line
      where bc_odoo_id = ${left} and archive_reason = 'out_of_scope'`;
    expect(lines?.['count']).toBe(linesOf(left).length);
    expect(await setup.run('sweep')).toMatchObject(UNCHANGED);
    odoo.write(BC, [single], { state: 'cancel' });
    expect(await setup.run('single', [single])).toMatchObject({ status: 'success', archived: 1 });
    expect(await archived()).toMatchObject({ [single]: 'out_of_scope' });
    expect(await verify(setup)).toMatchObject({ ok: true, headers: 17 });

    odoo.write(BC, [left], { state: 'done' });
    expect(await setup.run('incremental')).toMatchObject({ status: 'success' });
    expect(await archived()).toEqual({ [deleted]: 'gone', [single]: 'out_of_scope' });
    expect(await trail(left)).toEqual([
      ['created', null],
      ['archived', 'out_of_scope'],
      ['restored', null],
    ]);
    expect(await setup.run('sweep')).toMatchObject(UNCHANGED);
    expect(await verify(setup)).toMatchObject({ ok: true, headers: 18 });
  });

  it('has no lasting difference for a line that moved to a BC outside the domain', async () => {
    const { odoo, inside, outside } = await open();
    const [line = 0] = linesOf(inside.find((id) => linesOf(id).length > 1) ?? 0);
    odoo.write(LINE, [line], { bc_id: outside[0] ?? 0 });
    expect(await setup.run('sweep')).toMatchObject({ status: 'success', updated: 1, linesRemoved: 1 });
    expect(await setup.run('sweep')).toMatchObject(UNCHANGED);
    expect(await verify(setup)).toMatchObject({ ok: true });
    odoo.write(LINE, [line], { bc_id: inside[3] ?? 0 });
    expect(await setup.run('sweep')).toMatchObject({ status: 'success' });
    expect(await setup.run('sweep')).toMatchObject(UNCHANGED);
    expect(await verify(setup)).toMatchObject({ ok: true });
  });

  it('asks Odoo nothing more at the end of a run if it has no domain', async () => {
    setup = await openTestSetup({ sandbox: { documents: 6 }, adapt: scoped({}) });
    await setup.work();
    await setup.run('full');
    setup.odoo.unlink(BC, setup.odoo.ids(BC).slice(0, 1));
    setup.odoo.calls.length = 0;
    expect(await setup.run('sweep')).toMatchObject({ status: 'success', archived: 1 });
    // One search confirms the deletion.
    expect(setup.odoo.calls.filter(({ method }) => method === 'search')).toHaveLength(1);
  });
});

describe('a mirror with policies', () => {
  const SECRET = 'secret@planted.example';
  const NAME = 'Wolfgang Planté';
  const everything = async () => {
    const rows = await setup.database.client`
      select row_to_json(bc)::text as text from scrap_dimagaz_bc as bc
      union all select row_to_json(line)::text from scrap_dimagaz_bc_line as line
      union all select row_to_json(audit)::text from audit_log as audit
      union all select row_to_json(failure)::text from sync_failure as failure`;
    return rows.map(({ text }) => text).join('\n');
  };
  const hiding = (field: string) =>
    field === 'email' ? ('hash' as const) : field === 'name' ? ('mask' as const) : undefined;

  it('stores hidden values only, and reads everything again after a change of a policy, which finds nothing new', async () => {
    const plain = scoped({ model: PARTNER, lineModel: null });
    setup = await openTestSetup({ sandbox: { documents: 0 }, adapt: plain });
    const id = setup.odoo.create(PARTNER, { name: NAME, email: SECRET, city: 'Planteville' });
    const stop = await setup.work();
    await setup.run('full');
    expect(await storedFields(id)).toMatchObject({ name: NAME, email: SECRET });
    await stop();

    const reads = (field: string) => field !== 'city';
    const hidden = setup.also({}, scoped({ model: PARTNER, lineModel: null, policyOf: hiding, reads }));
    await hidden.work();
    const count = setup.odoo.count(PARTNER);
    const run = await hidden.run('incremental');
    expect(run).toMatchObject({ mode: 'full', status: 'success', unchanged: count });
    expect(await storedFields(id)).toMatchObject({ name: 'W***', email: hmac(SECRET) });
    expect(await storedFields(id)).not.toHaveProperty('city');
    expect(await verify(hidden)).toMatchObject({ ok: true, modelChanges: 0 });
    expect(await hidden.run('sweep')).toMatchObject(UNCHANGED);
  });

  it('stores them nowhere in plain from the first run', async () => {
    const adapt = scoped({ labelPolicyOf: (model) => (model === PARTNER ? 'hash' : undefined) });
    setup = await openTestSetup({ sandbox: { documents: 5 }, adapt });
    const { odoo } = setup;
    const partner = odoo.create(PARTNER, { name: NAME });
    const [id = 0] = odoo.ids(BC);
    odoo.write(BC, [id], { partner_id: partner });
    await setup.work();
    expect(await setup.run('full')).toMatchObject({ status: 'success', created: 5 });
    expect(await storedFields(id)).toMatchObject({ partner_id: [partner, hmac(NAME)] });
    odoo.write(PARTNER, [partner], { name: `${NAME} 2` });
    // The stored label is never compared with a name of Odoo.
    expect(await setup.run('sweep')).toMatchObject(UNCHANGED);
    expect(odoo.calls.map(({ model }) => model)).not.toContain(PARTNER);
    odoo.write(BC, [id], { notes: 'lu de nouveau' });
    expect(await setup.run('incremental')).toMatchObject({ status: 'success', updated: 1 });
    expect(await storedFields(id)).toMatchObject({ partner_id: [partner, hmac(`${NAME} 2`)] });
    expect(await everything()).not.toContain(NAME);
  });

  it('ends a run before it reads anything if a policy does not fit', async () => {
    setup = await openTestSetup({ sandbox: { documents: 3 }, adapt: scoped({ policyOf: () => 'mask' }) });
    await setup.work();
    const run = await setup.run('full');
    expect(run).toMatchObject({ status: 'failed', errorCode: 'bad_field_policy', planned: 0 });
    expect(run.errorMessage).toContain('amount_total cannot be masked');
    expect(setup.odoo.calls.filter(({ model, method }) => model === BC && method !== 'fields_get')).toEqual(
      [],
    );
  });
});
