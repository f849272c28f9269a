import { type PreparedServer, preparePostgres } from './postgres.ts';
import { findRedis, prepareRedis } from './redis.ts';
import type { RunningServer } from './server-process.ts';
import { freePort, startServer } from './server-process.ts';
import type { Workspace } from './workspace.ts';
import { openWorkspace } from './workspace.ts';

/** A server that can be ended and started again, with the same URL and port. */
interface RestartableServer {
  readonly url: string;
  /** Ends it at once, with every connection. Returns when it has ended. */
  crash(): Promise<void>;
  /** Starts it again and returns when it answers. PostgreSQL keeps committed data, Redis is empty. */
  start(): Promise<void>;
}

export interface RestartableServices {
  readonly postgres: RestartableServer;
  readonly redis: RestartableServer;
  /** Ends both and removes their data. */
  stop(): Promise<void>;
}

/**
 * A new PostgreSQL and Redis from the binaries of this machine, which can be crashed and started again. Both run.
 *
 * @throws RedisMissingError, ServerFailedError
 */
export async function startRestartable(log: (line: string) => void): Promise<RestartableServices> {
  const workspace = await openWorkspace();
  try {
    const [postgres, redis] = await Promise.all([
      // Committed data must survive a crash; with our usual settings the last ones would not.
      preparePostgres(workspace, await lastingPort(), ['synchronous_commit=on']),
      prepareRedis(workspace, await findRedis(log), await lastingPort()),
    ]);
    return {
      // "Immediate": as after a crash, the log is replayed at the next start.
      postgres: await restartable(workspace, postgres, 'SIGQUIT'),
      redis: await restartable(workspace, redis, 'SIGKILL'),
      stop: () => workspace.clean(),
    };
  } catch (error) {
    await workspace.clean();
    throw error;
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
