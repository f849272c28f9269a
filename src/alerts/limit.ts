import { onAbort } from '../retry.ts';

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
