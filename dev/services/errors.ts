import { errorMessage, PasserelleError } from '../../src/shared/errors.ts';

/** The machine has no Redis, and none could be installed. */
export class RedisMissingError extends PasserelleError {
  readonly code = 'redis_missing';
  constructor(cause?: unknown) {
    super(
      'No Redis here: install redis-server or valkey-server (apt install redis-server, brew install redis), start Docker, or give the URL of a Redis.',
      { cause },
    );
  }
}

/** A server was started and cannot be used. `reason` is the end of its log, or why it did not start. */
export class ServerFailedError extends PasserelleError {
  readonly code = 'server_failed';
  constructor(server: string, reason: string, cause?: unknown) {
    super(`${server} could not be started: ${reason.trim() || 'it said nothing'}`, { cause });
  }
}

/** The URL in an environment variable does not answer. */
export class ServerUnreachableError extends PasserelleError {
  readonly code = 'server_unreachable';
  constructor(variable: string, cause: unknown) {
    super(`${variable} is set, but its server does not answer: ${errorMessage(cause)}`, { cause });
  }
}
