import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { RedisMissingError } from './errors.ts';

/** Both speak the same protocol and take the same settings. */
const SERVERS = ['redis-server', 'valkey-server'];

/** Debian starts a service when it is installed, on the usual port; policy-rc.d is how one declines. */
const INSTALL = `
set -e
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
  printf '#!/bin/sh\\nexit 101\\n' >$policy
  trap 'rm -f $policy' EXIT
  chmod 755 $policy
fi
apt-get update || true
DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends redis-server
`;

/** The path of a Redis or Valkey server among the directories of `path`, as PATH has them. */
export function redisOnPath(path: string | undefined): string | undefined {
  const directories = (path ?? '').split(delimiter).filter((directory) => directory !== '');
  return SERVERS.flatMap((name) => directories.map((directory) => join(directory, name))).find(executable);
}

function executable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Installs redis-server where that is ours to do: as root, on a machine with apt. */
async function installRedis(log: (line: string) => void): Promise<void> {
  if (process.getuid?.() !== 0 || !executable('/usr/bin/apt-get')) return;
  log('Redis: not on this machine, installing redis-server with apt');
  await promisify(execFile)('sh', ['-c', INSTALL]);
}

/**
 * The path of a Redis or Valkey server, installed first if need be.
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
