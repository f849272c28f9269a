/**
 * PostgreSQL and Redis of this machine, started by Passerelle itself, for `passerelle up`, the demo and the tests.
 *
 * Lifecycle: `openDataFolder` reserves a folder for this process; `startEmbedded` starts the servers with their data in
 * it. A watcher process (`workspace.ts`) ends them when the workspace is cleaned, and also if this process is killed.
 *
 * Invariants: both listen on 127.0.0.1 only, with a random password; their ports stay the same while they are free.
 *
 * ```ts
 * const folder = await openDataFolder('.passerelle');
 * const { databaseUrl, redisUrl } = await startEmbedded(folder, { postgres: true, redis: true, last: {}, log });
 * ```
 */
import { existsSync } from 'node:fs';
import { mkdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AlreadyUpError } from './errors.ts';
import { freePort } from './ports.ts';
import { preparePostgres } from './postgres.ts';
import { findRedis, prepareRedis } from './redis.ts';
import { isAlive, startServer } from './server-process.ts';
import { openWorkspace, type Workspace } from './workspace.ts';

/**
 * The workspace of a folder that stays, which is created if needed. Only one process at a time has it.
 *
 * @throws AlreadyUpError
 */
export async function openDataFolder(path: string): Promise<Workspace> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  const directory = await realpath(path);
  const pidFile = join(directory, 'up.pid');
  const pid = existsSync(pidFile) ? (await readFile(pidFile, 'utf8')).trim() : '';
  // In a container that was started again, this process may have the number of the former one.
  if (pid !== '' && pid !== String(process.pid) && isAlive(Number(pid)))
    throw new AlreadyUpError(pid, pidFile);
  await writeFile(pidFile, `${process.pid}\n`);
  const workspace = await openWorkspace(directory);
  return {
    ...workspace,
    clean: async () => {
      await workspace.clean();
      await rm(pidFile, { force: true });
    },
  };
}

interface EmbeddedOptions {
  /** Which of them to start. */
  readonly postgres: boolean;
  readonly redis: boolean;
  /** The URLs of the last start, whose ports are used again if they are free. */
  readonly last: { readonly databaseUrl?: string | undefined; readonly redisUrl?: string | undefined };
  readonly log: (line: string) => void;
}

/** Null for a server that was not to be started. */
export interface Embedded {
  readonly databaseUrl: string | null;
  readonly redisUrl: string | null;
}

/** @throws RedisMissingError, ServerFailedError, UnreachableFolderError */
export async function startEmbedded(
  workspace: Workspace,
  { postgres, redis, last, log }: EmbeddedOptions,
): Promise<Embedded> {
  const lasting = { lasting: true };
  const database = postgres
    ? await preparePostgres(workspace, await portOf(last.databaseUrl), lasting)
    : null;
  const queue = redis
    ? await prepareRedis(workspace, await findRedis(log), await portOf(last.redisUrl), lasting)
    : null;
  for (const server of [database, queue]) if (server !== null) await startServer(workspace, server.command);
  return { databaseUrl: database?.url ?? null, redisUrl: queue?.url ?? null };
}

/** The port of a URL if it is free; otherwise any. */
async function portOf(url: string | undefined): Promise<number> {
  const wanted = url === undefined ? 0 : Number(new URL(url).port);
  return freePort(wanted).catch(() => freePort());
}
