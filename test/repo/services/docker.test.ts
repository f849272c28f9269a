import { Redis } from 'ioredis';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { findEngine, startContainer } from '../../../dev/services/docker.ts';
import { startServices } from '../../../dev/services/index.ts';
import { openWorkspace } from '../../../src/embedded/workspace.ts';
import { onServer } from '../../support/server.ts';
import { engineWithImages } from './engine.ts';

const engine = await engineWithImages();

afterEach(() => {
  vi.unstubAllEnvs();
});

it('takes a dead DOCKER_HOST for no engine, whatever else is there', async () => {
  vi.stubEnv('DOCKER_HOST', 'unix:///nonexistent.sock');
  expect(await findEngine()).toBeNull();
});

describe.skipIf(engine === null)('with an engine', () => {
  it('gives PostgreSQL and Redis in containers', async () => {
    vi.stubEnv('TEST_DATABASE_URL', '');
    vi.stubEnv('TEST_REDIS_URL', '');
    const lines: string[] = [];
    const services = await startServices({ log: (line) => lines.push(line) });
    const redis = new Redis(services.redisUrl);
    try {
      expect(services.source, lines.join('\n')).toBe('docker');
      expect(await onServer(services.databaseUrl, (sql) => sql`select 1 as one`)).toEqual([{ one: 1 }]);
      expect(await redis.config('GET', 'maxmemory-policy')).toEqual(['maxmemory-policy', 'noeviction']);
    } finally {
      redis.disconnect();
      await services.stop();
    }
  });

  it('goes on without, and says so, when an image cannot be had', async () => {
    const lines: string[] = [];
    const workspace = await openWorkspace();
    try {
      if (engine === null) return;
      const container = await startContainer(engine, workspace, (line) => lines.push(line), {
        image: '127.0.0.1:1/nothing:here',
        port: 1,
        command: [],
        environment: {},
        url: (address) => address,
        ask: async () => {},
      });
      expect(container).toBeNull();
      expect(lines.at(-1)).toMatch(/no 127\.0\.0\.1:1\/nothing:here .*going on without/);
    } finally {
      await workspace.clean();
    }
  });
});
