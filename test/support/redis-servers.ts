import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { freePort } from '../../src/embedded/ports.ts';
import { findRedis } from '../../src/embedded/redis.ts';
import type { RunningServer } from '../../src/embedded/server-process.ts';
import { startServer } from '../../src/embedded/server-process.ts';
import type { Workspace } from '../../src/embedded/workspace.ts';
import { openWorkspace } from '../../src/embedded/workspace.ts';

export interface OwnRedis extends RunningServer {
  readonly port: number;
}

export interface RedisServers {
  /** Starts a server on a free port with these settings; it is asked by `reach`, plainly by default. */
  start(settings: readonly string[], options?: StartOptions): Promise<OwnRedis>;
  /** For files that settings name. */
  readonly directory: string;
  stop(): Promise<void>;
}

interface StartOptions {
  readonly sentinel?: boolean;
  readonly reach?: (port: number) => Redis;
}

/**
 * Whether there is a binary, or one could be installed. Where Docker gives the tests their Redis there need be none: what
 * takes servers of its own is left out then.
 */
export const hasRedisBinary: boolean = await findRedis(() => {}).then(
  () => true,
  () => false,
);

/** Redis servers from the binary of this machine, however they are to stand together. All end with `stop`. */
export async function openRedisServers(): Promise<RedisServers> {
  const workspace = await openWorkspace();
  const command = await findRedis(() => {});
  return {
    directory: workspace.directory,
    start: (settings, options) => startOne(workspace, command, settings, options),
    stop: () => workspace.clean(),
  };
}

async function startOne(
  workspace: Workspace,
  command: string,
  settings: readonly string[],
  { sentinel = false, reach = plainly }: StartOptions = {},
): Promise<OwnRedis> {
  const port = await freePort();
  const home = join(workspace.directory, String(port));
  await mkdir(home);
  const file = join(home, 'redis.conf');
  const usual = ['bind 127.0.0.1', `dir "${home}"`, ...(sentinel ? [] : ['save ""'])];
  const ports = settings.some((line) => line.startsWith('tls-cluster') || line.startsWith('tls-cert'))
    ? ['port 0', `tls-port ${port}`]
    : [`port ${port}`];
  await writeFile(file, `${[...usual, ...ports, ...settings].join('\n')}\n`);
  const running = await startServer(workspace, {
    name: `Redis-${port}`,
    command,
    args: [file, ...(sentinel ? ['--sentinel'] : [])],
    stopSignal: 'TERM',
    ask: async () => {
      const redis = reach(port);
      redis.on('error', () => {});
      try {
        await redis.ping();
      } finally {
        redis.disconnect();
      }
    },
  });
  return { ...running, port };
}

function plainly(port: number): Redis {
  return new Redis(port, '127.0.0.1', { maxRetriesPerRequest: 0, retryStrategy: () => null });
}
