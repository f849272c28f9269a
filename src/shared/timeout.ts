import { errorMessage } from './errors.ts';
import { onAbort } from './retry.ts';

/**
 * The outcome of `work`, also where that is an error. What is late goes on all the same.
 *
 * @throws what `late` gives, once `limitMs` are over.
 */
export async function withTimeout<T>(work: Promise<T>, limitMs: number, late: () => Error): Promise<T> {
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

/**
 * What `work` gives; null where it fails or takes longer than `limitMs`, after `why` was told. What is late goes on all
 * the same.
 */
export async function resultWithin<T>(
  work: () => Promise<T>,
  limitMs: number,
  why: (reason: string) => void = () => {},
): Promise<T | null> {
  try {
    return await withTimeout(work(), limitMs, () => new Error(`no answer within ${limitMs} ms`));
  } catch (error) {
    why(errorMessage(error));
    return null;
  }
}

/** Of one try. Whoever starts it ends it. */
interface Timeout {
  /** Aborted when the limit is over, and with the signal that it was started with. */
  readonly signal: AbortSignal;
  readonly isOver: boolean;
  end(): void;
}

/**
 * With a timer of its own: a signal of `AbortSignal.timeout` that only `AbortSignal.any` knows is collected as garbage by
 * Node 20, and never comes.
 */
export function startTimeout(ms: number, signal: AbortSignal): Timeout {
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

/**
 * Waits for something that others wait for too. Rejects with `late()` after `ms` and with the signal's reason, while
 * what is waited for goes on.
 */
export function withDeadline<T>(
  shared: Promise<T>,
  ms: number,
  late: () => Error,
  signal: AbortSignal | undefined,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const timer = setTimeout(() => reject(late()), Math.max(1, ms));
    const release = onAbort(signal, () => reject(signal?.reason));
    shared.then(resolve, reject).finally(() => {
      clearTimeout(timer);
      release();
    });
  });
}
