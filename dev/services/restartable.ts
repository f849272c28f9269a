import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '../../src/embedded/ports.ts';
import { type PreparedServer, preparePostgres } from '../../src/embedded/postgres.ts';
import { findRedis, prepareRedis } from '../../src/embedded/redis.ts';
import type { RunningServer } from '../../src/embedded/server-process.ts';
import { startServer } from '../../src/embedded/server-process.ts';
import type { Workspace } from '../../src/embedded/workspace.ts';
import { openWorkspace } from '../../src/embedded/workspace.ts';
import { errorMessage } from '../../src/shared/errors.ts';

/** A server that can be ended and started again, with the same URL and port. */
interface RestartableServer {
  readonly url: string;
  /** Ends it at once, with every connection. Returns when it has ended. */
  crash(): Promise<void>;
  /** Starts it again and returns when it answers. PostgreSQL keeps committed data, Redis is empty. */
  start(): Promise<void>;
}

interface RestartablePostgres extends RestartableServer {
  /** Its directory: the data are in `data`. */
  readonly home: string;
  /** Whether `home` is a small disk of its own. */
  readonly ownDisk: boolean;
}

export interface RestartableServices {
  readonly postgres: RestartablePostgres;
  readonly redis: RestartableServer;
  /** Ends both and removes their data. */
  stop(): Promise<void>;
}

interface RestartableOptions {
  /** Further settings of PostgreSQL. */
  readonly settings?: readonly string[];
  /** The size of a disk that only PostgreSQL uses, in MB. If it cannot be mounted, the log gets a line. */
  readonly diskSize?: number;
}

/**
 * A new PostgreSQL and Redis from the binaries of this machine, which can be crashed and started again. Both run.
 *
 * @throws RedisMissingError, ServerFailedError
 */
export async function startRestartable(
  log: (line: string) => void,
  { settings = [], diskSize }: RestartableOptions = {},
): Promise<RestartableServices> {
  const workspace = await openWorkspace();
  try {
    const home = join(workspace.directory, 'postgresql');
    const ownDisk = diskSize !== undefined && (await mountDisk(home, diskSize, log));
    if (ownDisk) workspace.atEnd(`umount '${home}'`);
    const [postgres, redis] = await Promise.all([
      // Committed data must survive a crash; with our usual settings the last ones would not.
      preparePostgres(workspace, await lastingPort(), {
        settings: ['synchronous_commit=on', ...settings],
      }),
      prepareRedis(workspace, await findRedis(log), await lastingPort()),
    ]);
    return {
      // "Immediate": as after a crash, the log is replayed at the next start.
      postgres: { ...(await restartable(workspace, postgres, 'SIGQUIT')), home, ownDisk },
      redis: await restartable(workspace, redis, 'SIGKILL'),
      stop: () => workspace.clean(),
    };
  } catch (error) {
    await workspace.clean();
    throw error;
  }
}

/** Mounts a disk in memory, which only root may do on Linux. The watcher of the workspace unmounts it. */
async function mountDisk(
  directory: string,
  megabytes: number,
  log: (line: string) => void,
): Promise<boolean> {
  await mkdir(directory);
  try {
    await promisify(execFile)('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', directory]);
    return true;
  } catch (error) {
    log(`PostgreSQL: no disk of its own, because none can be mounted (${errorMessage(error).trim()})`);
    return false;
  }
}

async function restartable(
  workspace: Workspace,
  { url, command }: PreparedServer,
  signal: NodeJS.Signals,
): Promise<RestartableServer> {
  let running: RunningServer | null = await startServer(workspace, command);
  return {
    url,
    crash: async () => {
      await running?.end(signal);
      running = null;
    },
    start: async () => {
      running ??= await startServer(workspace, command);
    },
  };
}

/**
 * A free port below those of outgoing connections. Otherwise, while the server is down, such a connection could take
 * its port, or connect to itself.
 */
async function lastingPort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    try {
      return await freePort(port);
    } catch {
      // The port is in use: try another one.
    }
  }
}
