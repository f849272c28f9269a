import { afterEach, expect, inject, it, vi } from 'vitest';
import { ServerUnreachableError, startServices } from '../../../dev/services/index.ts';
import { askPostgres, askRedis } from '../../../src/embedded/probes.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

const variables = { database: 'SOME_DATABASE_URL', redis: 'SOME_REDIS_URL' };

it('takes the servers of the environment and leaves them running', async () => {
  vi.stubEnv('SOME_DATABASE_URL', inject('databaseUrl'));
  vi.stubEnv('SOME_REDIS_URL', inject('redisUrl'));
  const services = await startServices({ log: () => {}, variables });
  await services.stop();
  expect(services).toMatchObject({
    databaseUrl: inject('databaseUrl'),
    redisUrl: inject('redisUrl'),
    source: 'given',
  });
  await askPostgres(services.databaseUrl);
  await askRedis(services.redisUrl);
});

it.each([
  ['SOME_DATABASE_URL', 'postgres://user:hush@127.0.0.1:1/none'],
  ['SOME_REDIS_URL', 'redis://:hush@127.0.0.1:1'],
])('names %s when its server does not answer, and keeps its password', async (variable, dead) => {
  vi.stubEnv('SOME_DATABASE_URL', inject('databaseUrl'));
  vi.stubEnv('SOME_REDIS_URL', inject('redisUrl'));
  vi.stubEnv(variable, dead);
  const failure = await startServices({ log: () => {}, variables }).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(ServerUnreachableError);
  expect(String(failure)).toContain(variable);
  expect(String(failure)).not.toContain('hush');
});
