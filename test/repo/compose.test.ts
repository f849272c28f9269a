import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { variables } from '../../src/config/schema.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const service = z.looseObject({
  image: z.string().optional(),
  environment: z.record(z.string(), z.unknown()).default({}),
  ports: z.array(z.string()).default([]),
});
const file = z.looseObject({ services: z.record(z.string(), service) });
const MAIN = 'docker-compose.yml';
const ERP = 'deploy/compose.erp.yml';
const OBSERVABILITY = 'deploy/compose.observability.yml';
const textOf = (path: string) => readFileSync(`${ROOT}/${path}`, 'utf8');
const servicesOf = (path: string) => file.parse(parse(textOf(path), { merge: true })).services;
const text = textOf(MAIN);
const services = servicesOf(MAIN);
/** Those of all files, without what the trial changes of ours. */
const all = { ...servicesOf(ERP), ...servicesOf(OBSERVABILITY), ...services };
const ours = Object.entries(services).filter(([, { image }]) => image === 'passerelle');

const redisService = z.looseObject({ command: z.array(z.string()), mem_limit: z.string() });
const megabytes = (size: string) => z.coerce.number().parse(/^(\d+)mb?$/.exec(size)?.[1]);

/** What Compose refuses to do without. */
const required = [...new Set([...text.matchAll(/\$\{(\w+):\?/g)].map(([, name = '']) => name))].sort();
const PASSWORDS = Object.fromEntries(required.map((name) => [name, 'of-the-tests']));

const compose = (env: Readonly<Record<string, string>>, ...args: string[]) =>
  spawnSync('docker', ['compose', '--env-file', '/dev/null', ...args], {
    cwd: ROOT,
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...env },
  });
const hasCompose = compose({}, 'version').status === 0;

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
    const without = Object.entries(all).filter(([, one]) => one['logging'] === undefined);
    expect(without.map(([name]) => name)).toEqual([]);
  });

  it('publishes ports on loopback only', () => {
    const ports = Object.values(all).flatMap((one) => one.ports);
    expect(ports.length).toBeGreaterThan(3);
    expect(ports.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([]);
  });

  it('ships no password, and names no Odoo and no Tryton of its own', () => {
    expect(required).toEqual(['ADMIN_PASSWORD', 'POSTGRES_PASSWORD', 'REDIS_PASSWORD']);
    const set = Object.values({ ...services, ...servicesOf(OBSERVABILITY) }).flatMap(({ environment }) =>
      Object.entries(environment),
    );
    const shipped = set.filter(
      ([name, value]) => name.endsWith('PASSWORD') && /^[^$]|:-\w/.test(String(value)),
    );
    expect(shipped).toEqual([]);
    expect(set.filter(([name]) => /^(ODOO|TRYTON)_/.test(name))).toEqual([]);
  });

  it('is short enough to copy', () => {
    expect(text.split('\n').length).toBeLessThan(150);
    expect(Object.keys(services)).toEqual(['postgres', 'redis', 'migrate', 'api', 'worker', 'backup']);
  });

  it('gives Redis a password that its clients use', () => {
    expect(text).toMatch(/^configs:\n {2}redis:\n {4}content: requirepass \$\{REDIS_PASSWORD\}$/m);
    expect(services['redis']?.['configs']).toEqual([{ source: 'redis', target: '/etc/redis.conf' }]);
    expect(redisService.parse(services['redis']).command.slice(0, 2)).toEqual([
      'redis-server',
      '/etc/redis.conf',
    ]);
    for (const [, { environment }] of ours)
      expect(environment['REDIS_URL']).toMatch(/^redis:\/\/:\$\{REDIS_PASSWORD:\?/);
  });

  it.skipIf(!hasCompose).each(required)('is refused by Compose without %s, which it names', (name) => {
    const { status, stderr } = compose({ ...PASSWORDS, [name]: '' }, 'config', '--quiet');
    expect(status).not.toBe(0);
    expect(stderr).toContain(
      `required variable ${name} is missing a value: set it in .env, see .env.example`,
    );
  });

  it.skipIf(!hasCompose).each([
    ['alone', []],
    ['with the trial servers', [ERP]],
    ['with Prometheus and Grafana', [OBSERVABILITY]],
    ['with both', [ERP, OBSERVABILITY]],
  ])('is taken by Compose %s', (_title, more) => {
    const files = [MAIN, ...more].flatMap((name) => ['-f', name]);
    const { status, stderr } = compose(PASSWORDS, ...files, '--profile', '*', 'config', '--quiet');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });
});
