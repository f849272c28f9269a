import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { parseEnvFile } from '../../src/config/env-file.ts';
import { configWarnings, effectiveVariables } from '../../src/config/index.ts';
import { variables } from '../../src/config/schema.ts';
import { waitFor } from '../support/wait-for.ts';
import { openFolders } from './folders.ts';

const EXAMPLE = readFileSync(resolve(import.meta.dirname, '../../.env.example'), 'utf8');
const STORES = 'DATABASE_URL=postgres://u:hush@127.0.0.1:1/x\nREDIS_URL=redis://127.0.0.1:1\n';

const parse = (text: string) => parseEnvFile(text, (name) => name in variables);

describe('.env.example', () => {
  it('begins with the seven variables to fill in', () => {
    const [, first = ''] = EXAMPLE.split(/^## /m);
    expect([...first.matchAll(/^([A-Z_]+)=/gm)].map(([, name]) => name).slice(0, 7)).toEqual([
      'DATABASE_URL',
      'REDIS_URL',
      'ODOO_URL',
      'ODOO_DB',
      'ODOO_USER',
      'ODOO_PASSWORD',
      'ADMIN_PASSWORD',
    ]);
    expect([...EXAMPLE.matchAll(/^## (.*)$/gm)].map(([, title]) => title)).toEqual([
      'Fill these in',
      'Often changed',
      'Advanced',
    ]);
  });

  it('has the defaults, and no line that is read differently than it looks', () => {
    const all = parse(EXAMPLE.replaceAll(/^# ([A-Z][A-Z0-9_]+=)/gm, '$1'));
    expect(all.warnings).toEqual([]);
    for (const { name, value } of effectiveVariables({})) {
      if (value === null || name === 'ODOO_CONTEXT' || name === 'TRYTON_CONTEXT') continue;
      expect([name, all.values[name]]).toEqual([name, value]);
    }
  });
});

describe('a .env file', () => {
  it.each([
    'SYNC_EVERY=1m # every minute',
    'SYNC_EVERY=1m\t# every minute',
    'SYNC_EVERY= # every minute',
    "ODOO_PASSWORD='pa#ss word' # with a comment",
    'ODOO_PASSWORD="it\'s"',
    '# ODOO_PASSWORD=a b',
    'SOMETHING_ELSE=a b#c',
    'export SYNC_EVERY=1m',
    'SYNC_EVERY=1m\r',
  ])('%j is read as it looks', (line) => {
    expect(parse(line).warnings).toEqual([]);
  });

  it.each([
    ['ODOO_PASSWORD=pa #ss', 'ends before the "#"'],
    ['ODOO_PASSWORD=pa # ss', 'ends before the "#"'],
    ['ODOO_PASSWORD=#ss', 'ends before the "#"'],
    ['ODOO_USER=a#b # comment', 'ends before the "#"'],
    ['ODOO_USER=a b # comment', 'has a blank and no quotes'],
    ['ODOO_USER=`a`b', 'ends at its second quote'],
    ["ODOO_USER='a", 'are not closed'],
  ])('%s is reported without its value', (line, trouble) => {
    const { warnings } = parse(`\n${line}`);
    expect(warnings).toEqual([expect.stringMatching(/^Line 2 of \.env: .*the (value|quotes)/)]);
    expect(warnings[0]).toContain(trouble);
    expect(warnings[0]).not.toMatch(/pa|ss\b/);
  });

  it('names the line of each variable, after a value of several lines too, and skips the mark of Windows', () => {
    const { lines, values } = parse('\ufeffA=1\n\n# B=2\nexport B=3\nC="x\nD=4"\nE = 5\nB=6');
    expect(Object.fromEntries(lines)).toMatchObject({ B: 8, C: 5, E: 7 });
    expect(lines.has('D')).toBe(false);
    expect(values).toMatchObject({ B: '6', C: 'x\nD=4', E: '5' });
  });
});

describe('a name that is close to one of ours', () => {
  it.each([
    ['ODOO_PASWORD', 'ODOO_PASSWORD'],
    ['ODOO_PASSWROD', 'ODOO_PASSWORD'],
    ['ODOO-URL', 'ODOO_URL'],
    ['ODOOURL', 'ODOO_URL'],
    ['ODOO_PASS', 'ODOO_PASSWORD'],
    ['ODOO_TIMEOUT', 'ODOO_TIMEOUT_MS'],
    ['ODOO_PASSWORD_FILE', 'ODOO_PASSWORD'],
    ['DATABASE_URI', 'DATABASE_URL'],
    ['LOGLEVEL', 'LOG_LEVEL'],
  ])('%s: did you mean %s?', (name, meant) => {
    expect(configWarnings({ [name]: 'hush' })).toEqual([
      `${name} from the environment has no effect. Did you mean ${meant}?`,
    ]);
  });

  it.each([
    'PATH',
    'POST',
    'HOSTNAME',
    'HOME',
    'PORTS',
    'POSTGRES_PASSWORD',
    'REDIS_PASSWORD',
    'ODOO_PORT',
    'NODE_OPTIONS',
    'OTEL_EXPORTER_OTLP_METRICS_ENDPOINT',
    'OTEL_SERVICE_NAME',
    'KUBERNETES_SERVICE_HOST',
    'PASSERELLE_PORT_3000_TCP',
  ])('%s is of another program', (name) => {
    expect(configWarnings({ [name]: 'x' })).toEqual([]);
  });

  it('is no mistake beside a longer name that is set', () => {
    expect(configWarnings({ ODOO_DB: 'prod', ODOO_DB_HOST: 'db' })).toEqual([]);
  });
});

describe('API, worker and commands', () => {
  const folders = openFolders();
  afterAll(() => folders.close());

  it.each([
    ['api', []],
    ['worker', []],
    ['command', ['status']],
  ] as const)('read the .env of the folder in which they are called: %s', async (which, args) => {
    const file = `${STORES}SYNC_LEASE=1s\nSYNC_OVERLAP=x\n`;
    const { exit, said } = await folders.start(which, file, { SYNC_OVERLAP: 'y' }, args);
    expect(await exit).toBe(2);
    await waitFor(() => said().includes('SYNC_OVERLAP'), 'the message');
    expect(said()).toContain('got "1s" from line 3 of .env');
    expect(said()).toContain('got "y" from the environment');
    expect(said()).not.toMatch(/DATABASE_URL|REDIS_URL|hush/);
  });
});
