import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { bcStore } from '../../../src/db/documents/tables.ts';
import { lockDocuments } from '../../../src/db/documents/writes.ts';
import { commandIn, start } from '../../cli/passerelle.ts';
import {
  openTestMirrors,
  openTestSetup,
  type Release,
  type TestMirror,
  type TestSetup,
} from '../../support/test-setup.ts';
import { waitFor } from '../../support/wait-for.ts';
import { BC } from '../source/source-setup.ts';

const PARTNER = 'res.partner';
const MIRRORS_BC = '  bc: { model: dimagaz.bc, lines: dimagaz.bc.line }\n';
const MIRRORS_PARTNERS = '  partners: { model: res.partner }\n';

let setup: TestSetup;
let folder: string;
let env: Record<string, string>;
let command: ReturnType<typeof commandIn>;
let bc: TestMirror;
let partners: TestMirror;
const releases: Release[] = [];

const configure = (...mirrors: string[]) =>
  writeFile(join(folder, 'mirrors.yaml'), `mirrors:\n${mirrors.join('')}`);

beforeAll(async () => {
  setup = await openTestSetup({ sandbox: { documents: 12 } });
  folder = await mkdtemp(join(tmpdir(), 'passerelle-races-'));
  await configure(MIRRORS_BC, MIRRORS_PARTNERS);
  env = { ...setup.env, MIRRORS_FILE: join(folder, 'mirrors.yaml'), ODOO_TIMEOUT_MS: '8000' };
  const mirrors = await openTestMirrors(env, releases);
  const named = (name: string) => {
    const found = mirrors.get(name);
    if (found === undefined) throw new Error(`no mirror ${name}`);
    return found;
  };
  [bc, partners] = [named('bc'), named('partners')];
  command = commandIn(env);
  for (const mirror of [bc, partners]) {
    await mirror.work();
    expect((await mirror.run('full')).status).toBe('success');
  }
});
afterAll(async () => {
  for (const release of releases.reverse()) await release();
  await rm(folder, { recursive: true, force: true });
  await setup?.close();
});

/** Sessions that wait for an advisory lock. */
const waiting = (sessions: number) =>
  waitFor(async () => {
    const [row] = await setup.database.client`
      select count(*)::int as n from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock' and wait_event = 'advisory'`;
    return row?.['n'] === sessions;
  }, `${sessions} sessions that wait for a lock`);
const isErased = (id: number) =>
  waitFor(async () => {
    const rows = await setup.database.client`select from erased_record where odoo_id = ${id}`;
    return rows.length > 0;
  }, 'the tombstone');

it.each(['known', 'new'])('a %s BC that was read before the erasure is not stored after it', async (kind) => {
  const { odoo, database } = setup;
  const id = kind === 'known' ? (odoo.ids(BC)[0] ?? 0) : odoo.create(BC, { name: 'New' });
  if (kind === 'known') odoo.write(BC, [id], { notes: 'read before' });
  let erasure: ReturnType<typeof command.json> | null = null;
  let run = 0;
  await database.db.transaction(async (tx) => {
    await lockDocuments(bcStore(tx), [id]);
    erasure = command.json('erase', 'bc', String(id), '--yes');
    await waiting(1);
    // Its store waits behind the erasure.
    run = await bc.request('single', [id]);
    await waiting(2);
  });
  const headers = kind === 'known' ? 1 : 0;
  expect(await erasure).toMatchObject({ code: 0, body: { isComplete: true, headers } });
  expect(await bc.ended(run)).toMatchObject({
    status: 'success',
    gone: 1,
    created: 0,
    updated: 0,
    failed: 0,
  });
  const rows = await database.client`
    select fields, archive_reason as reason, (select count(*)::int from scrap_dimagaz_bc_line where bc_odoo_id = ${id}) as lines
    from scrap_dimagaz_bc where odoo_id = ${id}`;
  const erased = { fields: { id }, reason: 'erased', lines: 0 };
  expect(rows.map((row) => ({ ...row }))).toEqual(kind === 'known' ? [erased] : []);
});

it('the command waits for runs in progress, and a page that begins later does not read the record', async () => {
  const { odoo } = setup;
  const [, id = 0, partner = 0] = odoo.ids(PARTNER);
  const [one = 0, other = 0] = odoo.ids(BC).slice(1, 3);
  odoo.write(BC, [one, other], { partner_id: id });
  // Until the timeout; then the page is read again.
  odoo.faults.when({ model: BC, method: 'read' }, 'hang', 1);
  const run = await bc.request('incremental');
  await waitFor(() => (odoo.faults.taken.get('hang') ?? 0) > 0, 'a call that hangs');
  const erasing = start(['erase', 'partners', String(id), '--yes'], env, true);
  await isErased(id);
  odoo.calls.length = 0;
  odoo.write(PARTNER, [id, partner], { city: 'Nîmes' });
  expect(await partners.run('incremental')).toMatchObject({ status: 'success', updated: 1 });
  const read = odoo.calls.filter(({ model, method }) => model === PARTNER && method === 'read');
  expect(read.flatMap(({ ids }) => ids)).toEqual([partner]);

  const interrupted = start(['erase', 'partners', String(id), '--yes'], env);
  await waitFor(() => interrupted.interrupt(), 'the command to be interruptible');
  const stopped = await interrupted.answer;
  expect(stopped).toMatchObject({
    code: 130,
    stdout: expect.stringContaining('so its labels stay for now.'),
  });
  const answer = await erasing.answer;
  expect(answer).toMatchObject({ code: 0, stdout: expect.stringContaining('was erased:') });
  expect(answer.stderr).toContain(`Waiting for 1 run that began before: ${run}`);
  expect(await bc.ended(run)).toMatchObject({ status: 'success', updated: 2 });
  const [labels] = await setup.database.client`
    select array_agg(fields->'partner_id'->1) as labels from scrap_dimagaz_bc where odoo_id in (${one}, ${other})`;
  expect(labels).toEqual({ labels: '{false,false}' });
});

it('a record that was never seen can be erased before it comes', async () => {
  const { odoo } = setup;
  const next = Math.max(...odoo.ids(PARTNER)) + 1;
  expect((await command.passerelle('erase', 'partners', String(next))).stdout).toBe(
    [
      `Record ${next} of the mirror partners would be erased:`,
      '  Record    not in the mirror, 0 lines',
      '  Trail     0 audit rows',
      '  Failures  0',
      '  Labels    none',
      `Nothing was erased. "passerelle erase partners ${next} --yes" erases it.`,
      '',
    ].join('\n'),
  );
  expect((await command.json('erase', 'partners', String(next), '--yes')).body).toMatchObject({ headers: 0 });
  expect(odoo.create(PARTNER, { name: 'Jamais vue' })).toBe(next);
  expect(await partners.run('incremental')).toMatchObject({ status: 'success', created: 0 });
  expect((await command.json('erase', 'partners', String(next), '--lift')).body).toMatchObject({
    lifted: true,
  });
  expect(await partners.run('sweep')).toMatchObject({ status: 'success', created: 1 });
});

it('a record of a mirror that left the configuration can be erased', async () => {
  const [id = 0] = setup.odoo.ids(PARTNER);
  await configure(MIRRORS_BC);
  const { code, body } = await command.json('erase', 'partners', String(id), '--yes');
  await configure(MIRRORS_BC, MIRRORS_PARTNERS);
  expect({ code, body }).toMatchObject({ code: 0, body: { isComplete: true, headers: 1 } });
});

it('an unknown mirror and a wrong id are bad usage', async () => {
  expect(await command.passerelle('erase', 'partner', '7')).toMatchObject({
    code: 2,
    stderr: 'There is no mirror "partner". Did you mean partners? There are bc, partners.\n',
  });
  expect(await command.passerelle('erase', 'partners', 'Ann')).toMatchObject({
    code: 2,
    stderr: 'Ann is not an id of Odoo. Expected a whole number such as 42.\n',
  });
  expect((await command.passerelle('erase', 'partners', '7', '--yes', '--lift')).code).toBe(2);
});
