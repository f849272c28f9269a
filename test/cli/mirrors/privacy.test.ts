import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createApiKey, revokeApiKey } from '../../../src/db/api-keys.ts';
import { openTestSetup, type TestSetup } from '../../support/test-setup.ts';
import { commandIn } from '../passerelle.ts';

const DOCUMENTS = 4;
const FOLDER = mkdtempSync(join(tmpdir(), 'privacy-'));
const MIRRORS_FILE = join(FOLDER, 'mirrors.yaml');
const PERSON = 'Dupont-Moretti';

/** `never` has no tables yet. */
const configure = (fields: string, others = ', never: { model: dimagaz.tag }') =>
  writeFileSync(
    MIRRORS_FILE,
    `mirrors: { bc: { model: dimagaz.bc, lines: dimagaz.bc.line }, partners: { model: res.partner, domain: [["city", "!=", "Nowhere"], ["name", "!=", "${PERSON}"]], fields: ${fields} }${others} }`,
  );
const FIELDS = '{ exclude: [image_*], drop: [comment], hash: [email], mask: [name] }';

let setup: TestSetup;
let command: ReturnType<typeof commandIn>;
beforeAll(async () => {
  configure(FIELDS, '');
  const env = { MIRRORS_FILE, FIELD_HASH_KEY: 'k'.repeat(32), RETAIN_AUDIT: '365d', RETAIN_RUNS: 'off' };
  setup = await openTestSetup({ sandbox: { documents: DOCUMENTS }, env });
  const { odoo } = setup;
  for (const name of ['street', 'comment', 'image_1920'])
    odoo.setField('res.partner', name, { type: 'char', string: name });
  const [first = 0, second = 0] = odoo.ids('res.partner');
  odoo.write('res.partner', [first], { street: '1 rue Secrete', comment: 'Secret remark' });
  odoo.write('res.partner', [second], { email: 'secret@example.com' });
  command = commandIn(setup.env);
  for (const mirror of ['bc', 'partners'])
    expect(await command.json('sync', '--mirror', mirror)).toMatchObject({ code: 0 });
  configure(FIELDS);
  const { db, client } = setup.database;
  await createApiKey(db, { name: 'all', scopes: ['bc:read'] });
  await createApiKey(db, { name: 'admin', scopes: ['admin'] });
  await createApiKey(db, { name: 'other', scopes: ['sync:write'] });
  await createApiKey(db, { name: 'old', scopes: ['bc:read'], expiresAt: new Date(0) });
  const limited = await createApiKey(db, { name: 'limited', scopes: ['bc:read'] });
  await client`update api_key set mirrors = '["partners"]' where id = ${limited.row.id}`;
  const revoked = await createApiKey(db, { name: 'revoked', scopes: ['bc:read'] });
  await revokeApiKey(db, revoked.row.prefix);
  await client`insert into erased_record (model, odoo_id) values ('res.partner', 991), ('res.partner', 992), ('other', 1)`;
  await client`update scrap_dimagaz_bc set archived_at = now() where odoo_id = (select min(odoo_id) from scrap_dimagaz_bc)`;
});
afterAll(async () => {
  await setup?.close();
  rmSync(FOLDER, { recursive: true });
});

test('the report lists mirrors with tables, policies, readers and numbers', async () => {
  const { code, body } = await command.json('privacy', 'report');
  expect(code).toBe(0);
  const [bc, partners, never] = body.mirrors;
  expect(bc).toMatchObject({
    ...{ name: 'bc', model: 'dimagaz.bc', lineModel: 'dimagaz.bc.line', isConfigured: true },
    tables: ['scrap_dimagaz_bc', 'scrap_dimagaz_bc_line', 'audit_log'],
    views: ['dimagaz_bc', 'dimagaz_bc_line'],
    contents: { live: DOCUMENTS - 1, archived: 1, erased: 0 },
    apiKeys: { allMirrors: 2, limited: 0 },
  });
  expect(partners).toMatchObject({
    name: 'partners',
    tables: ['scrap_res_partner', 'scrap_res_partner_audit'],
    contents: { live: setup.odoo.count('res.partner'), archived: 0, lines: 0, erased: 2 },
    settings: { fields: { drop: ['comment'], hash: ['email'], mask: ['name'] } },
    apiKeys: { allMirrors: 2, limited: 1 },
  });
  const field = (name: string) => partners.fields.find((one: { name: string }) => one.name === name);
  expect(field('email')).toMatchObject({ policy: 'hash', personal: { kind: 'e-mail' }, pending: null });
  expect(field('display_name')).toMatchObject({ policy: 'mask' });
  expect(field('street')).toMatchObject({
    ...{ policy: 'plain', personal: { kind: 'address', advice: 'drop' } },
  });
  expect(field('comment')).toBeUndefined();
  expect(partners.labels).toContainEqual({
    ...{ mirror: 'bc', model: 'dimagaz.bc', field: 'partner_id', policy: 'mask' },
  });
  expect(never).toMatchObject({
    contents: null,
    fields: null,
    tables: ['scrap_dimagaz_tag', 'scrap_dimagaz_tag_audit'],
  });
  expect(body.retention).toMatchObject({ auditMs: 365 * 86_400_000, runsMs: null, pruneEveryMs: null });
});

test('the text names plain fields that look personal, and the retention', async () => {
  const { code, stdout } = await command.passerelle('privacy', 'report');
  expect(code).toBe(0);
  expect(stdout).toMatch(
    /^bc {2}dimagaz\.bc with dimagaz\.bc\.line\n {2}Records +3 current, 1 archived, 0 erased on request; \d+ lines; \d+ in the audit trail\n/,
  );
  expect(stdout).toContain('\n  Not read  image_* (exclude); comment (drop)\n');
  expect(stdout).toMatch(/\n {2}API keys +2 for all mirrors, 1 limited to mirrors with this one\n/);
  expect(stdout).toMatch(
    /\n {2}Plain fields that look personal\n {4}FIELD +LABEL +KIND +POLICY THAT FITS\n {4}street +street +address +drop\n/,
  );
  expect(stdout).toMatch(/Plain links that show names of persons: .*user_id/);
  expect(stdout).toMatch(/\n {2}Audit trail +365 d \(RETAIN_AUDIT\)/);
  expect(stdout).toMatch(/\n {2}Runs, resolved failures +for ever \(RETAIN_RUNS\)/);
});

test('no value of a record is shown, and none of a domain that looks personal', async () => {
  for (const argv of [[], ['--json']]) {
    const { stdout } = await command.passerelle('privacy', 'report', ...argv);
    expect(stdout).not.toMatch(/Secret|secret@|Dupont/);
    const names = setup.odoo
      .ids('res.partner')
      .map((id) => String(setup.odoo.record('res.partner', id)['name']));
    for (const name of names) expect(stdout).not.toContain(name);
  }
  const { body } = await command.json('privacy', 'report');
  expect(body.mirrors[1].settings.domain).toEqual([
    ['city', '!=', 'Nowhere'],
    ['name', '!=', '***'],
  ]);
});

test('a policy that no run has applied yet is pending', async () => {
  configure('{ exclude: [image_*], drop: [comment, street], hash: [email, city], mask: [name] }');
  const { stdout } = await command.passerelle('privacy', 'report');
  configure(FIELDS);
  expect(stdout).toMatch(
    /\n {2}Not applied +(city \(hash\), street \(not read\)|street \(not read\), city \(hash\)): the next run applies the policy\n/,
  );
});

test('a mirror that left the configuration is in the report, because its data stay', async () => {
  writeFileSync(MIRRORS_FILE, 'mirrors: { bc: { model: dimagaz.bc, lines: dimagaz.bc.line } }');
  const { body } = await command.json('privacy', 'report');
  const { stdout } = await command.passerelle('privacy', 'report');
  configure(FIELDS);
  expect(body.mirrors[1]).toMatchObject({
    ...{ name: 'partners', isConfigured: false, settings: null, contents: { erased: 2 } },
  });
  expect(stdout).toContain('\npartners  res.partner; not in the configuration any more\n');
});

test('without PostgreSQL the report shows the configuration', async () => {
  const away = commandIn({ ...setup.env, DATABASE_URL: 'postgres://127.0.0.1:1/x' });
  const { code, body, stderr } = await away.json('privacy', 'report');
  expect(code).toBe(0);
  expect(stderr).toContain('The report shows the configuration only.');
  const { stdout } = await away.passerelle('privacy', 'report');
  expect(stdout).toContain('\n  Records   unknown, because PostgreSQL does not answer\n');
  expect(body).toMatchObject({ at: null, mirrors: [{ name: 'bc', contents: null, apiKeys: null }, {}, {}] });
});
