import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { listMirrors } from '../../../src/db/documents/mirrors.ts';
import { recordFailure } from '../../../src/db/runs/failures.ts';
import { createRun, updateRun } from '../../../src/db/runs/runs.ts';
import { openQueues } from '../../../src/queues/queues.ts';
import { openRedis } from '../../../src/queues/redis.ts';
import { createLogger } from '../../../src/shared/logger.ts';
import { freshPrefix, redisUrl } from '../../support/redis.ts';
import { openTestMirrors, openTestSetup, type Release, type TestSetup } from '../../support/test-setup.ts';
import { commandIn } from '../passerelle.ts';

const DOCUMENTS = 6;
const FOLDER = mkdtempSync(join(tmpdir(), 'passerelle-'));
const MIRRORS_FILE = join(FOLDER, 'mirrors.yaml');

/** Writes the mirrors of the configuration, in addition to `bc`. */
function configure(others: Readonly<Record<string, string>>): void {
  const lines = Object.entries(others).map(([name, model]) => `  ${name}: { model: ${model} }`);
  const bc = '  bc: { model: dimagaz.bc, lines: dimagaz.bc.line }';
  writeFileSync(MIRRORS_FILE, ['mirrors:', bc, ...lines, ''].join('\n'));
}

const PARTNERS = { partners: 'res.partner' };
const PRODUCTS = { products: 'dimagaz.product' };

let setup: TestSetup;
let command: ReturnType<typeof commandIn>;
beforeAll(async () => {
  configure({ ...PARTNERS, ...PRODUCTS });
  setup = await openTestSetup({ sandbox: { documents: DOCUMENTS }, env: { MIRRORS_FILE } });
  command = commandIn(setup.env);
});
afterAll(async () => {
  await setup?.close();
  rmSync(FOLDER, { recursive: true });
});

const partners = () => setup.odoo.ids('res.partner').length;

test('each mirror is synced on its own, and mirrors lists them with their state', async () => {
  expect(await command.json('sync')).toMatchObject({ code: 0, body: { created: DOCUMENTS } });
  const { code, stdout } = await command.passerelle('sync', '--mirror', 'partners');
  expect(code).toBe(0);
  expect(stdout).toContain(`\n  ${partners()} records: ${partners()} created\n`);
  const { body } = await command.json('mirrors');
  expect(body.mirrors).toMatchObject([
    {
      name: 'bc',
      model: 'dimagaz.bc',
      lineModel: 'dimagaz.bc.line',
      isConfigured: true,
      lastStatus: 'success',
    },
    { name: 'partners', model: 'res.partner', lineModel: null, isConfigured: true, openFailures: 0 },
    { name: 'products', model: 'dimagaz.product', isConfigured: true, documents: expect.any(Number) },
  ]);
  const lines = (await command.passerelle('mirrors')).stdout.split('\n');
  expect(lines[0]).toBe(
    'MIRROR    MODEL            LINES            DOCUMENTS  LAST SYNC  STATUS   FAILURES',
  );
  expect(lines[2]).toMatch(/^partners {2}res\.partner {6}- {16}\d+ +(just now|\d+ s ago) +success {2}0$/);
  expect(lines[3]).toMatch(/^products {2}dimagaz\.product {2}- {16}\d+ +never +- {8}0$/);
});

test('an unknown name is bad usage, and the closest name is suggested', async () => {
  for (const argv of [
    ['sync'],
    ['status'],
    ['verify'],
    ['runs'],
    ['failures'],
    ['show', '7'],
    ['retry', '--all'],
  ]) {
    const { code, stdout, stderr } = await command.passerelle(...argv, '--mirror', 'partner');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^There is no mirror "partner"\. Did you mean partners\? There are bc, partners/);
  }
});

test('status and verify have one block for each mirror', async () => {
  const { stdout } = await command.passerelle('status');
  expect(stdout.match(/^\w.*$/gm)).toEqual(['bc', 'partners', 'products']);
  expect(stdout).toContain('\npartners\n  Source     res.partner, database ');
  const { body } = await command.json('status');
  expect(body).toMatchObject({
    mirrors: [
      { name: 'bc', lastRuns: [{ created: DOCUMENTS }] },
      {
        name: 'partners',
        key: 'partners',
        lastRuns: [{ created: partners() }],
        queues: { sync: { waiting: 0 } },
      },
      { name: 'products', lastRuns: [] },
    ],
    otherIncidents: [],
  });
  expect((await command.json('status', '--mirror', 'partners')).body).toMatchObject({ key: 'partners' });

  const verified = await command.passerelle('verify');
  expect(verified.code).toBe(1);
  expect(verified.stdout).toMatch(
    new RegExp(
      `^bc\n {2}ok: 6 BC and \\d+ lines compared, no difference\npartners\n {2}ok: ${partners()} records compared, no ` +
        'difference\nproducts\n {2}not ok: \\d+ records compared\n {4}\\d+ missing: .*"passerelle sync --mirror products --sweep" reads them',
    ),
  );
  expect((await command.json('verify')).body).toMatchObject({
    ok: false,
    mirrors: [
      { name: 'bc', ok: true, headers: DOCUMENTS },
      { name: 'partners', ok: true, missing: 0 },
      { name: 'products', ok: false },
    ],
  });
  expect(await command.json('verify', '--mirror', 'partners')).toMatchObject({ code: 0, body: { ok: true } });
});

test('a mirror that Odoo refuses does not hide the verification of the others', async () => {
  configure({ ...PARTNERS, ...PRODUCTS, ghosts: 'dimagaz.ghost' });
  const { code, stdout } = await command.passerelle('verify');
  configure({ ...PARTNERS, ...PRODUCTS });
  expect(code).toBe(1);
  expect(stdout).toMatch(
    /^bc\n {2}ok: .*\npartners\n {2}ok: [\s\S]*\nghosts\n {2}failed\. \w+: .*dimagaz\.ghost/,
  );
});

test('show, failures, resync, retry and runs take the documents of the mirror', async () => {
  const [first = 0, second = 0] = setup.odoo.ids('res.partner');
  const name = String(setup.odoo.record('res.partner', first)['name']);
  const { body: run } = await command.json('resync', '--mirror', 'partners', String(first));
  expect(run).toMatchObject({ status: 'success', documents: [{ odooId: first, outcome: 'unchanged' }] });
  expect((await command.passerelle('resync', '--mirror', 'partners', String(first))).stdout).toBe(
    `Record ${first}: unchanged\n`,
  );
  expect((await command.json('show', name, '--mirror', 'partners')).body).toMatchObject({
    odooId: first,
    fields: { name },
  });
  expect(await command.passerelle('retry', String(first), '--mirror', 'partners')).toMatchObject({
    code: 1,
    stderr: `No open failure: record ${first}. Run "passerelle failures --mirror partners" to list the failures, or "passerelle resync --mirror partners" to read any record.\n`,
  });
  const failure = { key: 'partners', odooId: second, runId: run.runId, jobId: null };
  await recordFailure(setup.database.db, { ...failure, code: 'odoo_fault', message: 'No.' });
  expect((await command.json('failures')).body).toMatchObject({ count: 0 });
  expect((await command.passerelle('failures', '--mirror', 'partners')).stdout).toContain(
    'Retry them with "passerelle retry --mirror partners --all".',
  );
  expect((await command.json('retry', '--all', '--mirror', 'partners')).body).toMatchObject({
    openFailures: 0,
  });

  const { stdout } = await command.passerelle('runs');
  expect(stdout).toMatch(/^ID +MIRROR +MODE +/);
  expect(stdout).toMatch(/^\d+ +partners +single +retry +.*\n/m);
  expect((await command.json('runs', '--mirror', 'bc')).body.runs).toHaveLength(1);
  expect((await command.json('runs', '--limit', '1')).body.runs).toMatchObject([{ mirror: 'partners' }]);
  expect((await command.passerelle('runs', String(run.runId))).stdout).toContain(
    '\nRecords    1 unchanged\n',
  );
});

test('a mirror of the configuration and bc are not dropped', async () => {
  expect(await command.passerelle('mirrors', 'drop', 'partners', '--yes')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('The mirror partners is in the configuration.'),
  });
  expect(await command.passerelle('mirrors', 'drop', 'bc', '--yes')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('The mirror bc cannot be dropped.'),
  });
});

test('a mirror is not dropped while a worker with an earlier configuration runs it', async () => {
  const releases: Release[] = [];
  const partners = (await openTestMirrors(setup.env, releases)).get('partners');
  await partners?.work();
  configure(PRODUCTS);
  try {
    expect(await command.passerelle('mirrors', 'drop', 'partners', '--yes')).toMatchObject({
      code: 1,
      stderr: 'A worker still runs the mirror partners. Restart the workers and the API, then drop it.\n',
    });
  } finally {
    configure({ ...PARTNERS, ...PRODUCTS });
    for (const release of releases.reverse()) await release();
  }
});

test('a mirror that left the configuration keeps its data until it is dropped', async () => {
  const { db, client } = setup.database;
  configure(PRODUCTS);
  await createRun(db, { key: 'partners', mode: 'full', trigger: 'cli' }).then(({ id }) =>
    updateRun(db, id, { status: 'failed' }),
  );
  const listed = await command.passerelle('mirrors');
  expect(listed.stdout).toContain(
    '\npartners is no longer in the configuration; its data stay until "passerelle mirrors drop partners --yes".\n',
  );
  expect((await command.json('show', '1', '--mirror', 'partners')).body).toMatchObject({ odooId: 1 });

  const asked = await command.passerelle('mirrors', 'drop', 'partners');
  expect(asked.code).toBe(0);
  expect(asked.stdout).toMatch(
    /^This would delete the mirror partners:\n {2}Tables {4}scrap_res_partner, scrap_res_partner_line, scrap_res_partner_audit\n {2}Views {5}res_partner, res_partner_line\n {2}Contents {2}about \d+ records, \d+ runs, 1 failure\nNothing was deleted\./,
  );
  expect((await listMirrors(db)).map(({ name }) => name)).toContain('partners');

  await client`create view suppliers as select id from res_partner`;
  await client`create view reports as select odoo_id from scrap_res_partner`;
  const refused = await command.json('mirrors', 'drop', 'partners', '--yes');
  expect(refused).toMatchObject({ code: 1, body: { error: { code: 'mirror_has_dependents' } } });
  expect(refused.stderr).toMatch(
    /^The mirror partners cannot be dropped, because other objects of the database use it: view suppliers depends on view res_partner\. Drop them, or change them, then drop the mirror\.\n$/,
  );
  await client`drop view suppliers`;
  expect((await command.passerelle('mirrors', 'drop', 'partners', '--yes')).stderr).toContain(
    'use it: view reports depends on table scrap_res_partner.',
  );
  await client`drop view reports`;
  expect((await listMirrors(db)).map(({ name }) => name)).toContain('partners');

  const redis = openRedis(redisUrl(), 'producer', createLogger('silent', 'test'));
  const prefix = setup.env['QUEUE_PREFIX'] ?? '';
  const queues = openQueues(redis, `${prefix}:mirror:partners`, createLogger('silent', 'test'));
  await queues.hooks.add('bc', 7);
  await queues.sync.waitUntilReady();
  await queues.close();
  expect(await redis.keys(`${prefix}:mirror:partners:*`)).not.toEqual([]);
  expect(await command.json('mirrors', 'drop', 'partners', '--yes')).toMatchObject({
    code: 0,
    body: { name: 'partners', dropped: true, tables: expect.arrayContaining(['scrap_res_partner']) },
  });
  expect(await redis.keys(`${prefix}:mirror:partners:*`)).toEqual([]);
  expect(await redis.keys(`${prefix}:*`)).not.toEqual([]);
  redis.disconnect();
  const [left] = await client`
    select (select count(*)::int from pg_class where relname like '%res_partner%') as relations,
      (select count(*)::int from sync_log where key = 'partners') as runs,
      (select count(*)::int from sync_run_item where run_id not in (select id from sync_log)) as items,
      (select count(*)::int from sync_failure where key = 'partners') as failures,
      (select count(*)::int from odoo_field where model = 'res.partner') as fields,
      (select count(*)::int from sync_state where key = 'partners') as states`;
  expect(left).toEqual({ relations: 0, runs: 0, items: 0, failures: 0, fields: 0, states: 0 });
  expect(await command.passerelle('mirrors', 'drop', 'partners', '--yes')).toMatchObject({ code: 2 });
  expect(await command.json('verify', '--mirror', 'bc')).toMatchObject({ code: 0, body: { ok: true } });
});

test('a renamed mirror keeps its tables when the old name is dropped', async () => {
  configure({ goods: 'dimagaz.product' });
  expect(await command.json('sync', '--mirror', 'goods')).toMatchObject({ code: 0 });
  expect((await command.passerelle('mirrors', 'drop', 'products', '--yes')).stdout).toContain(
    '  Tables    none, because another mirror uses them\n',
  );
  expect(await command.json('verify', '--mirror', 'goods')).toMatchObject({ code: 0, body: { ok: true } });
});

test('without a mirror bc, a command works on the first mirror of the file', async () => {
  writeFileSync(
    MIRRORS_FILE,
    'mirrors:\n  users: { model: res.users }\n  goods: { model: dimagaz.product }\n',
  );
  // No process has created its tables yet.
  for (const argv of [['failures'], ['show', '1']])
    expect(await command.json(...argv)).toMatchObject({
      code: 1,
      body: { error: { code: 'mirror_never_ran' } },
    });
  expect((await command.passerelle('sync')).stdout).toContain(' records: ');
  expect((await command.json('runs', '--limit', '1')).body.runs).toMatchObject([{ mirror: 'users' }]);
  const [user = 0] = setup.odoo.ids('res.users');
  expect((await command.json('show', String(user))).body).toMatchObject({
    fields: { login: setup.odoo.record('res.users', user)['login'] },
  });
  await recordFailure(setup.database.db, {
    ...{ key: 'users', odooId: user, runId: 1, jobId: null, code: 'odoo_fault', message: 'No.' },
  });
  expect((await command.json('failures')).body).toMatchObject({ count: 1 });
  expect((await command.passerelle('mirrors')).stdout).toContain(
    '\nbc is no longer in the configuration; its data stay.\n',
  );
});

test('sync opens no queue of other mirrors', async () => {
  // The setup has opened those of all mirrors with its own prefix.
  const prefix = freshPrefix();
  const fresh = commandIn({ ...setup.env, QUEUE_PREFIX: prefix });
  expect(await fresh.json('sync', '--mirror', 'goods')).toMatchObject({ code: 0 });
  const redis = openRedis(redisUrl(), 'producer', createLogger('silent', 'test'));
  const queues = await redis.keys(`${prefix}:*:meta`);
  redis.disconnect();
  expect(queues).toHaveLength(4);
  for (const key of queues) expect(key).toContain(`${prefix}:mirror:goods:`);
});
