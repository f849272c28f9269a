import { execFileSync } from 'node:child_process';
import { cpSync } from 'node:fs';
import { join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../..');

/** Before all tests: `dist` holds the present code, which test processes run. It starts twice as fast as the sources. */
export default function build(): void {
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
  execFileSync(process.execPath, [tsc, '-p', join(ROOT, 'tsconfig.build.json')], { stdio: 'inherit' });
  cpSync(join(ROOT, 'src/db/migrations'), join(ROOT, 'dist/src/db/migrations'), { recursive: true });
}
