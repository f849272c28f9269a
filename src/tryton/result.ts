import type { Wire } from './types.ts';
import { parseWire, toJson } from './wire.ts';

/** What a call gave: as it travelled, or as the strict JSON that callers over HTTP are sent. */
export interface Result {
  wire(): Wire;
  json(): string;
  /** Never rejects. Resolves once the cache holds it, where it is to hold it: other processes find it from then on. */
  readonly kept: Promise<void>;
}

const ALREADY = Promise.resolve();

export function resultOf(value: Wire, kept = ALREADY): Result {
  return { wire: () => value, json: () => toJson(value), kept };
}

/** Of a text that is strict JSON already: who only passes it on does not pay for reading it. */
export function resultIn(text: string): Result {
  return { wire: () => parseWire(text), json: () => text, kept: ALREADY };
}
