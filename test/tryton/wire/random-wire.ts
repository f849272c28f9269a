import type { Wire } from '../../../src/tryton/types.ts';

export interface Random {
  /** 0 up to, not including, `below`. */
  whole(below: number): number;
  one<T>(choices: readonly T[]): T;
}

/** The same numbers for the same seed (mulberry32), so that a failure can be repeated. */
export function randomOf(seed: number): Random {
  let state = seed;
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const whole = (below: number) => Math.floor(next() * below);
  const one = <T>(choices: readonly T[]): T => {
    const chosen = choices[whole(choices.length)];
    if (chosen === undefined) throw new Error('nothing to choose from');
    return chosen;
  };
  return { whole, one };
}

const PIECES = [
  'a',
  '"',
  '\\',
  '\\"',
  '\n',
  'é',
  '🙂',
  'NaN',
  '-Infinity',
  '12345678901234567890',
  ', ',
  '[',
  '{',
];
const NUMBERS = [0, -0, 1, -1.5, 0.1, 1e-7, 1e21, 2 ** 53, -(2 ** 60), 5e-324, 1.7976931348623157e308];
const NOT_FINITE = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
const LARGE = [2n ** 53n, -(2n ** 53n) - 1n, 10n ** 40n];

function randomText(random: Random): string {
  return Array.from({ length: random.whole(5) }, () => random.one(PIECES)).join('');
}

/** A value as it may travel: all kinds of numbers, awkward text and names, four levels at most. */
export function randomWire(random: Random, levels = 4): Wire {
  const kind = random.whole(levels > 0 ? 8 : 6);
  const items = (): Wire[] => Array.from({ length: random.whole(5) }, () => randomWire(random, levels - 1));
  if (kind === 0) return random.one([true, false]);
  if (kind === 1) return random.one(NUMBERS);
  if (kind === 2) return random.one(NOT_FINITE);
  if (kind === 3) return random.one(LARGE);
  if (kind === 4) return null;
  if (kind === 5) return randomText(random);
  if (kind === 6) return items();
  const name = () => random.one([randomText(random), '__proto__', 'constructor', '__class__']);
  return Object.fromEntries(items().map((item) => [name(), item]));
}
