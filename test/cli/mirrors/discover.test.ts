import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ModelDefinition } from '../../../dev/sandbox-odoo/orm/fields.ts';
import { type SandboxOdoo, startSandboxOdoo } from '../../../dev/sandbox-odoo/sandbox.ts';
import { readConfig } from '../../../src/config/index.ts';
import { commandIn, start } from '../passerelle.ts';

const DOCUMENTS = 5;
const STORES = { DATABASE_URL: 'postgres://localhost/x', REDIS_URL: 'redis://localhost' };

const char = (string: string) => ({ type: 'char' as const, string });

/** `res.partner` with the usual personal fields. */
const PARTNER: ModelDefinition = {
  name: 'res.partner',
  description: 'Contact',
  fields: {
    name: char('Name'),
    email: char('Email'),
    street: char('Street'),
    vat: char('Tax ID'),
    image_1920: { type: 'binary', string: 'Image' },
    message_ids: { type: 'one2many', string: 'Messages', relation: 'mail.message', relation_field: 'res_id' },
  },
};

let odoo: SandboxOdoo;
let folder: string;
beforeEach(async () => {
  odoo = await startSandboxOdoo({ documents: DOCUMENTS });
  folder = mkdtempSync(join(tmpdir(), 'discover-'));
});
afterEach(async () => {
  await odoo.stop();
  rmSync(folder, { recursive: true });
});

/** No PostgreSQL and no Redis. */
const env = (more: Readonly<Record<string, string>> = {}) => ({
  ...{ ODOO_URL: odoo.url, ODOO_DB: odoo.db, ODOO_USER: odoo.user, ODOO_PASSWORD: odoo.apiKey },
  ...more,
});

function writeFile(text: string): Readonly<Record<string, string>> {
  const MIRRORS_FILE = join(folder, 'mirrors.yaml');
  writeFileSync(MIRRORS_FILE, text);
  return { MIRRORS_FILE };
}

/** As an administrator reads it; Odoo 19.0 refuses other users. */
function defineIrModel(...models: readonly (readonly [model: string, name: string, transient: boolean])[]) {
  const transient = { type: 'boolean' as const, string: 'Transient' };
  odoo.defineModel({
    ...{ name: 'ir.model', description: 'Models' },
    fields: { model: char('Model'), name: char('Name'), transient },
  });
  for (const [model, name, isTransient] of models)
    odoo.create('ir.model', { model, name, transient: isTransient });
}

test('without PostgreSQL, models are found by their relations if the user may not read ir.model', async () => {
  const { code, body } = await commandIn(env()).json('mirrors', 'discover');
  expect(code).toBe(0);
  expect(body).toMatchObject({ source: 'common', denied: [], failed: [], server: { user: odoo.user } });
  expect(body.models[0]).toEqual({
    ...{ model: 'dimagaz.bc', label: null, records: DOCUMENTS, hasWriteDate: true, mirror: 'bc' },
    lines: { model: 'dimagaz.bc.line', field: 'line_ids', isAmbiguous: false },
  });
  const found = body.models.map(({ model }: { model: string }) => model);
  expect(found).toEqual(expect.arrayContaining(['dimagaz.product', 'res.partner']));
  // It is the line model of another.
  expect(found).not.toContain('dimagaz.bc.line');
  const { stdout } = await commandIn(env()).passerelle('mirrors', 'discover');
  expect(stdout).toMatch(
    /^MODEL +LABEL +RECORDS +LINES +WRITE_DATE +MIRROR\ndimagaz\.bc +- +5 +dimagaz\.bc\.line +yes +bc\n/,
  );
  expect(stdout).toContain(`${odoo.user} may not read ir.model, the list of all models.`);
});

test('the list of ir.model has labels; transient and technical models are left out', async () => {
  odoo.defineModel({ name: 'bus.thing', description: 'Thing', fields: { name: char('Name') } });
  defineIrModel(
    ['dimagaz.product', 'Product of Dimagaz', false],
    ['dimagaz.import', 'Import', true],
    ['bus.thing', 'Thing', false],
  );
  odoo.create('bus.thing', { name: 'one' });
  const { body } = await commandIn(env()).json('mirrors', 'discover');
  expect(body).toMatchObject({
    source: 'ir.model',
    models: [{ model: 'dimagaz.product', label: 'Product of Dimagaz' }],
    leftOut: { technical: 1, empty: 0, lines: 0 },
  });
  const { body: everything } = await commandIn(env()).json('mirrors', 'discover', '--all');
  expect(everything.models.map(({ model }: { model: string }) => model)).toEqual([
    'dimagaz.product',
    'bus.thing',
  ]);
});

test('a model that is denied, fails or hangs does not stop the others', async () => {
  odoo.faults.denyModel('res.partner');
  odoo.faults.when({ model: 'res.company', method: 'search_count' }, 'user_error');
  odoo.faults.when({ model: 'dimagaz.tag', method: 'search_count' }, 'hang');
  const { code, body } = await commandIn(env({ ODOO_TIMEOUT_MS: '1000' })).json('mirrors', 'discover');
  expect(code).toBe(0);
  expect(body.denied).toEqual(['res.partner']);
  // A busy machine may let other models fail too.
  for (const failed of [{ model: 'res.company' }, { model: 'dimagaz.tag', code: 'odoo_timeout' }])
    expect(body.failed).toContainEqual(expect.objectContaining(failed));
  const models = body.models.map(({ model }: { model: string }) => model);
  expect(models).toEqual(expect.arrayContaining(['dimagaz.bc', 'dimagaz.product']));
  const { stdout } = await commandIn(env({ ODOO_TIMEOUT_MS: '1000' })).passerelle('mirrors', 'discover');
  expect(stdout).toContain(`${odoo.user} may not read 1 model: res.partner.\n`);
  expect(stdout).toMatch(/^dimagaz\.tag could not be counted\. no complete answer within 1000 ms/m);
});

test('a server that fails every call stops the command', async () => {
  odoo.faults.when({ method: 'search_count' }, 'error500');
  const { code, body } = await commandIn(env()).json('mirrors', 'discover');
  expect(code).toBe(1);
  expect(body.error.code).toMatch(/^odoo_/);
  expect(odoo.calls.filter(({ method }) => method === 'search_count').length).toBeLessThan(20);
});

test('a line model that the user may not read is not suggested', async () => {
  odoo.faults.denyModel('dimagaz.bc.line');
  const { body } = await commandIn(env()).json('mirrors', 'discover');
  expect(body.models).toContainEqual(expect.objectContaining({ model: 'dimagaz.bc', lines: null }));
  const file = writeFile('mirrors: { products: { model: dimagaz.product } }');
  const named = await commandIn(env(file)).passerelle('mirrors', 'discover', 'dimagaz.bc');
  expect(named.stdout).not.toContain('lines:');
});

test('a terminal shows the progress', async () => {
  const { stderr } = await start(['mirrors', 'discover'], env(), true).answer;
  expect(stderr).toMatch(/Counting records: model \d+ of \d+/);
});

test('only reads are sent to Odoo', async () => {
  await commandIn(env()).passerelle('mirrors', 'discover', '--all');
  await commandIn(env()).passerelle('mirrors', 'discover', 'dimagaz.bc', 'res.partner');
  const methods = new Set(odoo.calls.map(({ method }) => method));
  expect([...methods].sort()).toEqual(expect.arrayContaining(['fields_get', 'search_count', 'search_read']));
  for (const method of methods)
    expect([
      'version',
      'context_get',
      'authenticate',
      'fields_get',
      'search',
      'search_count',
      'search_read',
    ]).toContain(method);
});

test('the block for named models is a valid file, also with its proposals', async () => {
  odoo.defineModel(PARTNER);
  const { code, stdout } = await commandIn(env()).passerelle(
    ...['mirrors', 'discover', 'res.partner', 'dimagaz.product'],
  );
  expect(code).toBe(0);
  expect(stdout).toBe(
    [
      'mirrors:',
      '  bc:',
      '    model: dimagaz.bc',
      '    lines: dimagaz.bc.line',
      '  # 0 records',
      '  res_partner:',
      '    model: res.partner',
      '    fields:',
      '      exclude: [image_*, message_*]',
      '      # Personal data and secrets: remove "# " where a policy fits; hash needs FIELD_HASH_KEY.',
      '      # hash: [email, vat]',
      '      # mask: [name]',
      '      # drop: [street]',
      `  # ${odoo.count('dimagaz.product')} records`,
      '  dimagaz_product:',
      '    model: dimagaz.product',
      '',
    ].join('\n'),
  );
  expect(readConfig({ ...STORES, ...env(writeFile(stdout)) }).mirrors).toMatchObject([
    { name: 'bc', lineModel: 'dimagaz.bc.line' },
    { name: 'res_partner', fields: { exclude: ['image_*', 'message_*'], hash: [] } },
    { name: 'dimagaz_product', lineModel: null },
  ]);
  const chosen = stdout.replaceAll(/# (hash|mask|drop):/g, '$1:');
  const key = { FIELD_HASH_KEY: 'k'.repeat(32) };
  expect(readConfig({ ...STORES, ...env(writeFile(chosen)), ...key }).mirrors[1]?.fields).toMatchObject({
    ...{ hash: ['email', 'vat'], mask: ['name'], drop: ['street'] },
  });
});

test('proposals without an exclusion are a comment as a whole', async () => {
  const { stdout } = await commandIn(env()).passerelle('mirrors', 'discover', 'res.users');
  expect(stdout).toContain(
    [
      '    model: res.users',
      '    # Personal data and secrets: remove "# " where a policy fits; hash needs FIELD_HASH_KEY.',
      '    # fields:',
      '    #   hash: [login]',
      '    #   mask: [name]',
      '',
    ].join('\n'),
  );
  const plain = stdout.replaceAll(/# (fields:| {2}(?:hash|mask):)/g, '$1');
  const key = { FIELD_HASH_KEY: 'k'.repeat(32) };
  for (const text of [stdout, plain])
    expect(readConfig({ ...STORES, ...env(writeFile(text)), ...key }).mirrors).toHaveLength(2);
});

test('models of the file are not repeated, and the names are free', async () => {
  const file = writeFile(
    'mirrors: { dimagaz_product: { model: res.users }, bc: { model: dimagaz.bc, lines: dimagaz.bc.line } }',
  );
  const { stdout } = await commandIn(env(file)).passerelle(
    ...['mirrors', 'discover', 'dimagaz.bc.line', 'dimagaz.product'],
  );
  expect(stdout).toMatch(
    /^mirrors:\n {2}# dimagaz\.bc\.line is in the mirror bc\.\n {2}# \d+ records\n {2}dimagaz_product_2:\n {4}model: dimagaz\.product\n$/,
  );
});

test('a file that does not exist yet is no error', async () => {
  const missing = { MIRRORS_FILE: join(folder, 'new.yaml') };
  const { code, stdout, stderr } = await commandIn(env(missing)).passerelle(
    'mirrors',
    'discover',
    'dimagaz.bc',
  );
  expect(code).toBe(0);
  expect(stdout).toContain('mirrors:\n');
  expect(stdout).toContain('\n  bc:\n    model: dimagaz.bc\n    lines: dimagaz.bc.line\n');
  expect(stderr).toContain('MIRRORS_FILE: expected a file that this process can read (ENOENT)');
});

test('an unknown model is bad usage, and the closest name is suggested', async () => {
  expect(await commandIn(env()).passerelle('mirrors', 'discover', 'res.partnr')).toMatchObject({
    ...{ code: 2, stdout: '' },
    stderr: expect.stringContaining('has no model "res.partnr". Did you mean res.partner?'),
  });
});

test('a named model that the user may not read is an error of Odoo', async () => {
  odoo.faults.denyModel('res.partner');
  expect(await commandIn(env()).json('mirrors', 'discover', 'res.partner')).toMatchObject({
    ...{ code: 1, body: { error: { code: 'odoo_access_denied' } } },
  });
});

test('without the variables of Odoo the command is bad configuration', async () => {
  expect(await commandIn({}).passerelle('mirrors', 'discover')).toMatchObject({
    ...{ code: 2, stderr: expect.stringContaining('ODOO_URL is required to read Odoo') },
  });
});
