import { poll } from '../../src/embedded/probes.ts';

/** Ends a test that hangs. It is no speed check: a loaded machine may take minutes. */
const LIMIT_MS = 240_000;

/**
 * Waits for a state instead of a duration: asks `condition` each 20 ms until it gives something other than
 * undefined, null or false, and returns that. Fails after `limitMs`, naming `what`.
 */
export function waitFor<T>(
  condition: () => Promise<T | undefined | null | false> | T | undefined | null | false,
  what: string,
  limitMs = LIMIT_MS,
): Promise<T> {
  return poll(condition, what, limitMs);
}
