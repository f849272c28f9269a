import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { askRedis } from './ask.ts';
import type { PreparedServer } from './postgres-binaries.ts';
import { freePort, startServer } from './server-process.ts';
import type { Workspace } from './workspace.ts';

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

/** Writes the settings of a server for a port. It keeps nothing on disk: started again, it is empty. */
export async function prepareRedis(
  workspace: Workspace,
  command: string,
  port: number,
): Promise<PreparedServer> {
  const home = join(workspace.directory, 'redis');
  const password = randomBytes(12).toString('hex');
  const settings = [
    'bind 127.0.0.1',
    `port ${port}`,
    `requirepass ${password}`,
    `dir "${home}"`,
    // BullMQ loses jobs when keys are evicted.
    'maxmemory-policy noeviction',
    'save ""',
    'appendonly no',
  ];
  await mkdir(home);
  // In a file, not among the arguments, which every user of the machine can read.
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
