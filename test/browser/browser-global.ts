import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { promisify } from 'node:util';
import type { TestProject } from 'vitest/node';

const PLACES = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome-stable',
  '/usr/bin/google-chrome',
];

/** Fonts: a Debian without any draws no letter. */
const INSTALL = `
apt-get update || true
DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends chromium fonts-liberation
`;

const MISSING =
  'No Chromium here: install it (apt install chromium), or give the path of a Chromium or Chrome as CHROMIUM_PATH.';

function executable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Installs Debian's Chromium where that is ours to do: as root, on a machine with apt. */
async function installChromium(): Promise<void> {
  if (process.getuid?.() !== 0 || !executable('/usr/bin/apt-get')) return;
  process.stderr.write('Chromium: not on this machine, installing it with apt\n');
  await promisify(execFile)('sh', ['-c', INSTALL], { maxBuffer: 64 * 1024 * 1024 });
}

/** The path of a browser: CHROMIUM_PATH, or where Debian and Google put theirs, or one that is installed for it. */
export async function findChromium(): Promise<string> {
  const given = process.env['CHROMIUM_PATH'];
  if (given !== undefined && given !== '') {
    if (!executable(given))
      throw new Error(`CHROMIUM_PATH: expected a program, but ${given} is not executable.`);
    return given;
  }
  const found = PLACES.find(executable);
  if (found !== undefined) return found;
  await installChromium().catch((cause: unknown) => {
    throw new Error(MISSING, { cause });
  });
  const installed = PLACES.find(executable);
  if (installed === undefined) throw new Error(MISSING);
  return installed;
}

declare module 'vitest' {
  interface ProvidedContext {
    chromium: string;
  }
}

/** Before all browser tests: there is a browser. */
export default async function setup(project: TestProject): Promise<void> {
  project.provide('chromium', await findChromium());
}
