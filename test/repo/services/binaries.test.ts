import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Services } from '../../../dev/services/index.ts';
import { startServices } from '../../../dev/services/index.ts';
import { answers, askPostgres, askRedis } from '../../../src/embedded/probes.ts';
import { redisOnPath } from '../../../src/embedded/redis.ts';
import { onServer } from '../../support/server.ts';

// Where the tests run on containers there may be no Redis, and installing one is not a test's business.
describe.skipIf(redisOnPath(process.env['PATH']) === undefined)('binaries of this machine', () => {
  let services: Services;
  let directory: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'passerelle-binaries-'));
    await chmod(directory, 0o755);
    vi.stubEnv('TMPDIR', directory);
    vi.stubEnv('DOCKER_HOST', 'unix:///nonexistent.sock');
    vi.stubEnv('TEST_DATABASE_URL', '');
    vi.stubEnv('TEST_REDIS_URL', '');
    services = await startServices({ log: () => {} });
  });

  afterAll(async () => {
    vi.unstubAllEnvs();
    await services.stop();
    await rm(directory, { recursive: true, force: true });
  });

  it('gives a PostgreSQL that answers, in UTF-8', async () => {
    expect(services.source).toBe('binaries');
    const rows = await onServer(services.databaseUrl, (sql) => sql`select upper('crème') as shouted`);
    expect(rows[0]).toEqual({ shouted: 'CRÈME' });
  });

  it('gives a Redis that answers and evicts nothing', async () => {
    const redis = new Redis(services.redisUrl);
    try {
      expect(await redis.ping()).toBe('PONG');
      expect(await redis.config('GET', 'maxmemory-policy')).toEqual(['maxmemory-policy', 'noeviction']);
    } finally {
      redis.disconnect();
    }
  });

  it('opens neither server without its password', async () => {
    const without = (url: string) => url.replace(/:[^:@/]+@/, ':wrong@');
    expect(await answers(askPostgres(without(services.databaseUrl)))).toBe(false);
    expect(await answers(askRedis(without(services.redisUrl)))).toBe(false);
  });

  it('leaves no server and no directory after stop', async () => {
    expect(await readdir(directory)).toHaveLength(1);
    await services.stop();
    expect(await answers(askPostgres(services.databaseUrl))).toBe(false);
    expect(await answers(askRedis(services.redisUrl))).toBe(false);
    expect(existsSync(directory) && (await readdir(directory))).toEqual([]);
  });
});
