import type { OdooValue } from './types.ts';
import type { Malformed } from './xml.ts';
import { NOT_FINITE } from './xml-scalars.ts';

/** Escapes that may need work: control characters to remove, lone surrogates. */
const SUSPECT = /\\(?:u00[01]|[bf]|ud[89a-f])/i;

/**
 * One escape at a time, so that an escaped backslash before `u0001` is never taken for a control character:
 * backslashes, removed controls (all below 32 but tab, newline, carriage return), surrogate pairs, lone halves.
 */
const ESCAPES =
  /\\\\|\\u00(?:0[0-8bcef]|1[0-9a-f])|\\[bf]|\\ud[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2}|\\ud[89a-f][0-9a-f]{2}/gi;

/** Strings, or an integer long enough to be beyond 2^53. */
const LONG_INTEGERS = /"(?:[^"\\]|\\.)*"|-?\d{16,}(?![\d.eE])/g;

/**
 * Parses a JSON answer into what XML-RPC would have given: the same control characters are missing from text,
 * and numbers that XML-RPC's decoder refuses are refused here.
 *
 * @throws what `malformed` builds for anything that is not JSON, integers beyond 2^53, NaN and Infinity (which
 * Python writes bare).
 */
export function parseJson(body: string, malformed: Malformed): OdooValue {
  const text = SUSPECT.test(body) ? body.replace(ESCAPES, cleaned) : body;
  let parsed: OdooValue;
  try {
    parsed = JSON.parse(text) as OdooValue;
  } catch {
    const bare = text.replace(/"(?:[^"\\]|\\.)*"/g, '""');
    if (/[[:,\s]-?(NaN|Infinity)\b/.test(bare)) throw malformed(NOT_FINITE);
    throw malformed('it is not complete JSON');
  }
  if (/\d{16}/.test(text)) refuseLongIntegers(text, malformed);
  return parsed;
}

function cleaned(found: string): string {
  if (found === '\\\\' || found.length === 12) return found;
  return /^\\ud/i.test(found) ? '\\ufffd' : '';
}

function refuseLongIntegers(text: string, malformed: Malformed): void {
  for (const [token] of text.matchAll(LONG_INTEGERS))
    if (!token.startsWith('"') && !Number.isSafeInteger(Number(token)))
      throw malformed(`the integer ${token} is beyond 2^53`);
}
