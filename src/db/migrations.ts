import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { sql } from 'drizzle-orm';
import { readMigrationFiles } from 'drizzle-orm/migrator';
import type { Database } from './connection.ts';

/** The migrations of this build. */
export const FOLDER = fileURLToPath(new URL('./migrations', import.meta.url));

interface Journal {
  readonly entries: readonly { readonly tag: string; readonly when: number }[];
}

/** One file of the folder. */
export interface Migration {
  readonly tag: string;
  /** When it was made, in milliseconds: a database has all migrations up to its newest. */
  readonly when: number;
  readonly hash: string;
  readonly statements: readonly string[];
}

/** Names of the migrations that this build needs and the database lacks. */
export async function pendingMigrations(db: Database): Promise<string[]> {
  const last = await lastApplied(db);
  return journalOf(FOLDER).flatMap(({ tag, when }) => (when > last ? [tag] : []));
}

/** The same with what they do, in their order. */
export async function missingMigrations(db: Database, folder: string): Promise<Migration[]> {
  const last = await lastApplied(db);
  return readMigrations(folder).filter(({ when }) => when > last);
}

export function readMigrations(folder: string): Migration[] {
  const files = readMigrationFiles({ migrationsFolder: folder });
  return journalOf(folder).map(({ tag, when }, at) => {
    const { hash = '', sql: statements = [] } = files[at] ?? {};
    return { tag, when, hash, statements };
  });
}

function journalOf(folder: string): Journal['entries'] {
  return (JSON.parse(readFileSync(`${folder}/meta/_journal.json`, 'utf8')) as Journal).entries;
}

async function lastApplied(db: Database): Promise<number> {
  const [table] = await db.execute(
    sql`select to_regclass('drizzle.__drizzle_migrations') is not null as present`,
  );
  if (table?.['present'] !== true) return 0;
  const [row] = await db.execute(
    sql`select coalesce(max(created_at), 0) as last from drizzle.__drizzle_migrations`,
  );
  return Number(row?.['last'] ?? 0);
}
