import { errorMessage, PasserelleError } from './errors.ts';
import { onAbort } from './retry.ts';

/**
 * The outcome of `work`, also where that is an error. What is late goes on all the same.
 *
 * @throws what `late` gives, once `limitMs` are over.
 */
export async function withinMs<T>(work: Promise<T>, limitMs: number, late: () => Error): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), limitMs);
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}

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

/**
 * What `work` gives; null where it fails or takes longer than `limitMs`, after `why` was told. What is late goes on all
 * the same.
 */
export async function answered<T>(
  work: () => Promise<T>,
  limitMs: number,
  why: (reason: string) => void = () => {},
): Promise<T | null> {
  try {
    return await withinMs(work(), limitMs, () => new Error(`no answer within ${limitMs} ms`));
  } catch (error) {
    why(errorMessage(error));
    return null;
  }
}

/** Of one try. Whoever starts it ends it. */
export interface Limit {
  /** Aborted when the limit is over, and with the signal that it was started with. */
  readonly signal: AbortSignal;
  readonly isOver: boolean;
  end(): void;
}

/**
 * With a timer of its own: a signal of `AbortSignal.timeout` that only `AbortSignal.any` knows is collected as garbage by
 * Node 20, and never comes.
 */
export function startLimit(ms: number, signal: AbortSignal): Limit {
  const either = new AbortController();
  let isOver = false;
  const timer = setTimeout(() => {
    isOver = true;
    either.abort();
  }, ms);
  const release = onAbort(signal, () => either.abort(signal.reason));
  return {
    signal: either.signal,
    get isOver() {
      return isOver;
    },
    end() {
      clearTimeout(timer);
      release();
    },
  };
}
