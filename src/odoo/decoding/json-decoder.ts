import { markTokens } from '../../shared/lossless-json.ts';
import type { OdooValue } from '../types.ts';
import {
  BAD_BYTES,
  DEEPEST,
  hasBadBytes,
  NOT_FINITE,
  NOT_UTF8,
  TOO_DEEP,
  textValue,
  tooLong,
  Unstorable,
} from './text.ts';
import type { Malformed } from './xml-reader.ts';

/**
 * A quick test for escapes that may need work: control characters to remove, and halves of surrogate pairs. It is also
 * true for some ordinary texts, for example where the backslash itself is escaped.
 */
const SUSPECT = /\\(?:[bf]|u00[01]|ud(?:[89ab]..(?!\\ud[c-f])|[c-f](?<![^\\]\\ud[89ab]..\\ud.)))/i;

/**
 * Matches one escape at a time, so that an escaped backslash before `u0001` is not read as a control character. It
 * matches backslashes, removed controls (below 32 except tab, newline, carriage return), surrogate pairs and lone
 * halves.
 */
const ESCAPES =
  /\\\\|\\u00(?:0[0-8bcef]|1[0-9a-f])|\\[bf]|\\ud[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2}|\\ud[89a-f][0-9a-f]{2}/gi;

/** Integers beyond 2^53, and NaN and Infinity, which Python writes without quotes. */
const LOST_TOKENS = {
  suspect: /\d{16}|[[:,\s]-?(?:NaN|Infinity)/,
  tokens: /\\.|"|(?<![\w.+-])(?:-?(?:NaN|Infinity)|-?\d{16,}(?![\d.eE]))/gs,
  isKept: (token: string) => Number.isSafeInteger(Number(token)),
};

/**
 * Parses a JSON answer into the same values as the XML-RPC decoder: it removes the same control characters from text.
 * It marks as `Unstorable` integers beyond 2^53, NaN and Infinity (which Python writes without quotes), bytes that are
 * not UTF-8, and too deep nesting.
 *
 * @throws the error of `malformed` for anything that is not JSON.
 */
export function parseJson(body: string, malformed: Malformed): OdooValue {
  const text = SUSPECT.test(body) ? body.replace(ESCAPES, cleaned) : body;
  const plain = parsed(text);
  const isAsSent = text === body && !text.includes(BAD_BYTES);
  if (plain !== undefined && isAsSent && isOrdinary(plain, 1)) return plain;
  const { text: readable, mark } = markTokens(text, LOST_TOKENS);
  const value = mark === undefined ? plain : parsed(readable);
  if (value === undefined) throw malformed('it is not complete JSON');
  return settled(value, mark, 1);
}

/** Undefined if the text is not JSON. NaN and Infinity of Python are not JSON. */
function parsed(text: string): OdooValue | undefined {
  try {
    return JSON.parse(text) as OdooValue;
  } catch {
    return undefined;
  }
}

/**
 * Whether no number was rounded and the nesting is not too deep. The value comes from JSON.parse, so it has no cycles.
 */
function isOrdinary(value: OdooValue, depth: number): boolean {
  if (typeof value === 'number') return value <= Number.MAX_SAFE_INTEGER && value >= Number.MIN_SAFE_INTEGER;
  if (typeof value !== 'object' || value === null) return true;
  if (depth > DEEPEST) return false;
  if (Array.isArray(value)) {
    for (const item of value) if (!isOrdinary(item, depth + 1)) return false;
    return true;
  }
  const members = value as Readonly<Record<string, OdooValue>>;
  // No check for own names is needed: what JSON.parse makes inherits no enumerable member.
  for (const name in members) if (!isOrdinary(members[name] ?? null, depth + 1)) return false;
  return true;
}

function cleaned(found: string): string {
  if (found === '\\\\' || found.length === 12) return found;
  return /^\\ud/i.test(found) ? '\\ufffd' : '';
}

/** The same value, changed in place. */
function settled(value: OdooValue, mark: string | undefined, depth: number): OdooValue {
  if (typeof value === 'string') return textValue(value);
  if (value === null || typeof value !== 'object') return value;
  if (depth > DEEPEST) return new Unstorable(TOO_DEEP);
  const members = value as Record<string, OdooValue>;
  const token = mark === undefined ? undefined : members[mark];
  if (typeof token === 'string') return new Unstorable(/\d/.test(token) ? tooLong(token) : NOT_FINITE);
  for (const name of Object.keys(members)) {
    if (hasBadBytes(name)) return new Unstorable(NOT_UTF8);
    const before = members[name];
    const after = before === undefined ? before : settled(before, mark, depth + 1);
    // Defined, not assigned: a member may be named `__proto__`.
    if (after !== before)
      Object.defineProperty(members, name, {
        value: after,
        enumerable: true,
        writable: true,
        configurable: true,
      });
  }
  return value;
}
