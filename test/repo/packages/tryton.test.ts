import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type SandboxTryton, startSandboxTryton } from '../../../dev/sandbox-tryton/sandbox.ts';
import { freshPrefix, redisUrl } from '../../support/redis.ts';
import { read } from '../listed-documents.ts';
import { openTrytonProject, type TrytonProject } from './tryton-project.ts';

const json = (text: string) => JSON.parse(text);
const APPLICATION = json(read('package.json'));
const PAGE = read('docs/how-to/tryton-client.md');

const ESM = `
import { Decimal, TrytonClient, type Row } from '@passerelle/tryton';

const { TRYTON_URL: url = '' } = process.env;
const client = new TrytonClient({ url, user: 'admin', password: 'admin' });
const ids: number[] = await client.create('party.party', [{ name: 'ESM' }]);
const rows: Row<{ name: string }>[] = await client.read<{ name: string }>('party.party', ids, { fields: ['name'] });
for (const { id, name } of rows) console.log(ids.includes(id), name.toUpperCase());
const total = await client.call<number>('model.party.party.search_count', [[['id', 'in', ids]]]);
console.log(total.toFixed(0), new Decimal('1.10').text);
// @ts-expect-error The result has no type unless the caller gives one.
const untyped: number = await client.call('model.party.party.search_count', [[]]).catch(() => 0);
// @ts-expect-error An order names a direction.
void client.searchRead('party.party', [], { order: [['name', 'UP']] }).catch(() => {});
await client.logout();
await client.close();
`;

const COMMONJS = `
import tryton = require('@passerelle/tryton');

async function main(): Promise<void> {
  const { TRYTON_URL: url = '' } = process.env;
  const client: tryton.TrytonClient = new tryton.TrytonClient({ url, user: 'admin', password: 'admin' });
  const [id = 0] = await client.create('party.party', [{ name: 'CommonJS' }]);
  const [row] = await client.read<{ name: string }>('party.party', [id], { fields: ['name'] });
  console.log(row?.name);
  const { Decimal } = await import('@passerelle/tryton');
  console.log(new tryton.Decimal('1.10') instanceof Decimal);
  const late = client.call('model.party.party.nope', [[]]);
  console.log(await late.catch((error: unknown) => error instanceof tryton.TrytonMethodNotAllowedError));
  await client.logout();
  await client.close();
}
void main();
`;

describe('the package @passerelle/tryton, installed in an empty project', () => {
  let project: TrytonProject;
  let sandbox: SandboxTryton;
  const manifest = () =>
    json(readFileSync(join(project.folder, 'node_modules/@passerelle/tryton/package.json'), 'utf8'));
  beforeAll(async () => {
    [project, sandbox] = await Promise.all([openTrytonProject(), startSandboxTryton({ sales: 20 })]);
  });
  afterAll(async () => {
    await sandbox.stop();
    await project.remove();
  });

  it('brings undici and nothing else', () => {
    const installed = readdirSync(join(project.folder, 'node_modules')).filter(
      (name) => !name.startsWith('.'),
    );
    expect(installed.sort()).toEqual(['@passerelle', 'undici']);
    expect(Object.keys(manifest().dependencies)).toEqual(['undici']);
  });

  it('has the version, the engines and the undici of the application', () => {
    const { version, license, engines, dependencies } = manifest();
    const { undici } = APPLICATION.dependencies;
    expect({ version, license, engines, dependencies }).toEqual({
      version: APPLICATION.version,
      license: APPLICATION.license,
      engines: APPLICATION.engines,
      dependencies: { undici },
    });
  });

  it('holds one program, its types, the guide and the license', () => {
    const { files, size } = project.packed;
    const others = files.map(({ path }) => path).filter((path) => !/^dist\/types\/.*\.d\.ts$/.test(path));
    expect(others.sort()).toEqual(['LICENSE', 'README.md', 'dist/index.js', 'package.json']);
    expect(size).toBeLessThan(100_000);
  });

  it('works from ES modules and CommonJS, with strict types and without ioredis', async () => {
    await project.install(`@types/node@${APPLICATION.devDependencies['@types/node']}`);
    await project.write('esm.mts', ESM);
    await project.write('commonjs.cts', COMMONJS);
    await project.compile(['esm.mts', 'commonjs.cts'], ['--module', 'nodenext']);
    const bundler = ['--module', 'esnext', '--moduleResolution', 'bundler', '--noEmit'];
    await project.compile(['esm.mts'], bundler);
    const variables = { TRYTON_URL: sandbox.url };
    expect(await project.run('esm.mjs', variables)).toBe('true ESM\n1 1.10\n');
    expect(await project.run('commonjs.cjs', variables)).toBe('CommonJS\ntrue\ntrue\n');
  });

  it('does what its guide shows', async () => {
    await project.install(`ioredis@${APPLICATION.dependencies.ioredis}`, 'decimal.js@^10.6.0');
    const blocks = [...PAGE.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, block = '']) => block);
    const program = blocks
      .join('\n')
      .replaceAll('https://tryton.example/tryton/', sandbox.url)
      .replaceAll('redis://127.0.0.1:6379', redisUrl())
      .replaceAll("user: 'reports'", "user: 'admin'")
      .replaceAll("prefix: 'reports'", `prefix: '${freshPrefix()}'`);
    const shown = [...program.matchAll(/^ *console\.log\(.*\); \/\/ (.*)$/gm)].map(([, line]) => line);
    await project.write('guide.mts', program);
    await project.compile(['guide.mts'], ['--module', 'nodenext', '--skipLibCheck']);
    const printed = await project.run('guide.mjs', { TRYTON_PASSWORD: 'admin' });
    expect(shown.length).toBeGreaterThan(8);
    expect(printed.trimEnd().split('\n')).toEqual(shown);
  });
});
