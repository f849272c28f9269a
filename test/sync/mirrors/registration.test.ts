import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startSandboxOdoo } from '../../../dev/sandbox-odoo/sandbox.ts';
import { type Database, openDatabase } from '../../../src/db/client.ts';
import {
  listMirrors,
  MirrorModelChangedError,
  MirrorTablesDeniedError,
  registerMirror,
} from '../../../src/db/documents/mirrors.ts';
import { commandIn } from '../../cli/passerelle.ts';
import { startApiProcess } from '../../support/api-process.ts';
import { freshDatabase } from '../../support/database.ts';
import { freshPrefix, redisUrl } from '../../support/redis.ts';
import { openTestMirrors, QUICK, type Release } from '../../support/test-setup.ts';
import { startWorkerProcess } from '../../support/worker-process.ts';

const PARTNERS = { name: 'partners', model: 'res.partner', lineModel: null };

let database: Awaited<ReturnType<typeof freshDatabase>>;
let folder: string;
beforeEach(async () => {
  database = await freshDatabase();
  folder = await mkdtemp(join(tmpdir(), 'passerelle-registration-'));
});
afterEach(async () => {
  await database.close();
  await rm(folder, { recursive: true });
});

/** The environment of a process with these mirrors. */
const environment = async (mirrors: string, databaseUrl = database.url) => {
  const path = join(folder, 'mirrors.yaml');
  await writeFile(path, `mirrors:\n  ${mirrors}\n`);
  return {
    ...{ DATABASE_URL: databaseUrl, REDIS_URL: redisUrl(), QUEUE_PREFIX: freshPrefix() },
    ...{ ODOO_URL: 'http://127.0.0.1:1', ODOO_DB: 'd', ODOO_USER: 'u', ODOO_PASSWORD: 'p' },
    ...{ MIRRORS_FILE: path, PORT: '0', ADMIN_PASSWORD: 'of-the-tests' },
  };
};
const tablesLike = async (pattern: string) => {
  const rows = await database.client<{ tablename: string }[]>`
    select tablename from pg_tables where tablename like ${pattern} order by 1`;
  return rows.map(({ tablename }) => tablename);
};

/** Creates a role that may read and write all tables, and create none. Returns its DATABASE_URL. */
async function restrictedRole(role: string): Promise<string> {
  await database.client.unsafe(`
    create role ${role} login password 'of-the-tests';
    revoke create on schema public from public;
    grant usage on schema public, drizzle to ${role};
    grant select, insert, update, delete on all tables in schema public to ${role};
    grant all on all sequences in schema public to ${role};
    grant select on all tables in schema drizzle to ${role}`);
  const address = new URL(database.url);
  address.username = role;
  address.password = 'of-the-tests';
  return address.href;
}

const dropRole = (role: string) => database.client.unsafe(`drop owned by ${role}; drop role ${role}`);

describe('a role that may not create tables', () => {
  const ROLE = `service_${randomBytes(4).toString('hex')}`;
  const READER = `reader_${randomBytes(4).toString('hex')}`;
  let url: string;
  let db: Database;
  let close: () => Promise<void>;
  beforeEach(async () => {
    url = await restrictedRole(ROLE);
    await database.client.unsafe(`create role ${READER}; grant select on scrap_dimagaz_bc to ${READER}`);
    ({ db, close } = openDatabase(url));
  });
  afterEach(async () => {
    await close();
    for (const role of [ROLE, READER]) await dropRole(role);
  });

  it('gets the mirror, the table and two remedies in the message', async () => {
    const failure = await registerMirror(db, PARTNERS).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(MirrorTablesDeniedError);
    const { code, message } = failure as MirrorTablesDeniedError;
    expect(code).toBe('mirror_tables_denied');
    expect(message).toBe(
      `PostgreSQL did not let the role ${ROLE} create the table scrap_res_partner of the mirror partners: ` +
        'permission denied for schema public. Run "passerelle migrate" with MIRRORS_FILE and a role that may create ' +
        `tables, or run "grant create on schema public to ${ROLE}".`,
    );
    expect(await listMirrors(db)).toEqual([]);
  });

  it('ends API and worker with that message, until another role has run migrate', async () => {
    const env = await environment('partners: { model: res.partner, fields: { hash: [email] } }', url);
    const key = { FIELD_HASH_KEY: 'a key of the tests with enough letters' };
    for (const start of [startApiProcess, startWorkerProcess]) {
      const { exit, output } = start({ ...env, ...key });
      expect([await exit, output()]).toEqual([
        1,
        expect.stringContaining('the table scrap_res_partner of the mirror partners'),
      ]);
    }
    const migrate = commandIn({ ...env, DATABASE_URL: database.url });
    expect(await migrate.passerelle('migrate')).toMatchObject({
      code: 0,
      stdout: 'Created the tables of the mirror partners\n',
    });
    expect((await migrate.passerelle('migrate')).stdout).toContain('Nothing to do');

    await registerMirror(db, PARTNERS);
    expect((await listMirrors(db)).map(({ name }) => name)).toEqual(['partners']);
    const rights = await database.client<{ role: string; select: boolean; insert: boolean }[]>`
      select role, has_table_privilege(role, 'scrap_res_partner', 'select') as select,
        has_table_privilege(role, 'scrap_res_partner', 'insert') as insert
      from unnest(array[${ROLE}::text, ${READER}::text]) as role`;
    expect(rights.map((row) => ({ ...row }))).toEqual([
      { role: ROLE, select: true, insert: true },
      { role: READER, select: false, insert: false },
    ]);
  });
});

it('a role that may only read and write copies a mirror whose tables migrate has created', async () => {
  const odoo = await startSandboxOdoo({ documents: 5 });
  const role = `writer_${randomBytes(4).toString('hex')}`;
  const releases: Release[] = [];
  try {
    const url = await restrictedRole(role);
    const coordinates = { ODOO_URL: odoo.url, ODOO_DB: odoo.db, ODOO_USER: odoo.user };
    const env = { ...(await environment('partners: { model: res.partner }')), ...coordinates };
    expect(await commandIn(env).passerelle('migrate')).toMatchObject({ code: 0 });
    const own = { ...QUICK, ...env, DATABASE_URL: url, ODOO_PASSWORD: odoo.apiKey };
    const partners = (await openTestMirrors(own, releases)).get('partners');
    await partners?.work();
    const created = odoo.count('res.partner');
    expect(await partners?.run('full')).toMatchObject({ status: 'success', errorMessage: null, created });
  } finally {
    for (const release of releases.reverse()) await release();
    await dropRole(role);
    await odoo.stop();
  }
});

it('migrate reports a file that it cannot read, and applies the migrations', async () => {
  const env = { ...(await environment('partners: { model: res.partner }')), MIRRORS_FILE: '/nowhere.yaml' };
  const { code, stderr } = await commandIn(env).passerelle('migrate');
  expect(code).toBe(0);
  expect(stderr).toMatch(/^The tables of the mirrors were not created:\n {2}MIRRORS_FILE: .*ENOENT/m);
});

describe('a mirror whose models changed in the configuration', () => {
  const insert = (table: string) => database.client`
    insert into ${database.client(table)} (odoo_id, fields, content_hash, fetch_seq, fetched_at, synced_at)
    values (1, '{}', '', 1, now(), now())`;
  const company = { ...PARTNERS, model: 'res.company' };

  it('is refused if it has content, and nothing changes', async () => {
    await registerMirror(database.db, PARTNERS);
    await insert('scrap_res_partner');
    const failure = await registerMirror(database.db, company).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(MirrorModelChangedError);
    expect((failure as Error).message).toBe(
      'The mirror partners has the content of res.partner without lines, and the configuration has res.company ' +
        'without lines. Nothing was changed. Give the new models another mirror name, or delete the content with ' +
        '"passerelle mirrors drop partners --yes".',
    );
    expect(await listMirrors(database.db)).toMatchObject([{ name: 'partners', model: 'res.partner' }]);
    expect(await tablesLike('scrap_res_company%')).toEqual([]);
  });

  it('stops API and worker with exit code 2, until the content is dropped', async () => {
    await registerMirror(database.db, PARTNERS);
    await insert('scrap_res_partner');
    const env = await environment('partners: { model: res.company }');
    for (const start of [startApiProcess, startWorkerProcess]) {
      const { exit, output } = start(env);
      expect([await exit, output()]).toEqual([
        2,
        expect.stringContaining('passerelle mirrors drop partners --yes'),
      ]);
    }
    expect(await commandIn(env).passerelle('mirrors', 'drop', 'partners', '--yes')).toMatchObject({
      code: 0,
    });
    await registerMirror(database.db, company);
    expect(await tablesLike('scrap_res_%')).toEqual([
      'scrap_res_company',
      'scrap_res_company_audit',
      'scrap_res_company_line',
    ]);
    expect(await commandIn(env).passerelle('mirrors', 'drop', 'partners', '--yes')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('is in the configuration'),
    });
  });

  it('gets its new tables in place of empty ones, for example after a typing error', async () => {
    await registerMirror(database.db, { ...PARTNERS, model: 'res.partners' });
    await registerMirror(database.db, PARTNERS);
    expect(await tablesLike('scrap_res_%')).toEqual([
      'scrap_res_partner',
      'scrap_res_partner_audit',
      'scrap_res_partner_line',
    ]);
    expect(await listMirrors(database.db)).toMatchObject([{ name: 'partners', model: 'res.partner' }]);
  });

  it('can get lines later, and keeps lines that it has', async () => {
    await registerMirror(database.db, PARTNERS);
    await insert('scrap_res_partner');
    const banks = { ...PARTNERS, lineModel: 'res.partner.bank' };
    await registerMirror(database.db, banks);
    expect(await tablesLike('scrap_res_%')).toEqual([
      'scrap_res_partner',
      'scrap_res_partner_audit',
      'scrap_res_partner_bank',
    ]);
    await database.client`
      insert into scrap_res_partner_bank (odoo_id, bc_odoo_id, fields, content_hash, fetch_seq, fetched_at, synced_at)
      values (1, 1, '{}', '', 1, now(), now())`;
    await expect(registerMirror(database.db, PARTNERS)).rejects.toThrow(
      'has the content of res.partner with the lines res.partner.bank',
    );
  });

  it('leaves tables that another mirror uses', async () => {
    await registerMirror(database.db, PARTNERS);
    await insert('scrap_res_partner');
    await registerMirror(database.db, { ...PARTNERS, name: 'clients' });
    await registerMirror(database.db, company);
    expect(await tablesLike('scrap_res_partner')).toEqual(['scrap_res_partner']);
    const [row] = await database.client`select count(*)::int as n from scrap_res_partner`;
    expect(row?.['n']).toBe(1);
  });

  it('is moved by its runs if it is bc', async () => {
    const bc = { name: 'bc', model: 'dimagaz.bc', lineModel: 'dimagaz.bc.line' };
    await registerMirror(database.db, bc);
    await insert('scrap_dimagaz_bc');
    await registerMirror(database.db, { ...bc, model: 'purchase.order' });
    expect(await listMirrors(database.db)).toMatchObject([{ name: 'bc', model: 'purchase.order' }]);
  });
});
