import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commandIn } from '../../cli/passerelle.ts';
import { freshPrefix } from '../../support/redis.ts';
import {
  openTestMirrors,
  openTestSetup,
  type Release,
  type TestMirror,
  type TestSetup,
} from '../../support/test-setup.ts';
import { BC, verify } from '../source/source-setup.ts';

const LINE = 'dimagaz.bc.line';
const PARTNER = 'res.partner';
const FILE = `
mirrors:
  bc: { model: dimagaz.bc, lines: dimagaz.bc.line }
  partners: { model: res.partner }
`;
const UNCHANGED = { status: 'success', planned: 0, archived: 0 };

let setup: TestSetup;
let folder: string;
let mirrors: ReadonlyMap<string, TestMirror>;
let command: ReturnType<typeof commandIn>;
const releases: Release[] = [];

const of = (name: 'bc' | 'partners'): TestMirror => {
  const found = mirrors.get(name);
  if (found === undefined) throw new Error(`no mirror ${name}`);
  return found;
};
const erase = (...argv: string[]) => command.json('erase', ...argv);

beforeAll(async () => {
  setup = await openTestSetup({ sandbox: { documents: 12 } });
  folder = await mkdtemp(join(tmpdir(), 'passerelle-erase-'));
  const MIRRORS_FILE = join(folder, 'mirrors.yaml');
  await writeFile(MIRRORS_FILE, FILE);
  const env = { ...setup.env, QUEUE_PREFIX: freshPrefix(), MIRRORS_FILE };
  mirrors = await openTestMirrors(env, releases);
  command = commandIn(env);
  for (const mirror of mirrors.values()) await mirror.work();
  for (const mirror of mirrors.values()) expect((await mirror.run('full')).status).toBe('success');
});
afterAll(async () => {
  for (const release of releases.reverse()) await release();
  await rm(folder, { recursive: true, force: true });
  await setup?.close();
});

const row = async (table: string, id: number) => {
  const { client } = setup.database;
  const [found] = await client`
    select fields, archive_reason as reason, archived_at is not null as archived from ${client(table)} where odoo_id = ${id}`;
  return found === undefined ? undefined : { ...found };
};
const trail = async (table: string, id: number) => {
  const { client } = setup.database;
  const rows = await client`
    select action, changes->>'reason' as reason from ${client(table)} where odoo_id = ${id} order by id`;
  return rows.map(({ action, reason }) => [action, reason]);
};
const linesOf = (id: number) =>
  setup.odoo.ids(LINE).filter((line) => setup.odoo.record(LINE, line)['bc_id'] === id);

describe('a BC that was erased', () => {
  const id = () => setup.odoo.ids(BC)[0] ?? 0;

  it('is counted and not changed without --yes', async () => {
    const { code, body } = await erase('bc', String(id()));
    expect({ code, body }).toMatchObject({
      code: 0,
      body: { erased: false, headers: 1, lines: linesOf(id()).length },
    });
    expect(await row('scrap_dimagaz_bc', id())).toMatchObject({ archived: false, fields: { id: id() } });
  });

  it('leaves a row without content, no lines, no older audit entry and no failure', async () => {
    const { client } = setup.database;
    await client`
      insert into sync_failure (key, odoo_id, code, message, run_id, next_attempt_at, resolved_at)
      values ('bclinbc', ${id()}, 'odoo_application_error', 'No.', 1, now(), now())`;
    const { code, body } = await erase('bc', String(id()), '--yes');
    expect({ code, body }).toMatchObject({
      code: 0,
      body: { erased: true, isComplete: true, failures: 1, audits: 1 },
    });
    expect(await row('scrap_dimagaz_bc', id())).toEqual({
      ...{ fields: { id: id() }, archived: true, reason: 'erased' },
    });
    expect(await trail('audit_log', id())).toEqual([['archived', 'erased']]);
    const [left] = await client`
      select (select count(*)::int from scrap_dimagaz_bc_line where bc_odoo_id = ${id()}) as lines,
        (select count(*)::int from sync_failure where odoo_id = ${id()}) as failures`;
    expect(left).toEqual({ lines: 0, failures: 0 });
  });

  it('is not read by any run, and verify finds no difference', async () => {
    setup.odoo.write(BC, [id()], { notes: 'changed' });
    setup.odoo.write(LINE, linesOf(id()).slice(0, 1), { note: 'changed' });
    expect(await of('bc').run('incremental')).toMatchObject({ status: 'success', created: 0, updated: 0 });
    expect(await of('bc').run('sweep')).toMatchObject(UNCHANGED);
    expect(await of('bc').run('full')).toMatchObject({ status: 'success', unchanged: 11, planned: 11 });
    expect(await verify(of('bc'))).toMatchObject({ ok: true, headers: 11 });
    const { stdout } = await command.passerelle('resync', String(id()));
    expect(stdout).toBe(
      `BC ${id()}: erased on request, so it is not read. "passerelle erase --lift" undoes that\n`,
    );
    expect(await trail('audit_log', id())).toEqual([['archived', 'erased']]);
  });

  it('stays the same when it is erased again', async () => {
    const { body } = await erase('bc', String(id()), '--yes');
    expect(body).toMatchObject({ erased: true, headers: 0, lines: 0, audits: 0 });
    expect(await trail('audit_log', id())).toEqual([['archived', 'erased']]);
  });

  it('is restored by the next sweep after the tombstone was lifted', async () => {
    expect((await erase('bc', String(id()), '--lift')).body).toMatchObject({ lifted: true });
    expect((await erase('bc', String(id()), '--lift')).body).toMatchObject({ lifted: false });
    expect(await of('bc').run('sweep')).toMatchObject({ status: 'success', planned: 1, updated: 1 });
    expect(await row('scrap_dimagaz_bc', id())).toMatchObject({
      archived: false,
      fields: { notes: 'changed' },
    });
    expect(await trail('audit_log', id())).toEqual([
      ['archived', 'erased'],
      ['restored', null],
    ]);
    expect(await verify(of('bc'))).toMatchObject({ ok: true, headers: 12 });
  });
});

describe('a partner that was erased', () => {
  it('loses its label in every mirror, and the ids stay', async () => {
    const { odoo } = setup;
    const partner = odoo.create(PARTNER, { name: 'Odile Effacée' });
    const [one = 0, other = 0] = odoo.ids(BC);
    odoo.write(BC, [one, other], { partner_id: partner });
    for (const name of ['partners', 'bc'] as const)
      expect((await of(name).run('incremental')).status).toBe('success');
    odoo.write(BC, [other], { partner_id: odoo.ids(PARTNER)[0] ?? 0 });
    expect(await of('bc').run('incremental')).toMatchObject({ updated: 1 });
    expect((await erase('partners', String(partner))).body).toMatchObject({
      labels: [{ mirror: 'bc', rows: 1 }],
    });
    // The header, and three audit entries.
    expect((await erase('partners', String(partner), '--yes')).body).toMatchObject({
      isComplete: true,
      labels: 4,
    });
    expect(await row('scrap_dimagaz_bc', one)).toMatchObject({ fields: { partner_id: [partner, false] } });
    const run = { status: 'success', updated: 0, created: 0 };
    for (const mode of ['full', 'sweep'] as const) expect(await of('bc').run(mode)).toMatchObject(run);
    expect(await verify(of('bc'))).toMatchObject({ ok: true });
    expect(await verify(of('partners'))).toMatchObject({ ok: true });
    odoo.write(BC, [one], { notes: 'read again' });
    expect(await of('bc').run('incremental')).toMatchObject({ updated: 1 });
    expect(await row('scrap_dimagaz_bc', one)).toMatchObject({ fields: { partner_id: [partner, false] } });
    const rows = await setup.database.client`
      select 1 from audit_log where changes::text like '%Effacée%'
      union all select 1 from scrap_dimagaz_bc where fields::text like '%Effacée%'`;
    expect(rows).toHaveLength(0);
  });
});
