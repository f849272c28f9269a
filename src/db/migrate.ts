import { sql } from 'drizzle-orm';
import type { Database, SessionTimeouts } from './connection.ts';
import { openDatabase, TIMEOUTS } from './connection.ts';
import { buildIndexes, isConcurrent } from './migration-indexes.ts';
import type { Patience } from './migration-locks.ts';
import { PATIENCE, takeTurn, withLockTimeout } from './migration-locks.ts';
import type { Migration } from './migrations.ts';
import { FOLDER, missingMigrations } from './migrations.ts';

export interface MigrateOptions {
  /** Where the migrations are; those of this build by default. */
  readonly folder?: string;
  readonly patience?: Patience;
  readonly timeouts?: SessionTimeouts;
  /** Told of each step that may take a while, in one line. */
  readonly onStep?: (line: string) => void;
}

/**
 * Applies every migration that is missing, while readers and writers go on. Safe to run from several processes at
 * once, and again after it was killed: a migration is a transaction, or builds indexes and can be repeated.
 *
 * @throws MigrationBlockedError when others hold the tables it has to alter for minutes.
 */
export async function migrate(
  databaseUrl: string,
  { folder = FOLDER, patience = PATIENCE, timeouts = TIMEOUTS, onStep = () => {} }: MigrateOptions = {},
): Promise<void> {
  // One connection: the turn is its session's.
  const { db, close } = openDatabase(databaseUrl, { max: 1, timeouts });
  try {
    await prepareSession(db);
    await takeTurn(db, onStep);
    await createJournal(db);
    for (const migration of await missingMigrations(db, folder)) {
      if (isConcurrent(migration)) {
        await buildIndexes(db, migration, onStep);
        await db.execute(recorded(migration));
      } else {
        await withLockTimeout(db, migration.tag, { patience, onStep }, async (tx) => {
          for (const statement of migration.statements) await tx.execute(sql.raw(statement));
          await tx.execute(recorded(migration));
        });
      }
    }
  } finally {
    await close();
  }
}

/** An index may take longer than a role's queries are allowed to; one that nobody waits for any more is given up. */
async function prepareSession(db: Database): Promise<void> {
  await db.execute(
    sql`select set_config('statement_timeout', '0', false), set_config('lock_timeout', '0', false)`,
  );
  // PostgreSQL 14 refuses it but on Linux; there what was begun is finished.
  await db.execute(sql`select set_config('client_connection_check_interval', '2s', false)`).catch(() => {});
}

/** As drizzle-kit keeps it. */
async function createJournal(db: Database): Promise<void> {
  await db.execute(sql`create schema if not exists drizzle`);
  await db.execute(sql`
    create table if not exists drizzle.__drizzle_migrations (
      id serial primary key, hash text not null, created_at bigint)`);
}

function recorded({ hash, when }: Migration) {
  return sql`insert into drizzle.__drizzle_migrations (hash, created_at) values (${hash}, ${when})`;
}
