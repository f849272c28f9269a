import { setTimeout as pause } from 'node:timers/promises';
import { errorCode, errorReason, PasserelleError } from '../shared/errors.ts';
import type { Log } from '../shared/logger.ts';
import { placeOfUrl } from '../shared/redact.ts';
import type { Database } from './client.ts';
import { pendingMigrations } from './migrate.ts';

/**
 * PostgreSQL cannot be reached, refuses the login, or does not have the database.
 *
 * @fix Check DATABASE_URL and that PostgreSQL is up. `passerelle check` shows the reason. Then try again.
 */
export class DatabaseUnavailableError extends PasserelleError {
  readonly code = 'database_unavailable';
  override readonly retryable = true;
  constructor(url: string, cause: unknown) {
    super(
      `PostgreSQL at ${placeOfUrl(url)} cannot be used: ${errorReason(cause)}. ${adviceFor(errorCode(cause), url)}`,
      { cause },
    );
  }
}

/** SQLSTATE: no such database; no such role, or a wrong password. */
function adviceFor(code: string, url: string): string {
  const { pathname, username } = new URL(url);
  if (code === '3D000') return `Create it with "createdb ${pathname.slice(1)}", or check DATABASE_URL.`;
  if (code === '28P01' || code === '28000')
    return `Check the password of ${decodeURIComponent(username) || 'the user'} in DATABASE_URL.`;
  return 'Check DATABASE_URL.';
}

/**
 * The database lacks migrations of this version.
 *
 * @fix Run `passerelle migrate`. Restart the process if it stopped.
 */
export class DatabaseNotMigratedError extends PasserelleError {
  readonly code = 'database_not_migrated';
  constructor(url: string, pending: readonly string[]) {
    super(
      `The database at ${placeOfUrl(url)} lacks migrations (${pending.join(', ')}): run "passerelle migrate".`,
    );
  }
}

/** Pause between two checks. */
const RETRY_MS = 1000;

/**
 * Waits until PostgreSQL answers and has all migrations of this build. A server that does not answer is waited for,
 * because it may start later; a database that lacks migrations only with `awaitMigrations`.
 *
 * @returns false if `stopped` came first.
 * @throws DatabaseNotMigratedError
 */
export async function whenMigrated(
  db: Database,
  { databaseUrl, awaitMigrations }: { readonly databaseUrl: string; readonly awaitMigrations: boolean },
  log: Log,
  stopped: Promise<unknown>,
): Promise<boolean> {
  const isStopped = stopped.then(() => true);
  let told: PasserelleError['code'] | undefined;
  // Each state is logged once, not each check.
  const tell = ({ code, message }: PasserelleError, more = '') => {
    if (code !== told) log.warn({}, message + more);
    told = code;
  };
  for (;;) {
    const pending = await pendingMigrations(db).catch((error: unknown) => {
      tell(new DatabaseUnavailableError(databaseUrl, error));
      return null;
    });
    if (pending?.length === 0) return true;
    if (pending !== null) {
      const lacking = new DatabaseNotMigratedError(databaseUrl, pending);
      if (!awaitMigrations) throw lacking;
      tell(lacking, ' This process waits for it (DATABASE_AWAIT_MIGRATIONS).');
    }
    if (await Promise.race([isStopped, pause(RETRY_MS, false)])) return false;
  }
}
