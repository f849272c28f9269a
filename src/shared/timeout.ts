import { errorMessage } from './errors.ts';
import { onAbort } from './retry.ts';

/**
 * The result of `work`, or its error. `work` continues after the timeout: nothing cancels it. A process that was busy
 * for longer than `ms` first reads what has arrived meanwhile.
 *
 * @throws `late()` after `ms`, or the reason of the signal.
 */
export function withTimeout<T>(
  work: Promise<T>,
  ms: number,
  late: () => Error,
  signal?: AbortSignal,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    let release = () => {};
    const settle = (outcome: () => void) => {
      clearTimeout(timer);
      release();
      outcome();
    };
    const expire = () => settle(() => reject(late()));
    // Timers run before sockets are read, and `setImmediate` runs after.
    const timer = setTimeout(() => setImmediate(expire), Math.max(1, ms));
    release = onAbort(signal, () => settle(() => reject(signal?.reason)));
    work.then(
      (value) => settle(() => resolve(value)),
      (error: unknown) => settle(() => reject(error)),
    );
  });
}

/**
 * The result of `work`, or null if it fails or takes longer than `limitMs`; `why` gets the reason. `work` continues
 * after the timeout.
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

/** The time limit of one attempt. The caller that starts it must end it. */
interface Timeout {
  /** Aborted when the limit is reached, and with the signal that it was started with. */
  readonly signal: AbortSignal;
  readonly isOver: boolean;
  end(): void;
}

/**
 * It has its own timer. If only `AbortSignal.any` uses a signal of `AbortSignal.timeout`, Node 20 collects it as
 * garbage, and it never fires.
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
