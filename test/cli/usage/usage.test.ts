import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freshDatabase } from '../../support/database.ts';
import { freshPrefix, redisUrl } from '../../support/redis.ts';
import { databaseAt, onServer } from '../../support/server.ts';
import { passerelle } from '../passerelle.ts';

const ODOO = { ODOO_URL: 'http://odoo.invalid', ODOO_DB: 'prod', ODOO_USER: 'u', ODOO_PASSWORD: 'hush' };
let database: Awaited<ReturnType<typeof freshDatabase>>;
let env: Record<string, string>;
beforeAll(async () => {
  database = await freshDatabase();
  env = { ...ODOO, DATABASE_URL: database.url, REDIS_URL: redisUrl(), QUEUE_PREFIX: freshPrefix() };
});
afterAll(() => database.close());

test('a wrong configuration ends with exit code 2 and lists every problem at once', async () => {
  const { code, stdout, stderr } = await passerelle(['sync'], { ODOO_DB: 'prod', SYNC_PAGE_SIZE: 'many' });
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr.trimEnd().split('\n')).toEqual([
    'Configuration is not usable:',
    expect.stringMatching(/DATABASE_URL is required: expected a URL such as postgres:/),
    expect.stringMatching(/REDIS_URL is required: expected a URL such as redis:/),
    expect.stringMatching(/SYNC_PAGE_SIZE: expected a whole number from 1 to 5000/),
    expect.stringMatching(/ODOO_URL is required to read Odoo/),
    expect.stringMatching(/ODOO_USER is required to read Odoo/),
    expect.stringMatching(/ODOO_PASSWORD is required to read Odoo/),
  ]);
});

test.each([
  [['snyc'], "unknown command 'snyc'", '(Did you mean sync?)'],
  [['sync', '--ful'], "unknown option '--ful'", '(Did you mean --full?)'],
  [['sync', '--full', '--sweep'], "cannot be used with option '--full'", '--help" for usage.'],
  [['sync', '--force'], '--force goes with --sweep', '--help" for usage.'],
  [['sync', '--full', '--new-source'], "cannot be used with option '--full'", '--help" for usage.'],
  [['resync'], "missing required argument 'order'", '--help" for usage.'],
  [['retry'], 'name the orders to retry, or give --all', 'Run "passerelle retry --help" for usage.'],
  [['retry', '7', '--all'], 'name the orders to retry, or give --all', 'Run "passerelle retry --help"'],
  [['runs', 'last'], 'Expected the id of a run', 'Run "passerelle runs --help" for usage.'],
  [['runs', '--mode', 'quick'], 'Allowed choices are incremental', 'Run "passerelle runs --help" for usage.'],
  [['failures', '--limit', '0'], 'Expected a whole number from 1 to 1000', '--help" for usage.'],
  [['rnus', '--help'], "unknown command 'rnus'", '(Did you mean runs?)'],
  [['help', 'rnus'], "unknown command 'rnus'", '(Did you mean runs?)'],
  [['keys', 'lst', '--help'], "unknown command 'lst'", 'Run "passerelle keys --help" for usage.'],
  [['resync', '0'], '0 is not an id of Odoo', 'such as 42'],
  [['verify', 'now'], 'too many arguments', '--help" for usage.'],
])('%j is bad usage: exit code 2 and a hint', async (argv, problem, hint) => {
  const { code, stdout, stderr } = await passerelle(argv, env);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toContain(problem);
  expect(stderr).toContain(hint);
});

test.each([
  [[]],
  [['sync']],
  [['resync']],
  [['status']],
  [['verify']],
  [['prune']],
  [['keys']],
  [['migrate']],
])('the help of %j has examples', async (argv: string[]) => {
  const { code, stdout } = await passerelle([...argv, '--help'], {});
  expect(code).toBe(0);
  expect(stdout).toContain(`Examples:\n  $ passerelle ${argv[0] ?? ''}`);
});

test('no help is wider than 80 characters, except examples, which stay whole', async () => {
  const reference = readFileSync(new URL('../../../docs/reference/commands.md', import.meta.url), 'utf8');
  const commands = [...reference.matchAll(/^## passerelle ?(.*)$/gm)].map(([, words = '']) =>
    words.split(' ').filter((word) => word !== ''),
  );
  expect(commands.length).toBeGreaterThan(15);
  for (const words of commands) {
    const { stdout } = await passerelle([...words, '--help'], {});
    const wide = stdout.split('\n').filter((line) => line.length > 80 && !line.startsWith('  $ '));
    expect(wide).toEqual([]);
  }
  const { code, stderr } = await passerelle([], {});
  expect({ code, usage: stderr.split('\n')[0] }).toEqual({
    code: 2,
    usage: 'Usage: passerelle [options] [command]',
  });
  expect(stderr.split('\n').filter((line) => line.length > 80)).toEqual([]);
});

test('prints its version', async () => {
  const { code, stdout } = await passerelle(['--version'], {});
  expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
});

test.each([
  ['DATABASE_URL', 'postgres://user:hush@127.0.0.1:1/none', 'PostgreSQL at 127.0.0.1:1/none'],
  ['REDIS_URL', 'redis://:hush@127.0.0.1:1', 'Redis at 127.0.0.1:1'],
])(
  'an unreachable server is one clear line that names %s and keeps its password',
  async (name, url, place) => {
    for (const command of ['status', 'sync']) {
      const { code, stdout, stderr } = await passerelle([command], { ...env, [name]: url });
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(stderr).toMatch(new RegExp(`^${place} cannot be used: .*ECONNREFUSED.*Check ${name}\\.\n$`));
      expect(stderr).not.toContain('hush');
    }
  },
);

test.each([
  ['an unreachable server', { DATABASE_URL: 'postgres://u@127.0.0.1:1/x' }, 1, 'database_unavailable'],
  ['a wrong configuration', { SYNC_PAGE_SIZE: 'many' }, 2, 'bad_configuration'],
])('with --json %s is one object on standard output too', async (_, wrong, exit, error) => {
  for (const command of ['sync', 'status', 'verify']) {
    const { code, stdout, stderr } = await passerelle([command, '--json'], { ...env, ...wrong });
    expect(code).toBe(exit);
    expect(JSON.parse(stdout)).toEqual({ error: { code: error, message: stderr.trimEnd() } });
  }
});

test('status needs no Odoo, and shows a fresh mirror', async () => {
  const { DATABASE_URL = '', REDIS_URL = '', QUEUE_PREFIX = '' } = env;
  const own = { DATABASE_URL, REDIS_URL, QUEUE_PREFIX };
  const { code, stdout } = await passerelle(['status'], own);
  expect(code).toBe(0);
  expect(stdout).toMatch(
    /^State {6}idle\nLast sync {2}never\nWorkers {4}No worker is connected: .*\nLast runs {2}none\nFailures {3}none open\n/,
  );
  const { stdout: json } = await passerelle(['status', '--json'], own);
  expect(JSON.parse(json)).toMatchObject({ isSyncing: false, lease: null, openFailures: { count: 0 } });
});

test('an empty database asks for the migrations, which run once', async () => {
  const name = `${new URL(database.url).pathname.slice(1)}_new`;
  await onServer(database.url, (sql) => sql`create database ${sql(name)}`);
  const url = databaseAt(database.url, name);
  for (const command of ['status', 'sync', 'verify']) {
    const { code, stderr } = await passerelle([command], { ...env, DATABASE_URL: url });
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^The database at .* lacks migrations \(0000_mirror.*\): run "passerelle migrate"\.\n$/,
    );
  }
  const first = await passerelle(['migrate'], { DATABASE_URL: url });
  expect(first).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Applied 0000_mirror\n/) });
  const second = await passerelle(['migrate'], { DATABASE_URL: url });
  expect(second.stdout).toBe('Nothing to do: the database has every migration.\n');
  expect(await passerelle(['migrate'], {})).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/DATABASE_URL is required: expected a URL/),
  });
});
