import { setTimeout as pause } from 'node:timers/promises';

const EVERY_MS = 20;

type Falsy = undefined | null | false;

/**
 * Asks `condition` each 20 ms until it gives something other than undefined, null or false, and returns that.
 *
 * @throws Error naming `what` after `limitMs`; what `condition` throws is thrown at once.
 */
export async function poll<T>(
  condition: () => Promise<T | Falsy> | T | Falsy,
  what: string,
  limitMs: number,
): Promise<T> {
  const end = performance.now() + limitMs;
  for (;;) {
    const value = await condition();
    if (value !== undefined && value !== null && value !== false) return value;
    if (performance.now() > end) throw new Error(`Waited ${limitMs / 1000} s without success for: ${what}`);
    await pause(EVERY_MS);
  }
}
