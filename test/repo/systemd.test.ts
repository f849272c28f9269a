import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { variables } from '../../src/config/schema.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const FOLDER = join(ROOT, 'deploy/systemd');
const SCHEMAS: Readonly<Record<string, z.ZodType>> = variables;

const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');
const units = readdirSync(FOLDER)
  .filter((file) => file.endsWith('.service'))
  .sort();

/** The values of a directive, without comments. */
const valuesOf = (unit: string, directive: string) =>
  [...read(`deploy/systemd/${unit}`).matchAll(new RegExp(`^${directive}=(.*)$`, 'gm'))].map(
    ([, value = '']) => value,
  );

it('systemd has a unit for the migrations, the API and the workers', () => {
  expect(units).toEqual([
    'passerelle-api.service',
    'passerelle-migrate.service',
    'passerelle-worker@.service',
  ]);
});

describe.each(units)('%s', (unit) => {
  it('starts a script that the build makes, with the arguments of package.json', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const known = Object.values(scripts).map((script) => script.replace(/^exec /, ''));
    const [command = '', ...others] = valuesOf(unit, 'ExecStart');
    expect(others).toEqual([]);
    expect(known).toContain(command.replace(/^\/usr\/bin\//, ''));
    const [, script = ''] = / dist\/(\S+)\.js/.exec(command) ?? [];
    expect(existsSync(join(ROOT, `${script}.ts`))).toBe(true);
  });

  it('sets variables that the configuration reads, to values that it accepts', () => {
    const given = valuesOf(unit, 'Environment').flatMap((line) =>
      line.split(' ').map((entry) => entry.replace('%i', '9464').split('=') as [string, string]),
    );
    const wrong = given.filter(([name, value]) => SCHEMAS[name]?.safeParse(value).success !== true);
    expect(wrong).toEqual([]);
  });

  it('reads its secrets from the file of the guide and gains no privileges', () => {
    expect(valuesOf(unit, 'EnvironmentFile')).toEqual(['/etc/passerelle/env']);
    expect(valuesOf(unit, 'User')).toEqual(['passerelle']);
    expect(valuesOf(unit, 'NoNewPrivileges')).toEqual(['yes']);
    expect(valuesOf(unit, 'ProtectSystem')).toEqual(['strict']);
  });
});

it.each(units.filter((unit) => unit !== 'passerelle-migrate.service'))(
  '%s has longer to stop than the settings allow, and starts again unless the configuration is wrong',
  (unit) => {
    const limitMs =
      Number(variables.SHUTDOWN_DRAIN.parse(undefined)) +
      Number(variables.SHUTDOWN_DEADLINE.parse(undefined));
    expect(limitMs).toBeGreaterThan(0);
    expect(Number(valuesOf(unit, 'TimeoutStopSec')[0]) * 1000).toBeGreaterThan(limitMs);
    expect(valuesOf(unit, 'Restart')).toEqual(['on-failure']);
    expect(valuesOf(unit, 'RestartPreventExitStatus')).toEqual(['2']);
  },
);

it('each worker has its own port', () => {
  expect(valuesOf('passerelle-worker@.service', 'Environment').join(' ')).toContain('METRICS_PORT=%i');
});
