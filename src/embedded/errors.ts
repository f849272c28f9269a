import { errorMessage, PasserelleError } from '../shared/errors.ts';

/**
 * The machine has no Redis, and none could be installed.
 *
 * @fix Install `redis-server` or `valkey-server`, or set REDIS_URL to a running server.
 */
export class RedisMissingError extends PasserelleError {
  readonly code = 'redis_missing';
  constructor(cause?: unknown) {
    super(
      'No Redis here: install redis-server or valkey-server (apt install redis-server, brew install redis), start Docker, or give the URL of a Redis.',
      { cause },
    );
  }
}

/**
 * A server was started and cannot be used. `reason` is the end of its log, or why it did not start.
 *
 * @fix Correct the cause that the message names, then start again. With `passerelle up` the whole log is in
 * `.passerelle`. To use another server, set DATABASE_URL or REDIS_URL.
 */
export class ServerFailedError extends PasserelleError {
  readonly code = 'server_failed';
  constructor(server: string, reason: string, cause?: unknown) {
    super(`${server} could not be started: ${reason.trim() || 'it said nothing'}`, { cause });
  }
}

/**
 * The URL in an environment variable does not answer.
 *
 * @fix Start that server, correct the variable, or unset it so that a server is started for you.
 */
export class ServerUnreachableError extends PasserelleError {
  readonly code = 'server_unreachable';
  constructor(variable: string, cause: unknown) {
    super(`${variable} is set, but its server does not answer: ${errorMessage(cause)}`, { cause });
  }
}

/**
 * The port of PORT is in use.
 *
 * @fix Stop the program that uses the port, set another PORT, or unset PORT to get a free one.
 */
export class PortTakenError extends PasserelleError {
  readonly code = 'port_taken';
  constructor(host: string, port: number) {
    super(`Port ${port} on ${host} is taken; stop what uses it, set another PORT, or unset it.`);
  }
}

/**
 * The API or the worker ended by itself. `log` is the end of its output.
 *
 * @fix Correct the cause that the log names, then start again. With `passerelle up` the whole log is in
 * `.passerelle/api.log` or `.passerelle/worker.log`.
 */
export class ProcessEndedError extends PasserelleError {
  readonly code = 'process_ended';
  constructor(name: string, how: string, log: string) {
    super(`The ${name} ended with ${how}: ${log || 'it said nothing'}`);
  }
}

/**
 * `passerelle up` runs in this folder already.
 *
 * @fix Stop the running `passerelle up` with Ctrl-C. If the process in the message is another program, delete the file
 * that the message names.
 */
export class AlreadyUpError extends PasserelleError {
  readonly code = 'already_up';
  constructor(pid: string, file: string) {
    super(
      `"passerelle up" already runs in this folder, as process ${pid}. Stop it first. If that process is something else, delete ${file}.`,
    );
  }
}

/**
 * PostgreSQL does not run as root, and the user that it runs as cannot reach the folder of its data.
 *
 * @fix Start as another user, or make `.passerelle` a link to a folder that every user can reach. See
 * docs/how-to/run/one-machine.md#as-root.
 */
export class UnreachableFolderError extends PasserelleError {
  readonly code = 'unreachable_folder';
  constructor(directory: string) {
    super(
      `PostgreSQL does not run as root, and the unprivileged user of its process cannot reach ${directory}. Start as ` +
        'another user, or make .passerelle a link to a folder that every user can reach: ' +
        'mkdir -p /var/lib/passerelle && ln -s /var/lib/passerelle .passerelle',
    );
  }
}
