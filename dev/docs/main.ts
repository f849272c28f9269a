import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { PAGES } from './pages.ts';

const ROOT = resolve(import.meta.dirname, '../..');

for (const [path, render] of Object.entries(PAGES)) {
  await writeFile(join(ROOT, path), await render());
  process.stdout.write(`${path}\n`);
}
