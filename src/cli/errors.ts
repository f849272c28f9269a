import type { RedisConfig } from '../config/index.ts';
import { errorCode, errorMessage, PasserelleError, RedisUnavailableError } from '../shared/errors.ts';

export class DatabaseUnavailableError extends PasserelleError {
  readonly code = 'database_unavailable';
  override readonly retryable = true;
  constructor(url: string, cause: unknown) {
    super(`PostgreSQL at ${place(url)} cannot be used: ${reason(cause)}. Check DATABASE_URL.`, { cause });
  }
}

/** Names the server and the variable to check. */
export function redisUnavailable(
  { url, sentinel, cluster }: RedisConfig,
  cause: unknown,
): RedisUnavailableError {
  const where =
    sentinel === null ? `${cluster ? 'of the cluster ' : ''}at ${place(url)}` : `named ${sentinel.name}`;
  const variable = sentinel === null ? 'REDIS_URL' : 'REDIS_SENTINELS';
  return new RedisUnavailableError(
    cause,
    `Redis ${where} cannot be used: ${reason(cause)}. Check ${variable}.`,
  );
}

export class DatabaseNotMigratedError extends PasserelleError {
  readonly code = 'database_not_migrated';
  constructor(url: string, pending: readonly string[]) {
    super(
      `The database at ${place(url)} lacks migrations (${pending.join(', ')}): run "passerelle migrate".`,
    );
  }
}

/** An argument or option of a command is not valid. */
export class BadArgumentError extends PasserelleError {
  readonly code = 'bad_argument';
}

export class UnknownKeyError extends PasserelleError {
  readonly code = 'unknown_key';
  constructor(given: string) {
    // The argument may be a whole key, which is secret.
    const which = given.length > MAX_SHOWN ? 'that' : JSON.stringify(given);
    super(`There is no key with the id or prefix ${which}; "passerelle keys list" shows them.`);
  }
}

const MAX_SHOWN = 20;

/** Host, port and path of a URL, without its user and password. */
function place(url: string): string {
  const { host, pathname } = new URL(url);
  return host + (pathname === '/' ? '' : pathname);
}

/** Node's error for a name with several addresses has no message, only a code. */
function reason(error: unknown): string {
  return errorMessage(error).trim().replace(/\.$/, '') || errorCode(error);
}
