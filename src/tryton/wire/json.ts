import { markTokens, type TokenRules } from '../../shared/lossless-json.ts';
import type { Wire } from '../types.ts';

/** Maximum nesting of requests. The JSON reader of Tryton (Python) fails at about this depth. */
const MAX_DEPTH = 1000;

/** Maximum nesting of answers, with a margin for their envelope. */
const MAX_ANSWER_DEPTH = 500;

/** Deepest nesting of what others send to us. */
const MAX_BODY_DEPTH = 100;

type WireObject = { readonly [name: string]: Wire };

interface Dialect {
  readonly maxDepth: number;
  /** Whether NaN and infinities are words of the language (Python), or objects with a tag (ours). */
  readonly words: boolean;
  readonly lostTokens: TokenRules;
}

const NOT_FINITE = new Map([
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
]);

/** Python's own limit for whole numbers, a sign included here. */
const MAX_DIGITS = 4300;

/** A quick test for tokens that JSON.parse refuses or rounds. It may be true for an ordinary text. */
const SUSPECT = /\d{16}|(?:^|[[:,\s])(?:NaN|-?Infinity)/;

/**
 * An escaped character, a quotation mark, a whole token that JSON.parse refuses or rounds, or the beginning of a number
 * that is too long. Bounded, since the regular expression engine keeps a stack.
 */
const TOKEN = /\\.|"|(?<![\w.+-])(?:(?:NaN|-?Infinity|-?[1-9]\d{15,4299})(?![\w.+-])|-?[1-9]\d{4300})/gs;

const lostTokens = (words: boolean): TokenRules => ({
  suspect: SUSPECT,
  tokens: TOKEN,
  isKept: (token) => {
    if (token.length > MAX_DIGITS) throw new SyntaxError(`a whole number of ${MAX_DIGITS} digits or more`);
    return NOT_FINITE.has(token) ? !words : Number.isSafeInteger(Number(token));
  },
});

const PYTHON: Dialect = { maxDepth: MAX_ANSWER_DEPTH, words: true, lostTokens: lostTokens(true) };
const STRICT: Dialect = { maxDepth: MAX_BODY_DEPTH, words: false, lostTokens: lostTokens(false) };

export function isList(value: Wire): value is readonly Wire[] {
  return Array.isArray(value);
}

export function isObject(value: Wire): value is WireObject {
  return typeof value === 'object' && value !== null && !isList(value);
}

/**
 * Reads an answer of Tryton: JSON with Python's additions. Whole numbers beyond 2^53 come as `bigint`; NaN, Infinity
 * and -Infinity as numbers; numbers with a point or an exponent as JSON.parse reads them. A member named `__proto__` is
 * a member like any other.
 *
 * Throws SyntaxError for anything else, for nesting deeper than 500 and whole numbers beyond Python's own limit of
 * 4,300 digits. Its message quotes nothing of the text.
 */
export function parseWire(text: string): Wire {
  return parse(text, PYTHON);
}

/**
 * Parses JSON of callers. Integers beyond 2^53 become `bigint`, and `{"__class__":"float","float":"NaN"}` (or
 * `Infinity`, `-Infinity`) becomes the number.
 *
 * Throws SyntaxError if the text is not strict JSON, nested deeper than 100 levels, or has integers of more than 4,300
 * digits.
 */
export function fromJson(text: string): Wire {
  return parse(text, STRICT);
}

/** Writes what Tryton reads. Throws RangeError for nesting deeper than 1,000. */
export function stringifyWire(value: Wire): string {
  return stringify(value, PYTHON.words);
}

/** Writes strict JSON: the reverse of `fromJson`. Throws RangeError for nesting deeper than 1,000. */
export function toJson(value: Wire): string {
  return stringify(value, STRICT.words);
}

function parse(text: string, dialect: Dialect): Wire {
  const { text: readable, mark } = markTokens(text, dialect.lostTokens);
  let value: Wire;
  try {
    value = JSON.parse(readable);
  } catch {
    // The original message quotes the text, which may hold a secret.
    throw new SyntaxError('not complete, valid JSON');
  }
  return settled(value, mark, dialect, 1);
}

/** Replaces marks and tags by their values, in place. */
function settled(value: Wire, mark: string | undefined, dialect: Dialect, depth: number): Wire {
  // JSON.parse turns 1e999 into Infinity, which is never intended.
  if (!dialect.words && (value === Number.POSITIVE_INFINITY || value === Number.NEGATIVE_INFINITY))
    throw new SyntaxError('a number beyond the range of floats');
  if (value === null || typeof value !== 'object') return value;
  if (depth > dialect.maxDepth) throw new SyntaxError(`nested deeper than ${dialect.maxDepth} levels`);
  const members = value as Record<string, Wire>;
  const token = mark === undefined ? undefined : members[mark];
  if (typeof token === 'string') return NOT_FINITE.get(token) ?? BigInt(token);
  if (!dialect.words && isObject(value)) {
    const number = taggedFloat(value);
    if (number !== undefined) return number;
  }
  for (const name of Object.keys(members)) {
    const before = members[name];
    if (before === undefined) continue;
    const after = settled(before, mark, dialect, depth + 1);
    if (after !== before) members[name] = after;
  }
  return value;
}

function taggedFloat(value: WireObject): number | undefined {
  if (value['__class__'] !== 'float' || typeof value['float'] !== 'string') return undefined;
  return Object.keys(value).length === 2 ? NOT_FINITE.get(value['float']) : undefined;
}

/** Whether Tryton and others are sent the same text for it. Throws RangeError for nesting deeper than 1,000. */
export function isStrict(value: Wire): boolean {
  return isOrdinary(value, 1);
}

function stringify(value: Wire, words: boolean): string {
  return isOrdinary(value, 1) ? JSON.stringify(value) : written(value, words);
}

/** Whether JSON.stringify keeps all of it. */
function isOrdinary(value: Wire, depth: number): boolean {
  if (typeof value === 'number') return isOrdinaryNumber(value);
  if (value === null || typeof value !== 'object') return typeof value !== 'bigint';
  if (depth > MAX_DEPTH) throw new RangeError(`nested deeper than ${MAX_DEPTH} levels`);
  return Object.values<Wire>(value).every((item) => isOrdinary(item, depth + 1));
}

/** Not so: not finite, the negative zero, and floats that would look like whole numbers beyond 2^53. */
function isOrdinaryNumber(value: number): boolean {
  return Number.isInteger(value)
    ? Number.isSafeInteger(value) && !Object.is(value, -0)
    : Number.isFinite(value);
}

function written(value: Wire, words: boolean): string {
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'number') return writtenNumber(value, words);
  if (isList(value)) return `[${value.map((item) => written(item, words)).join(',')}]`;
  if (!isObject(value)) return JSON.stringify(value);
  const members = Object.entries(value).map(
    ([name, item]) => `${JSON.stringify(name)}:${written(item, words)}`,
  );
  return `{${members.join(',')}}`;
}

function writtenNumber(value: number, words: boolean): string {
  if (Object.is(value, -0)) return '-0.0';
  const text = String(value);
  if (!Number.isFinite(value)) return words ? text : JSON.stringify({ __class__: 'float', float: text });
  return Number.isInteger(value) && !Number.isSafeInteger(value) && /^-?\d+$/.test(text) ? `${text}.0` : text;
}

/** The result of a call: as received, or as strict JSON for callers over HTTP. */
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

/** A result that is already strict JSON: callers that only forward it do not parse it. */
export function resultIn(text: string): Result {
  return { wire: () => parseWire(text), json: () => text, kept: ALREADY };
}
