import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Relative to `src/shared` and to `dist/src/shared`. */
const CANDIDATES = ['../../package.json', '../../../package.json'];

/** The version that package.json gives. */
export function packageVersion(): string {
  const [file] = CANDIDATES.map((path) => fileURLToPath(new URL(path, import.meta.url))).filter(existsSync);
  if (file === undefined) return 'unknown';
  const { version } = JSON.parse(readFileSync(file, 'utf8')) as { version?: string };
  return version ?? 'unknown';
}
