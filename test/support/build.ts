import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { TestProject } from 'vitest/node';

/** Before all tests: `dist` holds the present code, which test processes run. It starts twice as fast as the sources. */
export default function build(project: TestProject): () => void {
  const root = resolve(import.meta.dirname, '../..');
  execFileSync('npm', ['run', '--silent', 'compile'], { cwd: root, stdio: 'inherit' });
  const directory = mkdtempSync(join(tmpdir(), 'passerelle-empty-'));
  project.provide('emptyDirectory', directory);
  return () => rmSync(directory, { recursive: true, force: true });
}
