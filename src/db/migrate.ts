import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { sql } from 'drizzle-orm';
import { readMigrationFiles } from 'drizzle-orm/migrator';
import { errorCode, PasserelleError } from '../shared/errors.ts';
import { type Database, openDatabase, type SessionTimeouts, TIMEOUTS, type Transaction } from './client.ts';
import { LOCKS } from './locks.ts';

const COMMENTS = /^(\s*--[^\n]*\n)+/;
const CONCURRENT = /^\s*(create|drop)\s+(unique\s+)?index\s+concurrently\b/i;
const CREATES = /^\s*create\s+(?:unique\s+)?index\s+concurrently\s+if\s+not\s+exists\s+"(\w+)"/i;

/**
 * Whether it only builds and drops indexes without blocking writers. PostgreSQL does that only outside of transactions.
 */
export function isConcurrent({ statements }: Pick<Migration, 'statements'>): boolean {
  return statements.every((statement) => CONCURRENT.test(withoutComments(statement)));
}

/**
 * Runs its statements one by one and skips those that an earlier attempt has done. `create index concurrently` waits
 * for older transactions without blocking others, and leaves an invalid index if it is aborted.
 */
async function buildIndexes(
  db: Database,
  { tag, statements }: Migration,
  onStep: (line: string) => void,
): Promise<void> {
  for (const statement of statements.map(withoutComments)) {
    const [, name] = CREATES.exec(statement) ?? [];
    // On a small table an index needs milliseconds.
    const announcement = setTimeout(() => {
      if (name !== undefined)
        onStep(`${tag}: building index ${name}; writers are not blocked, open transactions delay it`);
    }, ANNOUNCED_AFTER_MS);
    try {
      if (name !== undefined) await dropInvalid(db, name);
      await db.execute(sql.raw(statement));
    } finally {
      clearTimeout(announcement);
    }
  }
}

const ANNOUNCED_AFTER_MS = 1000;

async function dropInvalid(db: Database, name: string): Promise<void> {
  const [invalid] = await db.execute(
    sql`select 1 from pg_index where indexrelid = to_regclass(quote_ident(${name})) and not indisvalid`,
  );
  if (invalid !== undefined) await db.execute(sql`drop index concurrently if exists ${sql.identifier(name)}`);
}

const withoutComments = (statement: string) => statement.replace(COMMENTS, '');

/** How a migration waits for tables that others use. */
interface Patience {
  /** Lock timeout of one attempt, in milliseconds: the maximum time that other sessions wait behind it. */
  readonly lockMs: number;
  /** Pause between two attempts, in milliseconds, in which waiting sessions proceed. */
  readonly pauseMs: number;
  readonly tries: number;
}

/** Some five minutes in total. */
const PATIENCE: Patience = { lockMs: 2000, pauseMs: 3000, tries: 60 };

const TURN_MS = 500;

/** SQLSTATE: lock_timeout, deadlock. */
const BLOCKED: readonly string[] = ['55P03', '40P01'];

/**
 * A migration could not lock a table that is in use. Nothing was changed.
 *
 * @fix End the long transactions that `pg_stat_activity` shows, then run `passerelle migrate` again. See
 * docs/how-to/run/upgrade.md#when-a-migration-waits.
 */
class MigrationBlockedError extends PasserelleError {
  readonly code = 'migration_blocked';
  override readonly retryable = true;
  constructor(tag: string, tries: number, cause: unknown) {
    super(
      `Migration ${tag} found its tables in use in each of ${tries} tries; look for long transactions in pg_stat_activity, end them, and migrate again.`,
      { cause },
    );
  }
}

interface Waiting {
  readonly patience: Patience;
  readonly onStep: (line: string) => void;
}

/**
 * Lets one process at a time migrate; the lock ends with the session. The lock is polled, because a waiting session has
 * a snapshot, and `create index concurrently` of the other process would wait for that snapshot.
 */
async function takeTurn(db: Database, onStep: (line: string) => void): Promise<void> {
  for (let announced = false; ; announced = true) {
    const [row] = await db.execute(sql`select pg_try_advisory_lock(${LOCKS.migration}) as mine`);
    if (row?.['mine'] === true) return;
    if (!announced) onStep('another process is migrating: waiting for it');
    await pause(TURN_MS);
  }
}

/**
 * A transaction that never waits long for a lock: a waiting `alter table` would block all sessions after it.
 *
 * @throws MigrationBlockedError after the last attempt.
 */
async function withLockTimeout(
  db: Database,
  tag: string,
  { patience: { lockMs, pauseMs, tries }, onStep }: Waiting,
  work: (tx: Transaction) => Promise<void>,
): Promise<void> {
  for (let tried = 1; ; tried++) {
    try {
      return await db.transaction(async (tx) => {
        await tx.execute(sql`select set_config('lock_timeout', ${String(lockMs)}, true)`);
        await work(tx);
      });
    } catch (error) {
      if (!BLOCKED.includes(errorCode(error))) throw error;
      if (tried === tries) throw new MigrationBlockedError(tag, tries, error);
      onStep(`${tag}: its tables are in use, letting others through and trying again`);
      await pause(pauseMs);
    }
  }
}

/** The migrations of this build. */
export const FOLDER = fileURLToPath(new URL('./migrations', import.meta.url));

interface Journal {
  readonly entries: readonly { readonly tag: string; readonly when: number }[];
}

/** One file of the folder. */
interface Migration {
  readonly tag: string;
  /** Its creation time in milliseconds. A database has all migrations up to its newest. */
  readonly when: number;
  readonly hash: string;
  readonly statements: readonly string[];
}

/** Names of the migrations of this build that the database lacks. */
export async function pendingMigrations(db: Database): Promise<string[]> {
  const last = await lastApplied(db);
  return journalOf(FOLDER).flatMap(({ tag, when }) => (when > last ? [tag] : []));
}

/** The same with their statements, in order. */
async function missingMigrations(db: Database, folder: string): Promise<Migration[]> {
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

interface MigrateOptions {
  /** The folder of the migrations; by default that of this build. */
  readonly folder?: string;
  readonly patience?: Patience;
  readonly timeouts?: SessionTimeouts;
  /** Called with one line when a step waits or takes long. */
  readonly onStep?: (line: string) => void;
}

/**
 * Applies every missing migration, while readers and writers continue. Safe to run from several processes at once, and
 * again after a crash: a migration is a transaction, or builds indexes and can be repeated.
 *
 * @throws MigrationBlockedError if others hold the tables for minutes.
 */
export async function migrate(
  databaseUrl: string,
  { folder = FOLDER, patience = PATIENCE, timeouts = TIMEOUTS, onStep = () => {} }: MigrateOptions = {},
): Promise<void> {
  // One connection, because the lock belongs to its session.
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

/** An index may take longer than the statement timeout of the role. It is aborted if its client disconnects. */
async function prepareSession(db: Database): Promise<void> {
  await db.execute(
    sql`select set_config('statement_timeout', '0', false), set_config('lock_timeout', '0', false)`,
  );
  // PostgreSQL 14 supports it on Linux only; elsewhere a started index is finished.
  await db.execute(sql`select set_config('client_connection_check_interval', '2s', false)`).catch(() => {});
}

/** The format of drizzle-kit. */
async function createJournal(db: Database): Promise<void> {
  await db.execute(sql`create schema if not exists drizzle`);
  await db.execute(sql`
    create table if not exists drizzle.__drizzle_migrations (
      id serial primary key, hash text not null, created_at bigint)`);
}

function recorded({ hash, when }: Migration) {
  return sql`insert into drizzle.__drizzle_migrations (hash, created_at) values (${hash}, ${when})`;
}
