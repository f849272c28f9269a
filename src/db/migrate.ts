import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { sql } from 'drizzle-orm';
import { migrate as applyAll } from 'drizzle-orm/postgres-js/migrator';
import type { Database } from './connection.ts';
import { openDatabase } from './connection.ts';
import { LOCKS } from './locks.ts';

const FOLDER = fileURLToPath(new URL('./migrations', import.meta.url));

interface Journal {
  readonly entries: readonly { readonly tag: string; readonly when: number }[];
}

/** Applies every migration that is missing. Safe to run from several processes at once. */
export async function migrate(databaseUrl: string): Promise<void> {
  // One connection, so that the session lock and the migrations share it.
  const { db, close } = openDatabase(databaseUrl, 1);
  try {
    await db.execute(sql`select pg_advisory_lock(${LOCKS.migration})`);
    await applyAll(db, { migrationsFolder: FOLDER });
  } finally {
    await close();
  }
}

/** Names of the migrations that this build needs and the database lacks. */
export async function pendingMigrations(db: Database): Promise<string[]> {
  const journal = JSON.parse(readFileSync(`${FOLDER}/meta/_journal.json`, 'utf8')) as Journal;
  const table = await db.execute(
    sql`select to_regclass('drizzle.__drizzle_migrations') is not null as present`,
  );
  const last = table[0]?.['present'] === true ? await lastApplied(db) : 0;
  return journal.entries.filter((entry) => entry.when > last).map((entry) => entry.tag);
}

async function lastApplied(db: Database): Promise<number> {
  const rows = await db.execute(
    sql`select coalesce(max(created_at), 0) as last from drizzle.__drizzle_migrations`,
  );
  return Number(rows[0]?.['last'] ?? 0);
}
