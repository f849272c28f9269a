import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { freshPrefix } from '../../support/redis.ts';
import {
  openTestMirrors,
  openTestSetup,
  type Release,
  type TestMirror,
  type TestSetup,
} from '../../support/test-setup.ts';
import { waitFor } from '../../support/wait-for.ts';
import { BC, verify } from '../source/source-setup.ts';

const PARTNER = 'res.partner';
const PRODUCT = 'dimagaz.product';

/** Partners have personal data; the domain leaves out one product. */
const FILE = `
mirrors:
  bc: { model: dimagaz.bc, lines: dimagaz.bc.line }
  partners:
    model: res.partner
    fields: { hash: [name, email], mask: [city] }
  products: { model: dimagaz.product, domain: [["code", "!=", "HIDDEN"]] }
  users: { model: res.users, fields: { drop: [name, login] } }
`;

const NAMES = ['bc', 'partners', 'products', 'users'] as const;
type Name = (typeof NAMES)[number];

let setup: TestSetup;
let folder: string;
let mirrors: ReadonlyMap<string, TestMirror>;
const releases: Release[] = [];

const of = (name: Name): TestMirror => {
  const found = mirrors.get(name);
  if (found === undefined) throw new Error(`no mirror ${name}`);
  return found;
};

beforeAll(async () => {
  setup = await openTestSetup({ sandbox: { documents: 40 } });
  folder = await mkdtemp(join(tmpdir(), 'passerelle-mirrors-'));
  const path = join(folder, 'mirrors.yaml');
  await writeFile(path, FILE);
  const env = {
    ...setup.env,
    QUEUE_PREFIX: freshPrefix(),
    MIRRORS_FILE: path,
    // Two places for calls, and a call that hangs takes one of them for so long.
    ODOO_CONCURRENCY: '2',
    ODOO_TIMEOUT_MS: '10000',
    FIELD_HASH_KEY: 'a key of the tests with enough letters',
  };
  mirrors = await openTestMirrors(env, releases);
  for (const name of NAMES) await of(name).work();
});
afterAll(async () => {
  for (const release of releases.reverse()) await release();
  await rm(folder, { recursive: true, force: true });
  await setup?.close();
});

describe('several mirrors of one worker', () => {
  it('copy their models at the same time, each into its own tables', async () => {
    const { odoo } = setup;
    odoo.create(PRODUCT, { name: 'Secret', code: 'HIDDEN' });
    const runs = await Promise.all(NAMES.map((name) => of(name).run('full')));
    expect(runs.map(({ status, key, created }) => [status, key, created])).toEqual([
      ['success', 'bclinbc', 40],
      ['success', 'partners', odoo.count(PARTNER)],
      ['success', 'products', odoo.count(PRODUCT) - 1],
      ['success', 'users', odoo.count('res.users')],
    ]);
    for (const name of NAMES) expect([name, await verify(of(name))]).toMatchObject([name, { ok: true }]);
    const [views] = await setup.database.client`
      select (select count(*)::int from res_partner) as partners, (select count(*)::int from dimagaz_product) as products`;
    expect(views).toEqual({ partners: odoo.count(PARTNER), products: odoo.count(PRODUCT) - 1 });
  });

  it('have records with equal ids, and change only their own', async () => {
    const { odoo } = setup;
    const [id = 0] = odoo.ids(PRODUCT);
    expect(odoo.ids(BC)).toContain(id);
    odoo.write(PRODUCT, [id], { price: 12.5 });
    expect(await of('products').run('incremental')).toMatchObject({ status: 'success', updated: 1 });
    const rows = await setup.database.client`
      select 'products' as of, action from scrap_dimagaz_product_audit where odoo_id = ${id}
      union all select 'bc', action from audit_log where odoo_id = ${id} order by 1, 2`;
    expect(rows.map((row) => ({ ...row }))).toEqual([
      { of: 'bc', action: 'created' },
      { of: 'products', action: 'created' },
      { of: 'products', action: 'updated' },
    ]);
  });

  it('hide personal data before it is stored or queued, also as the label of another mirror', async () => {
    const { odoo, database } = setup;
    const planted = 'Zacharie Confidentiel';
    const [partner = 0] = odoo.ids(PARTNER);
    odoo.write(PARTNER, [partner], { name: planted, email: `${planted}@example.com`, city: planted });
    const [bc = 0] = odoo.ids(BC);
    odoo.write(BC, [bc], { partner_id: partner });
    expect(await of('partners').run('incremental')).toMatchObject({ status: 'success', updated: 1 });
    expect(await of('bc').run('incremental')).toMatchObject({ status: 'success', updated: 1 });
    const tables = await database.client`select tablename from pg_tables where schemaname = 'public'`;
    for (const { tablename } of tables) {
      const found = await database.client`
        select 1 from ${database.client(tablename)} as row where row::text ilike '%confidentiel%'`;
      expect([tablename, found.length]).toEqual([tablename, 0]);
    }
    const [joined] = await database.client`
      select count(*)::int as n from dimagaz_bc join res_partner on res_partner.name = dimagaz_bc.partner_id_name
      where dimagaz_bc.id = ${bc} and res_partner.city = 'Z***'`;
    expect(joined?.['n']).toBe(1);
  });

  it('leave out a dropped name everywhere', async () => {
    const [own] = await setup.database.client`
      select count(*)::int as n from scrap_res_users where fields ?| array['name', 'display_name', 'login']`;
    const [labels] = await setup.database.client`
      select count(user_id_id)::int as ids, count(user_id_name)::int as names from dimagaz_bc`;
    expect([own?.['n'], labels?.['names']]).toEqual([0, 0]);
    expect(labels?.['ids']).toBeGreaterThan(0);
  });

  it('go on while another one hangs', async () => {
    const { odoo } = setup;
    const end = odoo.faults.when({ model: PARTNER }, 'hang');
    odoo.write(PARTNER, odoo.ids(PARTNER).slice(0, 3), { city: 'Lyon' });
    const hanging = await of('partners').request('full');
    await waitFor(() => (odoo.faults.taken.get('hang') ?? 0) > 0, 'a call that hangs');
    odoo.write(BC, odoo.ids(BC).slice(0, 5), { notes: 'changed meanwhile' });
    expect(await of('bc').run('incremental')).toMatchObject({ status: 'success', updated: 5 });
    expect(await of('products').run('sweep')).toMatchObject({ status: 'success' });
    end();
    expect((await of('partners').ended(hanging)).status).toBe('failed');
    expect(await of('partners').run('full')).toMatchObject({ status: 'success', failed: 0 });
  });
});
