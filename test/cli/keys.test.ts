import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readKeyText } from '../../src/db/api-keys.ts';
import { freshDatabase } from '../support/database.ts';
import { commandIn, passerelle as run } from './passerelle.ts';

let database: Awaited<ReturnType<typeof freshDatabase>>;
let passerelle: ReturnType<typeof commandIn>['passerelle'];
let json: ReturnType<typeof commandIn>['json'];
beforeAll(async () => {
  database = await freshDatabase();
  // Nothing but this variable is needed.
  ({ passerelle, json } = commandIn({ DATABASE_URL: database.url }));
});
afterAll(() => database.close());
beforeEach(() => database.client`truncate api_key restart identity`);

const create = (...argv: string[]) => json('keys', 'create', '--name', 'portal', '--scope', ...argv);

describe('keys create', () => {
  it('shows the key once and how to use it; the table keeps its hash only', async () => {
    const { code, stdout } = await passerelle('keys', 'create', '--name', 'Portail', '--scope', 'bc:read');
    expect(code).toBe(0);
    const [key = ''] = stdout.split('\n');
    const text = readKeyText(key);
    expect(text).not.toBeNull();
    expect(stdout).toContain('Key 1 for Portail: bc:read, does not expire.');
    expect(stdout).toContain(`"Authorization: Bearer ${key}"`);
    const rows = await database.client`select * from api_key`;
    expect(rows).toMatchObject([{ name: 'Portail', prefix: text?.prefix, hash: text?.hash }]);
    expect(JSON.stringify(rows)).not.toContain(key.slice(-43));
  });

  it('with --json gives key, id and all that was chosen', async () => {
    const { body } = await create('bc:read,tryton:call', '--scope', 'bc:read', '--method', 'model.party.*');
    expect(body).toEqual({
      key: expect.stringMatching(/^psl_[a-z]{8}_[\w-]{43}$/),
      id: 1,
      prefix: body.key.slice(4, 12),
      name: 'portal',
      scopes: ['bc:read', 'tryton:call'],
      mirrors: [],
      methods: ['model.party.*'],
      context: {},
      createdAt: expect.stringMatching(/^20.*Z$/),
      expiresAt: null,
      lastUsedAt: null,
      revokedAt: null,
      state: 'usable',
    });
  });

  it('--context fixes members of the context of every call', async () => {
    const argv = ['--name', 'Lyon', '--scope', 'tryton:call', '--context', '{"company":2,"language":"fr"}'];
    const { stdout } = await passerelle('keys', 'create', ...argv);
    expect(stdout).toContain('(Tryton: reads, context {"company":2,"language":"fr"})');
    expect(await database.client`select context from api_key`).toEqual([
      { context: { company: 2, language: 'fr' } },
    ]);
  });

  it('--mirror limits the key to mirrors of the configuration', async () => {
    const { body } = await create('bc:read,sync:write', '--mirror', 'bc', '--mirror', 'bc');
    expect(body.mirrors).toEqual(['bc']);
    expect(await database.client`select mirrors from api_key`).toEqual([{ mirrors: ['bc'] }]);
    const folder = mkdtempSync(join(tmpdir(), 'passerelle-keys-'));
    const file = join(folder, 'mirrors.yaml');
    writeFileSync(file, 'mirrors: { bc: { model: dimagaz.bc }, partners: { model: res.partner } }');
    const several = commandIn({ DATABASE_URL: database.url, MIRRORS_FILE: file });
    const argv = ['keys', 'create', '--name', 'crm', '--scope', 'bc:read', '--mirror'];
    const made = await several.passerelle(...argv, 'partners', '--mirror', 'bc');
    expect(made.stdout).toContain('Key 2 for crm: bc:read of the mirrors partners, bc, does not expire.');
    expect((await several.passerelle('keys', 'list')).stdout).toMatch(/bc:read {2,}partners,bc {2,}-/);
    const refused = await several.passerelle(...argv, 'partner');
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toBe(
      'There is no mirror "partner". Did you mean partners? There are bc, partners.\n',
    );
    rmSync(folder, { recursive: true });
  });

  it('makes another key each time, also under the same name', async () => {
    const [first, second] = [await create('admin'), await create('admin')];
    expect(first.body.key).not.toBe(second.body.key);
    expect(first.body.prefix).not.toBe(second.body.prefix);
  });

  it.each([
    ['90d', 90 * 86_400_000],
    ['12h', 12 * 3_600_000],
  ])('--expires %s counts from now', async (text, ms) => {
    const { body } = await create('bc:read', '--expires', text);
    expect(Math.abs(Date.parse(body.expiresAt) - Date.now() - ms)).toBeLessThan(60_000);
  });

  it.each([
    ['2199-01-31', '2199-01-31T00:00:00.000Z'],
    ['2199-01-31T08:30:00+02:00', '2199-01-31T06:30:00.000Z'],
  ])('--expires %s is a moment', async (text, at) => {
    expect((await create('bc:read', '--expires', text)).body.expiresAt).toBe(at);
  });

  it.each([
    [['--scope', 'bc:read'], 'required option', '--name'],
    [['--name', 'x'], 'required option', '--scope'],
    [['--name', ' ', '--scope', 'bc:read'], '--name', '1 to 100 characters'],
    [['--name', 'x', '--scope', 'bc:write'], '--scope', 'bc:read, sync:write, tryton:call, admin'],
    [['--name', 'x', '--scope', ''], '--scope', 'bc:read, sync:write, tryton:call, admin'],
    [['--name', 'x', '--scope', 'tryton:call', '--method', 'model party'], '--method', "'model.*'"],
    [['--name', 'x', '--scope', 'tryton:call', '--method', ''], '--method', "'model.*'"],
    [['--name', 'x', '--scope', 'bc:read', '--method', 'model.*'], '--method', 'tryton:call'],
    [['--name', 'x', '--scope', 'tryton:call', '--mirror', 'bc'], '--mirror', 'bc:read or sync:write'],
    [['--name', 'x', '--scope', 'bc:read', '--context', '{}'], '--context', 'tryton:call'],
    [['--name', 'x', '--scope', 'tryton:call', '--context', '[1]'], '--context', '{"company":1}'],
    [['--name', 'x', '--scope', 'tryton:call', '--context', 'company=1'], '--context', '{"company":1}'],
    [
      ['--name', 'x', '--scope', 'tryton:call', '--context', '{"_user":0}'],
      '--context',
      'do not begin with _',
    ],
    [['--name', 'x', '--scope', 'bc:read', '--expires', 'soon'], '--expires', '90d, or a date to come'],
    [['--name', 'x', '--scope', 'bc:read', '--expires', '0d'], '--expires', '90d, or a date to come'],
    [['--name', 'x', '--scope', 'bc:read', '--expires', '2001-01-31'], '--expires', 'a date to come'],
    [['--name', 'x', '--scope', 'bc:read', '--expires', '2199-02-30'], '--expires', 'a date to come'],
    [['--name', 'x', '--scope', 'bc:read', '--expires', '99999999999d'], '--expires', 'a date to come'],
  ])('%j is bad usage: exit code 2, with the fault and the expected form', async (argv, option, expected) => {
    const { code, stdout, stderr } = await passerelle('keys', 'create', ...argv);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(option);
    expect(stderr).toContain(expected);
    expect(await database.client`select * from api_key`).toEqual([]);
  });
});

describe('keys list', () => {
  it('shows every key with its state, and never a key or a hash', async () => {
    expect((await passerelle('keys', 'list')).stdout).toContain('no key yet');
    const made = [
      await create(
        'tryton:call',
        '--method',
        'model.*',
        '--context',
        '{"company":1}',
        '--expires',
        '2199-01-31',
      ),
      await create('sync:write', '--mirror', 'bc'),
      await create('tryton:call', '--expires', '1h'),
    ];
    await database.client`update api_key set last_used_at = '2026-01-02T03:04:05Z' where id = 2`;
    await database.client`update api_key set expires_at = '2026-01-02T03:04:05Z' where id = 3`;
    await passerelle('keys', 'revoke', '2');
    const { stdout } = await passerelle('keys', 'list');
    const today = new Date().toISOString().slice(0, 10);
    expect(stdout.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
      [
        'ID',
        'PREFIX',
        'NAME',
        'SCOPES',
        'MIRRORS',
        'METHODS',
        'CONTEXT',
        'CREATED',
        'EXPIRES',
        'LAST USED',
        'STATE',
      ],
      [
        '1',
        made[0]?.body.prefix,
        'portal',
        'tryton:call',
        '-',
        'model.*',
        '{"company":1}',
        today,
        '2199-01-31',
        'never',
        'usable',
      ],
      [
        '2',
        made[1]?.body.prefix,
        'portal',
        'sync:write',
        'bc',
        '-',
        '-',
        today,
        'never',
        '2026-01-02 03:04',
        'revoked',
      ],
      [
        '3',
        made[2]?.body.prefix,
        'portal',
        'tryton:call',
        '-',
        'reads',
        '-',
        today,
        '2026-01-02',
        'never',
        'expired',
      ],
      [''],
    ]);
    const { body, stdout: output } = await json('keys', 'list');
    expect(body.keys.map(({ state }: { state: string }) => state)).toEqual(['usable', 'revoked', 'expired']);
    for (const { body: one } of made) {
      for (const secret of [one.key.slice(-43), readKeyText(one.key)?.hash ?? '']) {
        expect(stdout + output).not.toContain(secret);
      }
    }
  });
});

describe('keys revoke', () => {
  it.each(['id', 'prefix', 'key'])('takes the %s, and says the same when it is done again', async (part) => {
    const { body } = await create('bc:read');
    const first = await json('keys', 'revoke', String(body[part]));
    expect(first).toMatchObject({ code: 0, body: { id: 1, state: 'revoked' } });
    expect(first.stdout).not.toContain(body.key);
    const again = await json('keys', 'revoke', String(body[part]));
    expect(again).toMatchObject({ code: 0, body: first.body });
    expect((await passerelle('keys', 'revoke', '1')).stdout).toBe(
      `Key 1 (${body.prefix}, portal) is revoked.\n`,
    );
  });

  it.each(['7', 'kqzbwmra', 'x', `psl_kqzbwmra_${'s'.repeat(43)}`])(
    'of %s, which is unknown, is one clear line and exit code 1',
    async (id) => {
      await create('bc:read');
      const { code, stdout, stderr } = await passerelle('keys', 'revoke', id);
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(stderr).toMatch(
        /^There is no key with the id or prefix .*"passerelle keys list" shows them\.\n$/,
      );
      expect(stderr).not.toContain('ssss');
      expect((await json('keys', 'revoke', id)).body).toMatchObject({ error: { code: 'unknown_key' } });
      expect(await database.client`select 1 from api_key where revoked_at is not null`).toEqual([]);
    },
  );
});

it.each([['create'], ['list'], ['revoke']])('the help of keys %s has examples', async (command) => {
  const { code, stdout } = await run(['keys', command, '--help'], {});
  expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining('Examples:\n  $ passerelle') });
  expect(stdout).toContain(`passerelle keys ${command}`);
});

it('keys without a command shows what there is', async () => {
  const { code, stderr } = await run(['keys'], {});
  expect(code).toBe(2);
  expect(stderr).toContain('$ passerelle keys create --name');
});

it('without DATABASE_URL, or with a server that is not there, it says so', async () => {
  expect(await run(['keys', 'list'], {})).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('DATABASE_URL is required'),
  });
  const url = 'postgres://user:hush@127.0.0.1:1/none';
  const away = await run(['keys', 'create', '--name', 'x', '--scope', 'admin'], { DATABASE_URL: url });
  expect(away).toMatchObject({ code: 1, stdout: '' });
  expect(away.stderr).toMatch(/^PostgreSQL at 127\.0\.0\.1:1\/none cannot be used/);
});
