import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { SandboxTryton } from '../../../dev/sandbox-tryton/sandbox.ts';
import { startSandboxTryton } from '../../../dev/sandbox-tryton/sandbox.ts';
import { createApiKey } from '../../../src/db/api-keys.ts';
import { startApiProcess } from '../../support/api-process.ts';
import { freshDatabase } from '../../support/database.ts';
import { freshPrefix, redisUrl } from '../../support/redis.ts';
import { waitFor } from '../../support/wait-for.ts';
import type { RedisProxy } from '../cache/redis-proxy.ts';
import { startRedisProxy } from '../cache/redis-proxy.ts';
import { startRecorder } from './recorder.ts';

const PASSWORD = 'Zwiebelkuchen-"7f3a91"-right';
const WRONG = 'Zwiebelkuchen-"c04e5d"-wrong';
/** A parameter: it may hold any secret, so only Tryton may see it. */
const PRIVATE = 'private-parameter-93b1';
const READ = { method: 'model.party.party.read', params: [[1], ['name']] };
const WRITE = { method: 'model.party.party.write', params: [[1], { name: 'new' }] };

let database: Awaited<ReturnType<typeof freshDatabase>>;
let sandbox: SandboxTryton;
let recorder: Awaited<ReturnType<typeof startRecorder>>;
let proxy: RedisProxy;
let key: string;
const prefix = freshPrefix();
/** Everything that is shown to anybody. */
const shown: string[] = [];

beforeAll(async () => {
  database = await freshDatabase();
  sandbox = await startSandboxTryton({ password: PASSWORD, sales: 5 });
  recorder = await startRecorder(sandbox.url);
  proxy = await startRedisProxy(redisUrl());
  ({ key } = await createApiKey(database.db, { name: 'test', scopes: ['tryton:call'], methods: ['*'] }));
});
afterAll(async () => {
  await proxy.stop();
  await recorder.stop();
  await sandbox.stop();
  await database.close();
});

test('password, session keys, API keys and parameters show nowhere, whatever happens', async () => {
  const right = await startServer({
    TRYTON_PASSWORD: PASSWORD,
    REDIS_URL: proxy.url,
    TRYTON_LOGIN_COOLDOWN: '1s',
  });
  await goThrough(right);
  const inRedis = await redisContent();
  await right.stop();
  const wrong = await startServer({ TRYTON_PASSWORD: WRONG });
  for (let i = 0; i < 3; i++) await wrong.rpc(READ);
  await wrong.ping();
  await wrong.stop();

  const kept = [...inRedis, ...(await redisContent()), ...(await databaseContent())];
  const logged = [...right.lines(), ...wrong.lines()];
  // There was something to hide, and something was shown.
  expect(recorder.bodies.some((body) => body.includes(JSON.stringify(PASSWORD)))).toBe(true);
  expect(recorder.bodies.some((body) => body.includes(PRIVATE))).toBe(true);
  expect(recorder.sessions().length).toBeGreaterThanOrEqual(6);
  expect(inRedis.some((entry) => entry.includes(':tryton:'))).toBe(true);
  expect(logged.some((line) => line.includes('model.party.party.read'))).toBe(true);
  for (const code of ['unknown_fate', 'timeout', 'malformed_answer', 'unreachable', 'bad_credentials']) {
    expect(shown.join('\n').includes(`tryton_${code}`), code).toBe(true);
  }
  expect(kept.some((row) => row.includes('tryton_login_suspended'))).toBe(true);

  const secrets = [PASSWORD, WRONG, key, key.slice(-43), ...recorder.sessions()];
  const everything = [...shown, ...logged, ...kept].join('\n');
  for (const form of [...secrets, PRIVATE].flatMap(formsOf))
    expect(everything.includes(form), form).toBe(false);
});

type Server = Awaited<ReturnType<typeof startServer>>;

/** Successes, each kind of error, lost sessions, a lost Redis, a lost Tryton. */
async function goThrough({ rpc, ping }: Server): Promise<void> {
  await rpc(READ);
  await rpc({ ...READ, cache: 60 });
  await rpc({ method: 'model.party.party.search', params: [[['name', '=', PRIVATE]]] });
  await rpc([
    READ,
    WRITE,
    { method: 'model.res.user.delete', params: [[1]] },
    { method: 'common.db.logout' },
  ]);
  await rpc({ method: 'model.no.such.read', params: [PRIVATE] });
  await rpc({ method: 'model.party.party.nope', params: [PRIVATE] });
  await rpc({ method: READ.method, params: PRIVATE });
  await rpc(`{"method":"${READ.method}","params":["${PRIVATE}",]}`);
  await rpc(READ, `${key.slice(0, -1)}${key.endsWith('A') ? 'B' : 'A'}`);
  for (const fault of [
    'hang',
    'drop',
    'half',
    'malformed',
    'html',
    'too_many',
    'bad_gateway',
    'expired',
  ] as const) {
    sandbox.faults.when(/^model/, fault);
    for (const call of [READ, WRITE]) await rpc({ ...call, cache: false });
    sandbox.faults.clear();
  }
  await waitFor(async () => (await rpc(READ)).status === 200, 'a call after the sessions that were refused');
  for (let i = 0; i < 2; i++) {
    sandbox.forgetSessions();
    await Promise.all([rpc(READ), rpc(WRITE), ping()]);
  }
  await proxy.down();
  await Promise.all([rpc(READ), rpc({ ...READ, cache: 60 }), rpc(WRITE), ping()]);
  sandbox.forgetSessions();
  await rpc(READ);
  await proxy.up();
  await waitFor(async () => (await rpc(READ)).status === 200, 'a call after Redis is back');
  await sandbox.stop();
  await Promise.all([rpc(READ), rpc(WRITE), ping()]);
  await sandbox.start();
  await waitFor(async () => (await rpc(READ)).status === 200, 'a call after Tryton is back');
}

async function startServer(env: Record<string, string>) {
  const { child, exit, output, listening } = startApiProcess({
    DATABASE_URL: database.url,
    REDIS_URL: redisUrl(),
    QUEUE_PREFIX: prefix,
    LOG_LEVEL: 'debug',
    TRYTON_RPC_URL: recorder.url,
    TRYTON_USER: sandbox.user,
    TRYTON_TIMEOUT_MS: '500',
    TRYTON_RETRIES: '1',
    ...env,
  });
  const url = await listening();
  const ask = async (path: string, options: RequestInit, own = key) => {
    const headers = { authorization: `Bearer ${own}`, 'content-type': 'application/json' };
    const answer = await fetch(`${url}/api/v1/tryton/${path}`, { headers, ...options });
    shown.push(JSON.stringify([...answer.headers]), await answer.text());
    return answer;
  };
  return {
    rpc: (body: unknown, own?: string) =>
      ask('rpc', { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) }, own),
    ping: () => ask('ping', {}),
    lines: () => output().split('\n'),
    stop: async () => {
      child.kill('SIGTERM');
      await exit;
    },
  };
}

/** Every key and value below the prefix. */
async function redisContent(): Promise<string[]> {
  const redis = new Redis(redisUrl());
  const found: string[] = [];
  for await (const keys of redis.scanStream({ match: `${prefix}*`, count: 1000 })) {
    for (const name of keys) {
      const kind = await redis.type(name);
      found.push(
        name,
        JSON.stringify(kind === 'hash' ? await redis.hgetall(name) : await contentOf(redis, kind, name)),
      );
    }
  }
  redis.disconnect();
  return found;
}

async function contentOf(redis: Redis, kind: string, name: string): Promise<unknown> {
  if (kind === 'string') return redis.get(name);
  if (kind === 'list') return redis.lrange(name, 0, -1);
  if (kind === 'set') return redis.smembers(name);
  if (kind === 'zset') return redis.zrange(name, 0, -1);
  return kind === 'stream' ? redis.xrange(name, '-', '+') : kind;
}

/** Every row of every table. */
async function databaseContent(): Promise<string[]> {
  const { client } = database;
  const tables = await client<{ name: string }[]>`
    select table_name as name from information_schema.tables where table_schema = 'public'`;
  const rows = await Promise.all(
    tables.map(({ name }) => client<{ row: string }[]>`select t::text as row from ${client(name)} t`),
  );
  return rows.flat().map(({ row }) => row);
}

/** As it is, as part of JSON, of a URL, and of base64 wherever in it it may begin. */
function formsOf(secret: string): string[] {
  const encoded = [0, 1, 2].map((before) =>
    Buffer.from('x'.repeat(before) + secret)
      .toString('base64')
      .slice(before === 0 ? 0 : 4)
      .replace(/.{0,4}=*$/, ''),
  );
  return [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret), ...encoded];
}
