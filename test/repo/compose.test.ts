import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { variables } from '../../src/config/schema.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const service = z.looseObject({
  image: z.string(),
  profiles: z.array(z.string()).default([]),
  environment: z.record(z.string(), z.unknown()).default({}),
});
const file = z.looseObject({ services: z.record(z.string(), service) });
const { services } = file.parse(parse(readFileSync(`${ROOT}/docker-compose.yml`, 'utf8'), { merge: true }));
const ours = Object.entries(services).filter(([, { image }]) => image === 'passerelle');
const profiles = [...new Set(Object.values(services).flatMap((one) => one.profiles))].sort();

const redisService = z.looseObject({ command: z.array(z.string()), mem_limit: z.string() });
const megabytes = (size: string) => z.coerce.number().parse(/^(\d+)mb?$/.exec(size)?.[1]);

const compose = (...args: string[]) =>
  spawnSync('docker', ['compose', '--env-file', '/dev/null', ...args], { cwd: ROOT, encoding: 'utf8' });
const hasCompose = compose('version').status === 0;

describe('the compose file', () => {
  it('sets variables that the configuration reads', () => {
    const names = ours.flatMap(([, { environment }]) => Object.keys(environment));
    expect(names.filter((name) => !(name in variables))).toEqual([]);
    expect(ours.map(([name]) => name).sort()).toEqual(['api', 'migrate', 'worker']);
  });

  it('gives our processes no rights, no disk and only the memory that they need', () => {
    for (const [, one] of ours) {
      expect(one).toMatchObject({
        read_only: true,
        cap_drop: ['ALL'],
        security_opt: ['no-new-privileges:true'],
      });
      expect(one['mem_limit']).toBeDefined();
    }
  });

  it('lets Redis refuse work before it is killed for its size', () => {
    const { command, mem_limit: limit } = redisService.parse(services['redis']);
    const most = command[command.indexOf('--maxmemory') + 1] ?? '';
    expect(megabytes(most) * 1.5).toBeLessThanOrEqual(megabytes(limit));
  });

  it('keeps logs of all services within bounds', () => {
    const without = Object.entries(services).filter(([, one]) => one['logging'] === undefined);
    expect(without.map(([name]) => name)).toEqual([]);
  });

  it.skipIf(!hasCompose).each([[[]], ...profiles.map((name) => [[name]]), [profiles]])(
    'is taken by Compose with the profiles %j',
    (chosen) => {
      const { status, stderr } = compose(
        ...chosen.flatMap((name) => ['--profile', name]),
        'config',
        '--quiet',
      );
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    },
  );
});
