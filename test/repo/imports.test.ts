import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');
const WEB = join(ROOT, 'web');

/** Lint enforces the other import rules (`biome.json`). It cannot distinguish an import of types from one of values. */
it('the dashboard imports only types from the server', () => {
  const files = readdirSync(WEB, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name));
  const imports = files.flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(/^(?:import|export)\s[^;]*?from\s+'[^']*\/src\/[^']+'/gm)].map(
      ([statement]) => `${relative(ROOT, file)}: ${statement}`,
    ),
  );
  expect(imports.length).toBeGreaterThan(0);
  expect(imports.filter((line) => !/: (?:import|export) type /.test(line))).toEqual([]);
});
