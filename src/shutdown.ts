import { constants } from 'node:os';
import type { Logger } from './logger.ts';

/** npm passes on the Ctrl-C that the terminal has sent already: what comes this soon is the same request. */
const SAME_REQUEST_MS = 500;

/**
 * Resolves when the process is asked to stop (SIGTERM or SIGINT), with the signal's name; until then it stays alive.
 * A second signal ends it at once. Said by ourselves: as the first process of a container it has no default for signals.
 */
export function stopSignal(): Promise<NodeJS.Signals> {
  const alive = setInterval(() => {}, 2 ** 30);
  let askedAt: number | null = null;
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.on(signal, () => {
        if (askedAt === null) {
          askedAt = performance.now();
          clearInterval(alive);
          resolve(signal);
        } else if (performance.now() - askedAt > SAME_REQUEST_MS) {
          process.exit(128 + constants.signals[signal]);
        }
      });
    }
  });
}

/** Ends the process with 1 unless it has ended by itself within `deadlineMs`; what is cut off is said to be. */
export function endWithin(deadlineMs: number, log: Logger): void {
  setTimeout(() => {
    log.error({ deadlineMs }, 'the deadline has passed: what is still in progress is cut off');
    process.exit(1);
  }, deadlineMs).unref();
}
