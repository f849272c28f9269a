import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { installWithApt, isExecutable } from './apt.ts';
import { RedisMissingError } from './errors.ts';
import { freePort } from './ports.ts';
import type { PreparedServer } from './postgres.ts';
import { askRedis } from './probes.ts';
import { startServer } from './server-process.ts';
import type { Workspace } from './workspace.ts';

/** Both have the same protocol and settings. */
const SERVERS = ['redis-server', 'valkey-server'];

/** The path of a Redis or Valkey server in the directories of `path`, a value like PATH. */
export function redisOnPath(path: string | undefined): string | undefined {
  const directories = (path ?? '').split(delimiter).filter((directory) => directory !== '');
  return SERVERS.flatMap((name) => directories.map((directory) => join(directory, name))).find(isExecutable);
}

function installRedis(log: (line: string) => void): Promise<void> {
  return installWithApt(['redis-server'], () =>
    log('Redis: not on this machine, installing redis-server with apt'),
  );
}

/**
 * The path of a Redis or Valkey server, which is installed if needed.
 *
 * @throws RedisMissingError that says what to install.
 */
export async function findRedis(
  log: (line: string) => void,
  find = () => redisOnPath(process.env['PATH']),
  install = installRedis,
): Promise<string> {
  const found = find();
  if (found !== undefined) return found;
  await install(log).catch((error: unknown) => {
    throw new RedisMissingError(error);
  });
  const installed = find();
  if (installed === undefined) throw new RedisMissingError();
  return installed;
}

/**
 * Starts the Redis or Valkey server at `command` and returns its URL.
 *
 * @throws ServerFailedError
 */
export async function startRedisBinary(workspace: Workspace, command: string): Promise<string> {
  const { url, command: server } = await prepareRedis(workspace, command, await freePort());
  await startServer(workspace, server);
  return url;
}

interface RedisOptions {
  /** Every write is kept on disk, and a later start with the same directory uses it. */
  readonly lasting?: boolean;
}

/** Writes the settings of a server for a port. Without `lasting` it is empty after each start. */
export async function prepareRedis(
  workspace: Workspace,
  command: string,
  port: number,
  { lasting = false }: RedisOptions = {},
): Promise<PreparedServer> {
  const home = join(workspace.directory, 'redis');
  const password = randomBytes(12).toString('hex');
  const settings = [
    'bind 127.0.0.1',
    `port ${port}`,
    `requirepass ${password}`,
    `dir "${home}"`,
    // BullMQ loses jobs if keys are evicted.
    'maxmemory-policy noeviction',
    'save ""',
    `appendonly ${lasting ? 'yes' : 'no'}`,
  ];
  await mkdir(home, { recursive: true });
  // In a file, because every user of the machine can read arguments.
  await writeFile(join(home, 'redis.conf'), `${settings.join('\n')}\n`, { mode: 0o600 });
  const url = `redis://:${password}@127.0.0.1:${port}`;
  return {
    url,
    command: {
      name: 'Redis',
      command,
      args: [join(home, 'redis.conf')],
      stopSignal: 'TERM',
      ask: () => askRedis(url),
    },
  };
}
