import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasRedisBinary, openRedisServers, type RedisServers } from '../support/redis-servers.ts';
import { openTestSetup, type TestSetup } from '../support/test-setup.ts';
import { commandIn } from './passerelle.ts';

interface Shown {
  readonly area: string;
  readonly name: string;
  readonly outcome: string;
  readonly text: string;
  readonly fix: string | null;
}

describe('passerelle check', () => {
  let setup: TestSetup;
  let servers: RedisServers | undefined;
  beforeAll(async () => {
    setup = await openTestSetup({ sandbox: { documents: 5 } });
  });
  afterAll(async () => {
    await setup.close();
    await servers?.stop();
  });

  const checks = async (more: Record<string, string> = {}) => {
    const { code, body } = await commandIn({ ...setup.env, ...more }).json('check');
    const all = body.checks as Shown[];
    return { code, all, wrong: all.filter(({ outcome }) => outcome === 'failed') };
  };

  it('says that nothing works on the mirror, and then that all is right', async () => {
    const { code, wrong } = await checks();
    expect([code, wrong.map(({ text }) => text)]).toEqual([
      1,
      ['No worker is connected: run "npm run worker".'],
    ]);

    await setup.work();
    await setup.run('full');
    await commandIn(setup.env).passerelle('status');
    const { code: after, stdout } = await commandIn(setup.env).passerelle('check');
    expect([after, stdout.split('\n').filter((line) => line.startsWith('✗'))]).toEqual([0, []]);
    for (const text of [
      /^✓ PostgreSQL {2}Version \d+\.\d+.* at .+, \d+ MB$/m,
      /^✓ PostgreSQL {2}All migrations are applied\.$/m,
      /^✓ Redis {7}The keys \S+:\* belong to this installation\.$/m,
      /^✓ Workers {5}1 worker is connected\.$/m,
      /^✓ Odoo {8}Version \S+ at .+ \(database sandbox\) by \S+, as passerelle$/m,
      /^✓ Odoo {8}dimagaz\.bc \(\d+ fields\) with dimagaz\.bc\.line \(\d+ fields\)$/m,
      /^✓ Odoo {8}BC\/\S+ can be read, with(out| its) lines; 5 records in all\.$/m,
      /^Everything that Passerelle needs works\.$/m,
    ])
      expect(stdout).toMatch(text);
  });

  it.each([
    ['a wrong password', { ODOO_PASSWORD: 'wrong' }, 'odoo', /ODOO_PASSWORD/],
    ['a model that Odoo does not have', { ODOO_MODEL: 'no.such' }, 'odoo', /no\.such/],
    ['an Odoo that is away', { ODOO_URL: 'http://127.0.0.1:1' }, 'odoo', /ECONNREFUSED/],
    [
      'a PostgreSQL that is away',
      { DATABASE_URL: 'postgres://u:hush@127.0.0.1:1/x' },
      'postgresql',
      /PostgreSQL at 127\.0\.0\.1:1.*ECONNREFUSED.*Check DATABASE_URL/,
    ],
    ['a Redis that is away', { REDIS_URL: 'redis://:hush@127.0.0.1:1' }, 'redis', /Check REDIS_URL/],
    [
      'a Tryton that is away',
      { TRYTON_RPC_URL: 'http://127.0.0.1:1/db', TRYTON_USER: 'u', TRYTON_PASSWORD: 'hush' },
      'tryton',
      /ECONNREFUSED/,
    ],
  ])('finds %s, and checks the rest', async (_title, more, area, text) => {
    const { code, all, wrong } = await checks(more);
    expect(code).toBe(1);
    expect(wrong.find((check) => check.area === area)?.text).toMatch(text);
    expect(JSON.stringify(all)).not.toMatch(/hush|wrong/);
    const others = ['postgresql', 'odoo'].filter((other) => other !== area);
    for (const other of others)
      expect(all.filter((check) => check.area === other && check.outcome === 'ok').length).toBeGreaterThan(1);
  });

  it.skipIf(!hasRedisBinary)('finds a Redis that may evict keys and keeps nothing', async () => {
    servers = await openRedisServers();
    const { port } = await servers.start(['maxmemory-policy allkeys-lru']);
    const { all } = await checks({ REDIS_URL: `redis://127.0.0.1:${port}` });
    const ofRedis = all.filter(({ area }) => area === 'redis');
    expect(ofRedis.map(({ name, outcome }) => [name, outcome])).toEqual([
      ['version', 'ok'],
      ['policy', 'failed'],
      ['persistence', 'warning'],
      ['owner', 'ok'],
    ]);
    expect(ofRedis[1]).toMatchObject({ fix: 'Set maxmemory-policy noeviction in redis.conf.' });
  });

  it('finds keys of another installation', async () => {
    const other = await openTestSetup({ sandbox: { documents: 1 } });
    try {
      await commandIn(other.env).passerelle('status');
      const { wrong } = await checks({ QUEUE_PREFIX: other.env['QUEUE_PREFIX'] ?? '' });
      expect(wrong.map(({ text }) => text)).toContain(
        `The keys ${other.env['QUEUE_PREFIX']}:* belong to another installation.`,
      );
    } finally {
      await other.close();
    }
  });

  it('finds a database without its tables, a user without the right to write, and a mirror without records', async () => {
    const { client } = setup.database;
    const name = `bare_${process.pid}`;
    const url = new URL(setup.database.url);
    await client.unsafe(`create database ${name}`);
    try {
      url.pathname = `/${name}`;
      const { wrong } = await checks({ DATABASE_URL: url.href });
      expect(wrong[0]).toMatchObject({
        name: 'migrations',
        text: expect.stringMatching(/run "passerelle migrate"/),
      });
      await client.unsafe(`alter database ${name} set default_transaction_read_only = on`);
      const readOnly = await checks({ DATABASE_URL: url.href });
      expect(readOnly.wrong.map((check) => check.name)).toContain('rights');
    } finally {
      await client.unsafe(`drop database ${name} with (force)`);
    }
    const empty = await openTestSetup({ sandbox: { documents: 0 } });
    try {
      const { body } = await commandIn(empty.env).json('check');
      expect(body.checks.find((check: Shown) => check.name === 'sample')).toMatchObject({
        outcome: 'warning',
      });
    } finally {
      await empty.close();
    }
  });
});
