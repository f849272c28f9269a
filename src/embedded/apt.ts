import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { promisify } from 'node:util';

export function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Debian starts a service at its installation, on the usual port. policy-rc.d prevents that. */
const INSTALL = `
set -e
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
  printf '#!/bin/sh\\nexit 101\\n' >$policy
  trap 'rm -f $policy' EXIT
  chmod 755 $policy
fi
apt-get update || true
DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "$@"
`;

const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;

/** Installs Debian packages if possible: as root, on a machine with apt. Otherwise it does nothing. */
export async function installWithApt(packages: readonly string[], announce: () => void): Promise<void> {
  if (process.getuid?.() !== 0 || !isExecutable('/usr/bin/apt-get')) return;
  announce();
  await promisify(execFile)('sh', ['-c', INSTALL, 'sh', ...packages], { maxBuffer: MAX_OUTPUT_BYTES });
}
