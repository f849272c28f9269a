import { expect, test } from 'vitest';
import { FOLDER, isConcurrent, readMigrations } from '../../../src/db/migrate.ts';

const migrations = readMigrations(FOLDER);
const tablesOf = (text: string) =>
  [...text.matchAll(/CREATE TABLE (?:IF NOT EXISTS )?"(\w+)"/gi)].map(([, name]) => name ?? '');

/** Statements that must be written in another way, so that readers and writers go on. */
function faults({ statements }: (typeof migrations)[number], known: ReadonlySet<string>): string[] {
  const text = statements.join('\n');
  const own = new Set(tablesOf(text));
  const blocking = [...text.matchAll(/CREATE (?:UNIQUE )?INDEX "(\w+)" ON "(\w+)"/gi)].flatMap(
    ([, index = '', table = '']) => (known.has(table) && !own.has(table) ? [`${index}: CONCURRENTLY`] : []),
  );
  const concurrent = [...text.matchAll(/INDEX CONCURRENTLY (?!IF (?:NOT )?EXISTS)/gi)].map(
    () => 'CONCURRENTLY IF (NOT) EXISTS',
  );
  const mixed = /\bCONCURRENTLY\b/i.test(text) && !isConcurrent({ statements });
  const rewrites =
    /ALTER COLUMN "\w+" (?:SET DATA )?TYPE|ALTER COLUMN "\w+" SET NOT NULL|RENAME (?:TO|COLUMN)/i;
  return [
    ...blocking,
    ...concurrent,
    ...(mixed ? ['indexes and other changes are two migrations'] : []),
    ...(rewrites.test(text) ? ['expand first, contract in a later version'] : []),
  ];
}

test('every migration leaves readers, writers and the version before alone', () => {
  const known = new Set<string>();
  const found: Record<string, string[]> = {};
  for (const migration of migrations) {
    const list = faults(migration, known);
    if (list.length > 0) found[migration.tag] = list;
    for (const table of tablesOf(migration.statements.join('\n'))) known.add(table);
  }
  expect(found).toEqual({});
});

test('the rules find what would block', () => {
  const known = new Set(['scrap_dimagaz_bc']);
  const of = (...statements: string[]) => faults({ tag: 't', when: 0, hash: '', statements }, known);
  expect(of('CREATE INDEX "a" ON "scrap_dimagaz_bc" USING btree ("id")')).toEqual(['a: CONCURRENTLY']);
  expect(of('CREATE TABLE "new" ("id" int)', 'CREATE INDEX "a" ON "new" ("id")')).toEqual([]);
  expect(of('CREATE INDEX CONCURRENTLY "a" ON "scrap_dimagaz_bc" ("id")')).toHaveLength(1);
  expect(
    of('CREATE INDEX CONCURRENTLY IF NOT EXISTS "a" ON "b" ("id")', 'ALTER TABLE "b" ADD "c" int'),
  ).toEqual(['indexes and other changes are two migrations']);
  expect(of('ALTER TABLE "scrap_dimagaz_bc" ALTER COLUMN "id" SET NOT NULL')).toHaveLength(1);
});
