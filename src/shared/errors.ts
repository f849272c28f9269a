/**
 * Base class of every error that this project throws on purpose.
 *
 * `code` is the contract: stable, lower snake case, safe to show and to store. `message` is one plain sentence that
 * says what happened and what to do; it never holds a secret or a traceback. `retryable` says whether the same work may
 * succeed later with nothing changed on our side.
 */
export abstract class PasserelleError extends Error {
  abstract readonly code: string;
  readonly retryable: boolean = false;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/**
 * Redis cannot be reached, or does not answer in time. Work that needs a queue is refused meanwhile.
 *
 * @fix Check REDIS_URL and that Redis is up. `passerelle check` shows the reason. Then try again.
 */
export class RedisUnavailableError extends PasserelleError {
  readonly code = 'redis_unavailable';
  override readonly retryable = true;
  constructor(cause: unknown, message = 'Redis does not answer; try again in a moment.') {
    super(message, { cause });
  }
}

/** The code of any thrown value: our own code, a Node or PostgreSQL code, or `unexpected`. */
export function errorCode(error: unknown): string {
  const origin = originOf(error);
  if (origin instanceof PasserelleError) return origin.code;
  if (origin instanceof Error && 'code' in origin && typeof origin.code === 'string') return origin.code;
  return 'unexpected';
}

/** The message of any thrown value, without its stack. */
export function errorMessage(error: unknown): string {
  const origin = originOf(error);
  return origin instanceof Error ? origin.message : String(origin);
}

/** The message as a part of a sentence. Node's error for a name with several addresses has no message, only a code. */
export function errorReason(error: unknown): string {
  return errorMessage(error).trim().replace(/\.$/, '') || errorCode(error);
}

/**
 * True if a server answered the first message of TLS in plain text: the URL begins with `https`, but the port does not
 * use TLS. OpenSSL takes the answer for a TLS record of an unknown version or an impossible length.
 */
export function isPlainText(error: unknown): boolean {
  return /^ERR_SSL_(WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST)$/.test(errorCode(error));
}

/** The stack of any thrown value, without the statements and parameters that libraries add to theirs. */
export function errorStack(error: unknown): string | undefined {
  const origin = originOf(error);
  return origin instanceof Error ? origin.stack : undefined;
}

/**
 * Unwraps the errors of libraries: the message of a Drizzle error contains the whole statement with its parameters, and
 * only its cause contains the error of PostgreSQL. Our own errors are not unwrapped.
 */
function originOf(error: unknown): unknown {
  if (error instanceof PasserelleError || !(error instanceof Error)) return error;
  return error.cause instanceof Error ? originOf(error.cause) : error;
}
