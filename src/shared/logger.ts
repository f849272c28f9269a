import { createRequire } from 'node:module';
import { type DestinationStream, type Logger, pino } from 'pino';
import { safeForTerminal } from './terminal.ts';

export type { Logger } from 'pino';

/** The logger that modules get: that of pino, or one that adds ids to each line. */
export type Log = Record<'debug' | 'info' | 'warn' | 'error', (details: object, message: string) => void>;

/** Size of a batch of log lines in characters, and the maximum delay of a line. */
const BATCH = 4096;
const BATCH_MS = 100;

/**
 * Writes JSON lines to standard error, so that standard output has only answers. Lines of requests are written in
 * batches: a process that is killed loses its last tenth of a second.
 *
 * @param pretty readable lines without batches, if standard error is a terminal and `pino-pretty` is installed, as in
 * development.
 */
export function createLogger(
  level: string,
  name: string,
  lines: 'at once' | 'in batches' = 'at once',
  pretty = false,
): Logger {
  const shown = pretty && process.stderr.isTTY ? prettyDestination() : null;
  return pino(
    { level, name, redact: ['*.password', '*.authorization', 'password', 'authorization'] },
    shown ?? jsonDestination(lines),
  );
}

/** The log of the process, without the ids that `withContext` added. For events that concern the whole process. */
export const processLog = (log: Log): Log => (log instanceof ContextLog ? log.root : log);

/** Adds ids to each line, so that lines can be found by run, job or BC. Ids of the line itself take precedence. */
export function withContext(log: Log, ids: () => object): Log {
  return new ContextLog(log, ids);
}

/** A class, because each job has one: its methods are made once. */
class ContextLog implements Log {
  readonly root: Log;
  readonly #log: Log;
  readonly #ids: () => object;

  constructor(log: Log, ids: () => object) {
    this.root = processLog(log);
    this.#log = log;
    this.#ids = ids;
  }

  debug(details: object, message: string): void {
    this.#log.debug({ ...this.#ids(), ...details }, message);
  }

  info(details: object, message: string): void {
    this.#log.info({ ...this.#ids(), ...details }, message);
  }

  warn(details: object, message: string): void {
    this.#log.warn({ ...this.#ids(), ...details }, message);
  }

  error(details: object, message: string): void {
    this.#log.error({ ...this.#ids(), ...details }, message);
  }
}

/** The log of a mirror: each line has its name. */
export const mirrorLog = (log: Log, mirror: string): Log => withContext(log, () => ({ mirror }));

function jsonDestination(lines: 'at once' | 'in batches'): DestinationStream {
  const batched = lines === 'in batches';
  const destination = pino.destination({ dest: 2, sync: true, minLength: batched ? BATCH : 0 });
  if (batched) {
    setInterval(() => destination.flush(), BATCH_MS).unref();
    process.once('exit', () => destination.flushSync());
  }
  return destination;
}

/** The same line, safe for a terminal: `pino-pretty` unpacks the escaped characters of JSON. */
function tame(line: string): string {
  const safe = (_key: string, value: unknown) => (typeof value === 'string' ? safeForTerminal(value) : value);
  return `${JSON.stringify(JSON.parse(line, safe))}\n`;
}

/** Null if it is not installed. */
function prettyDestination(): DestinationStream | null {
  try {
    const pretty = createRequire(import.meta.url)('pino-pretty') as (options: object) => DestinationStream;
    const lines = pretty({ destination: 2, sync: true, colorize: true, ignore: 'pid,hostname' });
    return { write: (line) => lines.write(tame(line)) };
  } catch {
    return null;
  }
}
