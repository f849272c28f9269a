import { Redis } from 'ioredis';
import { expect, it } from 'vitest';
import { startRestartable } from '../../../dev/services/restartable.ts';
import { answers, askPostgres, askRedis } from '../../../src/embedded/probes.ts';
import { redisOnPath } from '../../../src/embedded/redis.ts';
import { onServer } from '../../support/server.ts';

const noBinaries = redisOnPath(process.env['PATH']) === undefined;

it.skipIf(noBinaries)('servers restart at the same URLs, PostgreSQL with its data, Redis empty', async () => {
  const { postgres, redis, stop } = await startRestartable(() => {});
  try {
    await onServer(postgres.url, (sql) => sql`create table kept as select 1 as one`);
    await onRedis(redis.url, (client) => client.set('key', 'value'));
    await Promise.all([postgres.crash(), redis.crash()]);
    expect(await answers(askPostgres(postgres.url))).toBe(false);
    expect(await answers(askRedis(redis.url))).toBe(false);

    await Promise.all([postgres.start(), redis.start()]);
    const rows = await onServer(postgres.url, (sql) => sql`select one from kept`);
    expect([...rows]).toEqual([{ one: 1 }]);
    expect(await onRedis(redis.url, (client) => client.get('key'))).toBeNull();
  } finally {
    await stop();
  }
  expect(await answers(askPostgres(postgres.url))).toBe(false);
});

async function onRedis<T>(url: string, work: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis(url);
  try {
    return await work(client);
  } finally {
    client.disconnect();
  }
}
