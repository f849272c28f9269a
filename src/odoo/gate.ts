import { delay } from '../retry.ts';

export interface Gate {
  /** Runs `work` when a place is free and the rate allows it; first come, first served. */
  pass<T>(work: () => Promise<T>): Promise<T>;
}

/** Lets `concurrency` works run at once and, where a rate is given, start evenly spaced. */
export function createGate(concurrency: number, callsPerSecond: number | undefined): Gate {
  const waiting: (() => void)[] = [];
  const spacingMs = callsPerSecond === undefined ? 0 : 1000 / callsPerSecond;
  let free = concurrency;
  let nextStart = 0;

  const enter = async () => {
    // A place is handed over directly to the first who waits, so that nobody can slip in between.
    if (free > 0) free--;
    else await new Promise<void>((resolve) => waiting.push(resolve));
  };
  const leave = () => {
    const next = waiting.shift();
    if (next === undefined) free++;
    else next();
  };
  const ownTurn = async () => {
    const now = performance.now();
    const start = Math.max(now, nextStart);
    nextStart = start + spacingMs;
    if (start > now) await delay(start - now);
  };

  return {
    async pass(work) {
      await enter();
      try {
        await ownTurn();
        return await work();
      } finally {
        leave();
      }
    },
  };
}
