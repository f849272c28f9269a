import { randomBytes } from 'node:crypto';
import type { ContainerRuntimeClient } from 'testcontainers';
import { askPostgres, askRedis } from './ask.ts';
import { startContainer } from './docker.ts';
import type { Workspace } from './workspace.ts';

type Log = (line: string) => void;

/** PostgreSQL 17 in a container, or null where it cannot be had. */
export async function startPostgresContainer(engine: ContainerRuntimeClient, workspace: Workspace, log: Log) {
  const password = randomBytes(12).toString('hex');
  return startContainer(engine, workspace, log, {
    image: 'postgres:17',
    port: 5432,
    environment: { POSTGRES_USER: 'passerelle', POSTGRES_PASSWORD: password, POSTGRES_DB: 'postgres' },
    command: ['postgres', '-c', 'fsync=off', '-c', 'max_connections=200'],
    url: (address) => `postgres://passerelle:${password}@${address}/postgres`,
    ask: askPostgres,
  });
}

/** Redis 8 in a container, or null where it cannot be had. */
export async function startRedisContainer(engine: ContainerRuntimeClient, workspace: Workspace, log: Log) {
  const password = randomBytes(12).toString('hex');
  return startContainer(engine, workspace, log, {
    image: 'redis:8',
    port: 6379,
    environment: {},
    command: ['redis-server', '--requirepass', password, '--maxmemory-policy', 'noeviction', '--save', ''],
    url: (address) => `redis://:${password}@${address}`,
    ask: askRedis,
  });
}
