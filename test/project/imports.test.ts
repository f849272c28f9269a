import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');

interface Import {
  readonly from: string;
  readonly to: string;
  readonly typeOnly: boolean;
}

function sources(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)));
}

const IMPORT = /^(?:import|export)\s+(type\s+)?[^;]*?from\s+'(\.[^']+)'/gm;

function importsOf(file: string): Import[] {
  const text = readFileSync(join(ROOT, file), 'utf8');
  return [...text.matchAll(IMPORT)].map(([, type, path]) => ({
    from: file,
    to: relative(ROOT, resolve(ROOT, dirname(file), path ?? '')),
    typeOnly: type !== undefined,
  }));
}

const PRODUCT = [...sources('src'), ...sources('workers')];
const PAGES = sources('web');
const imports = [...PRODUCT, ...PAGES].flatMap(importsOf);

/** Every import that starts in one folder and ends in another, types apart where `types` allows them. */
function crossing(from: RegExp, to: RegExp, types: 'allowed' | 'refused'): string[] {
  return imports
    .filter((one) => from.test(one.from) && to.test(one.to) && !(types === 'allowed' && one.typeOnly))
    .map((one) => `${one.from} -> ${one.to}`);
}

describe('the import rules', () => {
  it('see the imports of the project', () => {
    expect(imports.length).toBeGreaterThan(100);
  });

  it('keep the entry points (workers, API, command line) out of the rest of src', () => {
    expect(crossing(/^src\/(?!api\/|cli\/|server\.ts)/, /^(workers\/|src\/(api|cli)\/)/, 'refused')).toEqual(
      [],
    );
  });

  it('keep the API apart from the workers and from Odoo', () => {
    expect(crossing(/^src\/(api\/|server\.ts)/, /^(workers|src\/odoo)\//, 'allowed')).toEqual([]);
  });

  it.each([
    ['odoo', 'db|tryton'],
    ['db', 'odoo|tryton'],
    ['tryton', 'odoo|db'],
  ])('let src/%s import nothing but types of its neighbours %s', (folder, others) => {
    expect(crossing(new RegExp(`^src/${folder}/`), new RegExp(`^src/(${others})/`), 'allowed')).toEqual([]);
  });

  it('let the alerts know the database, and of the mirror nothing but its key', () => {
    const own = '(alerts/|db/|sync/document\\.ts|config|errors|hide|logger|retry)';
    expect(crossing(/^src\/alerts\//, new RegExp(`^(?!src/${own})`), 'refused')).toEqual([]);
  });

  it('let the dashboard know the API by its types alone', () => {
    expect(crossing(/^web\//, /^(?!web\/)/, 'allowed')).toEqual([]);
    expect(crossing(/^web\//, /^(?!web\/|src\/)/, 'refused')).toEqual([]);
    expect(crossing(/^(?!web\/)/, /^web\//, 'refused')).toEqual([]);
  });

  it('keep development, benchmarks and tests out of the product', () => {
    expect(crossing(/./, /^(dev|bench|test)\//, 'refused')).toEqual([]);
  });

  it('let only src/config.ts read the environment', () => {
    const readers = PRODUCT.filter((file) => /process\.env\b/.test(readFileSync(join(ROOT, file), 'utf8')));
    expect(readers.filter((file) => file !== 'src/config.ts')).toEqual([]);
  });
});
