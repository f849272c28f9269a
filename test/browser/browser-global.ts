import type { TestProject } from 'vitest/node';
import { installWithApt, isExecutable } from '../../src/embedded/apt.ts';

const PLACES = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome-stable',
  '/usr/bin/google-chrome',
];

/** Fonts: a Debian without any draws no letter. */
const PACKAGES = ['chromium', 'fonts-liberation'];

const MISSING =
  'No Chromium here: install it (apt install chromium), or give the path of a Chromium or Chrome as CHROMIUM_PATH.';

/** The path of a browser: CHROMIUM_PATH, or where Debian and Google put theirs, or one that is installed for it. */
export async function findChromium(): Promise<string> {
  const given = process.env['CHROMIUM_PATH'];
  if (given !== undefined && given !== '') {
    if (!isExecutable(given))
      throw new Error(`CHROMIUM_PATH: expected a program, but ${given} is not isExecutable.`);
    return given;
  }
  const found = PLACES.find(isExecutable);
  if (found !== undefined) return found;
  const announce = () => process.stderr.write('Chromium: not on this machine, installing it with apt\n');
  await installWithApt(PACKAGES, announce).catch((cause: unknown) => {
    throw new Error(MISSING, { cause });
  });
  const installed = PLACES.find(isExecutable);
  if (installed === undefined) throw new Error(MISSING);
  return installed;
}

/** Before all browser tests: there is a browser. */
export default async function setup(project: TestProject): Promise<void> {
  project.provide('chromium', await findChromium());
}
