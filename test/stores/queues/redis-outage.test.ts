import { afterEach, expect, it, vi } from 'vitest';
import { openQueues } from '../../../src/queues/queues.ts';
import { openRedis } from '../../../src/queues/redis.ts';
import type { Log } from '../../../src/shared/logger.ts';
import { startApiProcess } from '../../support/api-process.ts';
import { freshDatabase } from '../../support/database.ts';
import { freshPrefix, redisUrl } from '../../support/redis.ts';
import { waitFor } from '../../support/wait-for.ts';
import { startWorkerProcess } from '../../support/worker-process.ts';
import { startRedisProxy } from '../../tryton/cache/redis-proxy.ts';

afterEach(() => vi.restoreAllMocks());

/** A log that keeps its lines. */
function collect() {
  const lines: string[] = [];
  const add = (level: string) => (details: object, message: string) => {
    if (level !== 'debug') lines.push(`${level}: ${message} ${JSON.stringify(details)}`);
  };
  const log: Log = { debug: add('debug'), info: add('info'), warn: add('warn'), error: add('error') };
  return { lines, log };
}

it('an outage is one line a minute for all connections and queues, and its end is one more', async () => {
  const proxy = await startRedisProxy(redisUrl());
  const { lines, log } = collect();
  const connections = [openRedis(proxy.url, 'worker', log), openRedis(proxy.url, 'producer', log)];
  const [redis] = connections;
  if (redis === undefined) throw new Error('no connection');
  const queues = openQueues(redis, freshPrefix(), log);
  await redis.ping();
  let attempts = 0;
  for (const one of connections) one.on('reconnecting', () => attempts++);
  const more = async (count: number) => {
    const before = attempts;
    await waitFor(() => attempts >= before + count, `${count} more attempts`);
  };
  try {
    await proxy.down();
    await more(8);
    const { port } = new URL(proxy.url);
    expect(lines).toEqual([
      expect.stringMatching(
        new RegExp(
          `^warn: Redis at 127\\.0\\.0\\.1:${port} cannot be used: .*\\. Check REDIS_URL\\. Start Redis if it is down`,
        ),
      ),
    ]);
    const now = performance.now();
    vi.spyOn(performance, 'now').mockReturnValue(now + 60_000);
    await more(8);
    expect(lines.filter((line) => line.includes(`at 127.0.0.1:${port} `))).toHaveLength(2);
    expect(lines).toHaveLength(2);
    await proxy.up();
    await waitFor(() => lines.length > 2, 'the end of the outage');
    expect(lines.slice(2)).toEqual(['info: Redis answers again {}']);
  } finally {
    await queues.close();
    for (const one of connections) one.disconnect();
    await proxy.stop();
  }
});

it('an API that starts without Redis logs it once, whatever asks, and its return', async () => {
  const proxy = await startRedisProxy(redisUrl());
  await proxy.down();
  const database = await freshDatabase();
  const api = startApiProcess({
    ...{ DATABASE_URL: database.url, REDIS_URL: proxy.url, QUEUE_PREFIX: freshPrefix() },
    ...{ ODOO_URL: 'http://127.0.0.1:1', ODOO_DB: 'd', ODOO_USER: 'u', ODOO_PASSWORD: 'p' },
  });
  const about = (text: string) =>
    api
      .output()
      .split('\n')
      .filter((line) => line.includes(text)).length;
  try {
    const url = await api.listening();
    for (let asked = 0; asked < 3; asked++) expect((await fetch(`${url}/readyz`)).status).toBe(503);
    await waitFor(() => about('not ready') > 0, 'the log');
    expect({ redis: about('cannot be used'), probes: about('not ready') }).toEqual({ redis: 1, probes: 1 });
    expect(api.output()).not.toMatch(/queue connection|redis connection|owner of the queues/);
    await proxy.up();
    await waitFor(async () => (await fetch(`${url}/readyz`)).ok, 'the API to be ready');
    await waitFor(() => about('Redis answers again') === 1, 'the end of the outage');
  } finally {
    api.child.kill('SIGKILL');
    await api.exit;
    await database.close();
    await proxy.stop();
  }
});

it('a worker that loses Redis logs it once, and nothing else', async () => {
  const proxy = await startRedisProxy(redisUrl());
  const database = await freshDatabase();
  const worker = startWorkerProcess({
    ...{ DATABASE_URL: database.url, REDIS_URL: proxy.url, QUEUE_PREFIX: freshPrefix(), SYNC_EVERY: 'off' },
    ...{
      ODOO_URL: 'http://127.0.0.1:1',
      ODOO_DB: 'd',
      ODOO_USER: 'u',
      ODOO_PASSWORD: 'p',
      FULL_SYNC_CRON: 'off',
    },
    ...{ SWEEP_EVERY: 'off', PRUNE_EVERY: 'off' },
  });
  const said = (since: number) =>
    worker
      .output()
      .slice(since)
      .split('\n')
      .filter((line) => line !== '');
  try {
    await waitFor(() => worker.output().includes('worker started'), 'the worker to start');
    const before = worker.output().length;
    await proxy.down();
    await waitFor(() => said(before).length > 0, 'the outage');
    await proxy.up();
    await waitFor(() => worker.output().includes('Redis answers again'), 'the end of the outage');
    expect(said(before).map((line) => JSON.parse(line).msg)).toEqual([
      expect.stringMatching(/^Redis at \S+ cannot be used: .*this process connects again by itself\.$/),
      'Redis answers again',
    ]);
  } finally {
    worker.child.kill('SIGKILL');
    await worker.exit;
    await database.close();
    await proxy.stop();
  }
});
