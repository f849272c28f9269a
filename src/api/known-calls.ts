import { isRead } from '../tryton/methods.ts';
import type { AskedCall } from './tryton-call.ts';

/** Calls remembered at once, and the longest body that is: a megabyte of text at the most. */
const MOST_KEPT = 1000;
const MOST_CHARACTERS = 1000;

/**
 * Reads whose bodies came before: portals send the same few again and again, and a body that was read and checked once
 * needs neither a second time. Nothing else is kept: it may hold a secret, and seldom comes twice. What is given out is
 * shared, so nobody may change it.
 */
export class KnownCalls {
  /** By body, the oldest first. */
  readonly #calls = new Map<string, AskedCall>();
  readonly #checked = new WeakSet<object>();
  /** Of what was read and not checked yet. */
  readonly #texts = new WeakMap<object, string>();

  /** The call that a body is known to hold, or what `parse` makes of it. */
  read(text: string, parse: (text: string) => unknown): unknown {
    const known = this.#calls.get(text);
    if (known !== undefined) return known;
    const read = parse(text);
    const isShort = text.length <= MOST_CHARACTERS;
    if (isShort && typeof read === 'object' && read !== null) this.#texts.set(read, text);
    return read;
  }

  /** Whether it was checked before. */
  has(data: unknown): boolean {
    return typeof data === 'object' && data !== null && this.#checked.has(data);
  }

  /** Remembers what the body that `data` was read from came to. */
  keep(data: object, call: AskedCall): AskedCall {
    const text = this.#texts.get(data);
    if (text === undefined || !isRead(call.method)) return call;
    const [oldest] = this.#calls.keys();
    if (this.#calls.size >= MOST_KEPT && oldest !== undefined) this.#calls.delete(oldest);
    this.#calls.set(text, call);
    this.#checked.add(call);
    return call;
  }
}
