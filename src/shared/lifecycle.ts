import { constants } from 'node:os';
import type { Logger } from './logger.ts';

type Release = () => Promise<unknown> | unknown;

/**
 * Runs `work` with a `defer` that registers release functions. They run last in, first out, each exactly once, whatever
 * fails. The first error is thrown at the end.
 */
export async function withResources<T>(work: (defer: (release: Release) => void) => Promise<T>): Promise<T> {
  const releases: Release[] = [];
  const failures: unknown[] = [];
  let result: T | undefined;
  try {
    result = await work((release) => releases.push(release));
  } catch (error) {
    failures.push(error);
  }
  for (const release of releases.reverse()) {
    try {
      await release();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
  return result as T;
}

/**
 * npm forwards the Ctrl-C that the terminal already sent. A signal that comes this soon after the first is the same
 * request.
 */
const SAME_REQUEST_MS = 500;

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

/**
 * Calls `first` when the process is asked to stop (SIGTERM or SIGINT), and `again` at each further request. Returns a
 * function that stops listening; it does nothing after the first request, because that one may still arrive twice.
 */
export function onStopRequest(
  first: (signal: NodeJS.Signals) => void,
  again: (signal: NodeJS.Signals) => void,
): () => void {
  let askedAt: number | null = null;
  const asked = (signal: NodeJS.Signals) => {
    if (askedAt === null) {
      askedAt = performance.now();
      first(signal);
    } else if (performance.now() - askedAt > SAME_REQUEST_MS) again(signal);
  };
  for (const signal of SIGNALS) process.on(signal, asked);
  return () => {
    if (askedAt === null) for (const signal of SIGNALS) process.off(signal, asked);
  };
}

/**
 * Resolves with the name of the signal when the process is asked to stop (SIGTERM or SIGINT). Until then the process
 * stays alive. A second signal ends it at once. We handle it, because the first process of a container has no default
 * for signals.
 */
export function stopSignal(): Promise<NodeJS.Signals> {
  const alive = setInterval(() => {}, 2 ** 30);
  return new Promise((resolve) => {
    onStopRequest(
      (signal) => {
        clearInterval(alive);
        resolve(signal);
      },
      (signal) => process.exit(128 + constants.signals[signal]),
    );
  });
}

/** Exits with code 1 if the process has not ended within `deadlineMs`, and logs it. */
export function forceExitAfter(deadlineMs: number, log: Logger): void {
  setTimeout(() => {
    log.error({ deadlineMs }, 'the shutdown deadline has passed; requests and jobs in progress are aborted');
    process.exit(1);
  }, deadlineMs).unref();
}
