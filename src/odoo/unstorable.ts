import type { OdooRecord, OdooValue } from './types.ts';

/** Deepest nesting of an answer that is kept, the answer's own lists included. Far above any record. */
export const DEEPEST = 200;

/**
 * Stands in a decoded answer where a value was that the mirror cannot hold. So one such value spoils its own record,
 * and not the whole answer. It never reaches the database: who stores records asks `unstorableIn` first.
 */
export class Unstorable {
  readonly [member: string]: string;
  /** What is wrong with the value: the end of a sentence that names its field. */
  readonly unstorable: string;
  constructor(reason: string) {
    this.unstorable = reason;
  }
}

export const NOT_FINITE = 'a number that is NaN or infinite';
export const TOO_DEEP = `a value that nests deeper than ${DEEPEST} levels`;
export const NOT_UTF8 = 'text with bytes that are not UTF-8';
export const tooLong = (digits: string) => `the integer ${digits.trim().slice(0, 40)}, which is beyond 2^53`;

/**
 * What `http.ts` puts in the place of bytes that are not UTF-8: half a surrogate pair. No other half can be in a
 * decoded answer, since escaped ones are replaced before.
 */
export const BAD_BYTES = '\udcff';

/** Whether some of a text was not UTF-8. A whole pair that ends like `BAD_BYTES` is a character like any other. */
export function hasBadBytes(text: string): boolean {
  return text.includes(BAD_BYTES) && /\udcff/u.test(text);
}

/** Text as it is kept, or what stands for it. */
export function textValue(text: string): string | Unstorable {
  return hasBadBytes(text) ? new Unstorable(NOT_UTF8) : text;
}

/** The first field, in its record's order, that holds what cannot be stored, and why; null when all can be. */
export function unstorableIn(record: OdooRecord): { readonly field: string; readonly reason: string } | null {
  // Records inherit nothing that is listed, and lists of their own names cost more than the search.
  for (const field in record) {
    const found = firstUnstorable(record[field]);
    if (found !== null) return { field, reason: found.unstorable };
  }
  return null;
}

function firstUnstorable(value: OdooValue | undefined): Unstorable | null {
  if (typeof value !== 'object' || value === null) return null;
  if (value instanceof Unstorable) return value;
  if (Array.isArray(value)) {
    for (const item of value) {
      const found = firstUnstorable(item);
      if (found !== null) return found;
    }
    return null;
  }
  const members = value as Readonly<Record<string, OdooValue>>;
  for (const name in members) {
    const found = firstUnstorable(members[name]);
    if (found !== null) return found;
  }
  return null;
}
