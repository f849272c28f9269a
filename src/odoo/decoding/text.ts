import { isAscii, isUtf8 } from 'node:buffer';
import type { OdooRecord, OdooValue } from '../types.ts';

/** Deepest nesting of an answer that is kept, including the lists of the answer. Far deeper than any record. */
export const DEEPEST = 200;

/**
 * Replaces a value that the mirror cannot store in a decoded answer. So one such value makes only its own record fail,
 * not the whole answer. It never reaches the database: the code that stores records calls `unstorableIn` first.
 */
export class Unstorable {
  readonly [member: string]: string;
  /** The reason, as the end of a sentence that names the field. */
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
 * `http.ts` replaces bytes that are not UTF-8 by this half of a surrogate pair. A decoded answer has no other halves,
 * because escaped halves are replaced before.
 */
export const BAD_BYTES = '\udcff';

/** Whether a part of the text was not UTF-8. A whole pair that ends like `BAD_BYTES` is an ordinary character. */
export function hasBadBytes(text: string): boolean {
  return text.includes(BAD_BYTES) && /\udcff/u.test(text);
}

/** The stored form of a text, or an Unstorable. */
export function textValue(text: string): string | Unstorable {
  return hasBadBytes(text) ? new Unstorable(NOT_UTF8) : text;
}

/** The first field that has a value that cannot be stored, and the reason; null if all values can be stored. */
export function unstorableIn(record: OdooRecord): { readonly field: string; readonly reason: string } | null {
  // Records inherit no enumerable members, and a list of own names costs more than the search.
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

/** 0 to 31 except tab, newline and carriage return: what Odoo 19 removes from text in XML-RPC. */
const removed = Array.from({ length: 32 }, (_, code) => code).filter((code) => ![9, 10, 13].includes(code));
const controls = new RegExp(`[${removed.map((code) => String.fromCharCode(code)).join('')}]`, 'g');

/**
 * Text without the control characters that XML 1.0 forbids. Odoo 19 removes them in XML-RPC answers
 * (`addons/rpc/controllers/xmlrpc.py`, CONTROL_CHARACTERS), Odoo 14 sends them unchanged, JSON escapes them. Every
 * protocol removes the same set, so that a record reads the same in all of them.
 */
export function withoutControls(text: string): string {
  return text.replace(controls, '');
}

export function isRemovedControl(code: number): boolean {
  return code < 32 && code !== 9 && code !== 10 && code !== 13;
}

const BYTE_ORDER_MARK = Buffer.from('\ufeff');
const REPLACEMENT = Buffer.from('\ufffd');

/** A body without the byte order mark that some servers put before UTF-8. */
export function withoutMark(bytes: Buffer): Buffer {
  const marked = bytes.subarray(0, BYTE_ORDER_MARK.length).equals(BYTE_ORDER_MARK);
  return marked ? bytes.subarray(BYTE_ORDER_MARK.length) : bytes;
}

/** Decodes bytes. Invalid UTF-8 becomes `BAD_BYTES`; a replacement character that was sent is kept. */
export function utf8Text(bytes: Buffer): string {
  if (isAscii(bytes)) return bytes.toString('latin1');
  if (isUtf8(bytes)) return bytes.toString();
  const parts: string[] = [];
  for (let from = 0, to = 0; to >= 0; from = to + REPLACEMENT.length) {
    to = bytes.indexOf(REPLACEMENT, from);
    const part = bytes.toString('utf8', from, to < 0 ? bytes.length : to);
    parts.push(part.replaceAll('\ufffd', BAD_BYTES));
  }
  return parts.join('\ufffd');
}
