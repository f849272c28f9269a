import { PasserelleError } from '../errors.ts';
import { withinMs } from '../within.ts';

/** A service that must answer a probe takes longer than this only when it is in trouble. */
const ANSWER_MS = 2000;

const CODES = { PostgreSQL: 'database_unavailable', Redis: 'redis_unavailable' } as const;
type Server = keyof typeof CODES;

/** One of our own servers keeps silent. */
class NoAnswerError extends PasserelleError {
  override readonly name = 'NoAnswerError';
  readonly code: (typeof CODES)[Server];
  override readonly retryable = true;
  constructor(server: Server, limitMs: number) {
    super(`${server} did not answer within ${limitMs} ms; try again in a moment.`);
    this.code = CODES[server];
  }
}

/**
 * The outcome of `work`. What is late goes on all the same.
 *
 * @throws NoAnswerError once `limitMs` are over, or what `work` threw.
 */
export function within<T>(work: Promise<T>, server: Server, limitMs = ANSWER_MS): Promise<T> {
  return withinMs(work, limitMs, () => new NoAnswerError(server, limitMs));
}
