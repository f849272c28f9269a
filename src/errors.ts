/**
 * Root of every error this project throws on purpose.
 *
 * `code` is the contract: stable, lower snake case, safe to show and to store. `message` is one plain
 * sentence that says what happened and what to do; it never holds a secret or a traceback.
 * `retryable` says whether the same work may succeed later with nothing changed on our side.
 */
export abstract class PasserelleError extends Error {
  abstract readonly code: string;
  readonly retryable: boolean = false;
}

/** The code of any thrown value: our own code, a Node or PostgreSQL code, or `unexpected`. */
export function errorCode(error: unknown): string {
  if (error instanceof PasserelleError) return error.code;
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  return 'unexpected';
}

/** The message of any thrown value, without its stack. */
export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
