import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { SandboxTryton } from '../../../dev/sandbox-tryton/sandbox.ts';
import { startSandboxTryton } from '../../../dev/sandbox-tryton/sandbox.ts';
import { clientOptions } from '../../../src/gateway.ts';
import { openRedis } from '../../../src/queues/redis.ts';
import { createLogger } from '../../../src/shared/logger.ts';
import { TrytonClient } from '../../../src/tryton/client.ts';
import { freshPrefix, redisUrl } from '../../support/redis.ts';
import { waitFor } from '../../support/wait-for.ts';
import { commandIn, passerelle, start } from '../passerelle.ts';

const SEARCH = 'model.party.party.search';
const READ = 'model.party.party.read';
const WRITE = 'model.party.party.write';

let sandbox: SandboxTryton;
let env: Record<string, string>;
beforeAll(async () => {
  sandbox = await startSandboxTryton();
  const { url, user, password } = sandbox;
  env = { TRYTON_RPC_URL: url, TRYTON_USER: user, TRYTON_PASSWORD: password, TRYTON_RETRIES: '0' };
});
afterAll(() => sandbox.stop());
beforeEach(() => {
  sandbox.calls.length = 0;
});

const logins = () => sandbox.calls.filter(({ method }) => method === 'common.db.login').length;

describe('tryton ping', () => {
  test('reports success in words', async () => {
    const { code, stdout, stderr } = await passerelle(['tryton', 'ping'], env);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout.split('\n')).toEqual([
      `Tryton     ${sandbox.url} as admin`,
      expect.stringMatching(/^Reachable {2}yes, version 7\.0\.\d+, \d+ ms$/),
      expect.stringMatching(/^Signed in {2}yes, session \d s old$/),
      '',
    ]);
  });

  test('with --json is one object', async () => {
    const { code, body } = await commandIn(env).json('tryton', 'ping');
    expect(code).toBe(0);
    expect(body).toMatchObject({ reachable: true, authenticated: true, circuit: null, error: null });
  });

  test('ends with 1 and says what to do where the password is wrong', async () => {
    const wrong = { ...env, TRYTON_PASSWORD: 'hush-hush' };
    const { code, stdout, stderr } = await passerelle(['tryton', 'ping'], wrong);
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /^Reachable {2}yes.*\nSigned in {2}no\nLogins {5}suspended, next one in \d+ (?:s|min)\nProblem .*/m,
    );
    expect(stdout).toContain('Check TRYTON_USER and TRYTON_PASSWORD');
    expect(stdout + stderr).not.toContain('hush-hush');
    expect(logins()).toBe(1);
  });

  test('ends with 1 where nothing listens', async () => {
    const nowhere = { ...env, TRYTON_RPC_URL: 'http://127.0.0.1:1/tryton/' };
    const { code, stdout } = await passerelle(['tryton', 'ping'], nowhere);
    expect(code).toBe(1);
    expect(stdout).toContain('Reachable  no\n');
    expect(stdout).toMatch(/Problem .*ECONNREFUSED.*Check TRYTON_RPC_URL/);
    const { code: jsonCode, body } = await commandIn(nowhere).json('tryton', 'ping');
    expect(jsonCode).toBe(1);
    expect(body).toMatchObject({ reachable: false, error: { code: 'tryton_unreachable' } });
  });

  test('ends with 2 without a configured Tryton, and names the missing variables', async () => {
    const { code, stdout, stderr } = await passerelle(['tryton', 'ping'], {});
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    for (const name of ['TRYTON_RPC_URL', 'TRYTON_USER', 'TRYTON_PASSWORD']) expect(stderr).toContain(name);
    expect(stderr).not.toContain('DATABASE_URL');
    expect(stderr).not.toContain('REDIS_URL');
  });
});

describe('tryton call', () => {
  test('prints the result as JSON that people can read', async () => {
    const id = sandbox.create('party.party', { name: 'Dunder' });
    const { code, stdout } = await passerelle(['tryton', 'call', READ, `[[${id}], ["name"]]`], env);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual([{ id, name: 'Dunder' }]);
    expect(stdout).toContain('\n    "name": "Dunder"');
  });

  test('with --json prints one object with the result, digits and all', async () => {
    const rounding = { __class__: 'Decimal', decimal: '0.050000' };
    const id = sandbox.create('currency.currency', { name: 'Franc', code: 'XXX', rounding });
    const params = `[[${id}], ["rounding"]]`;
    const call = ['tryton', 'call', 'model.currency.currency.read', params, '--json'];
    const { stdout } = await passerelle(call, env);
    expect(JSON.parse(stdout)).toEqual({ result: [{ id, rounding }] });
  });

  test('reads its parameters from standard input for -', async () => {
    const { code, stdout } = await start(['tryton', 'call', SEARCH, '-'], env, false, '[[], 0, 1]').answer;
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toHaveLength(1);
  });

  test('needs no parameters where the method needs none, and writes without asking', async () => {
    expect((await passerelle(['tryton', 'call', 'common.server.version'], env)).stdout).toMatch(/^"7\.0/);
    const params = '[[{"name":"made"}]]';
    expect((await passerelle(['tryton', 'call', 'model.party.party.create', params], env)).code).toBe(0);
    expect(sandbox.search('party.party', [['name', '=', 'made']])).toHaveLength(1);
  });

  test.each([
    ['an object', '{"id": 1}', /^paramsJson: the parameters must be a JSON array, .* not an object\.$/],
    ['a number', '7', /^paramsJson: the parameters must be a JSON array, .* not a number\.$/],
    ['null', 'null', /not null\.$/],
    ['half an array', '[1,', /^paramsJson: not complete, valid JSON; the parameters must be a JSON array/],
    ['nothing', '', /^paramsJson: not complete, valid JSON/],
    ['101 levels', `${'['.repeat(101)}${']'.repeat(101)}`, /^paramsJson: nested deeper than 100 levels/],
  ])('%s instead of parameters is bad usage, with the expected form', async (_, params, message) => {
    const { code, stdout, stderr } = await passerelle(['tryton', 'call', SEARCH, params], env);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr.trimEnd()).toMatch(message);
    expect(sandbox.calls).toEqual([]);
  });

  test('an invalid name is bad usage, a name that callers may not use is an error', async () => {
    const bad = await commandIn(env).json('tryton', 'call', 'party party', '[]');
    expect(bad).toMatchObject({ code: 2, body: { error: { code: 'bad_argument' } } });
    const reserved = await commandIn(env).json('tryton', 'call', 'common.db.logout');
    expect(reserved).toMatchObject({ code: 1, body: { error: { code: 'tryton_bad_request' } } });
    expect(sandbox.calls).toEqual([]);
  });

  test('an error is one line, and with --json code and message', async () => {
    const call = ['tryton', 'call', 'model.res.user.delete', '[[1]]'];
    const { code, stdout, stderr } = await passerelle(call, env);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^Tryton at .*users cannot be deleted.*\n$/);
    const { body } = await commandIn(env).json(...call);
    expect(body).toEqual({ error: { code: 'tryton_user_error', message: stderr.trimEnd() } });
  });
});

describe('the session', () => {
  test('without Redis is the command’s own, and ends with it', async () => {
    const before = sandbox.sessions;
    await passerelle(['tryton', 'call', SEARCH, '[[]]'], env);
    await passerelle(['tryton', 'call', 'model.res.user.delete', '[[1]]'], env);
    expect(logins()).toBe(2);
    expect(sandbox.sessions).toBe(before);
    expect(sandbox.calls.filter(({ method }) => method === 'common.db.logout')).toHaveLength(2);
  });

  test('with a Redis that is down works too, with a note on standard error', async () => {
    const { code, stdout, stderr } = await passerelle(['tryton', 'call', SEARCH, '[[]]', '--json'], {
      ...env,
      REDIS_URL: 'redis://:hush-hush@127.0.0.1:1',
    });
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toHaveProperty('result');
    expect(stderr).toBe('Redis does not answer: session and cache are not shared.\n');
    expect(sandbox.calls.at(-1)?.method).toBe('common.db.logout');
  });

  test('with Redis is shared, and a write makes what the API has cached stale', async () => {
    const prefix = freshPrefix();
    const shared = { ...env, REDIS_URL: redisUrl(), QUEUE_PREFIX: prefix };
    const id = sandbox.create('party.party', { name: 'before' });
    const redis = openRedis(redisUrl(), 'cache', createLogger('silent', 'test'));
    await waitFor(() => redis.status === 'ready', 'the connection to Redis');
    const { url, user, password } = sandbox;
    const config = { url, user, password } as Parameters<typeof clientOptions>[0];
    const gateway = new TrytonClient(clientOptions(config, { redis, prefix }));
    try {
      const name = () => gateway.cachedCallWire(READ, [[id], ['name']], { ttl: 600 });
      expect(await name()).toMatchObject([{ name: 'before' }]);
      expect(await name()).toMatchObject([{ name: 'before' }]);
      const call = ['tryton', 'call', WRITE, `[[${id}], {"name": "after"}]`];
      expect((await passerelle(call, shared)).code).toBe(0);
      expect(await name()).toMatchObject([{ name: 'after' }]);
      expect(logins()).toBe(1);
      expect(sandbox.calls.map(({ method }) => method)).not.toContain('common.db.logout');
    } finally {
      await gateway.close();
      redis.disconnect();
    }
  });
});

test.each([[['tryton']], [['tryton', 'ping']], [['tryton', 'call']]])(
  'the help of %j has examples',
  async (argv) => {
    const { code, stdout } = await passerelle([...argv, '--help'], {});
    expect(code).toBe(0);
    expect(stdout).toContain('Examples:\n  $ passerelle tryton');
  },
);
