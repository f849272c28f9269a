import { TrytonRequestError } from './errors.ts';
import { tagged, untagged } from './tagged.ts';
import type { Wire } from './types.ts';
import { DateTime } from './values.ts';
import { isList, isObject } from './wire.ts';

/** Tryton's own reader gives up somewhat above this. */
const MAX_DEPTH = 500;

/**
 * What a caller in JavaScript works with: tagged objects become Decimal, DateTime, DateOnly, TimeOnly, Timedelta and
 * Uint8Array, all without a loss. An object with a tag unknown here, or one that makes no such value, stays as it is,
 * and so does text that holds a tag of its own (PYSON).
 */
export function decode(wire: Wire): unknown {
  if (isList(wire)) return wire.map(decode);
  if (!isObject(wire)) return wire;
  const members = () => Object.entries(wire).map(([name, item]) => [name, decode(item)]);
  return untagged(wire) ?? Object.fromEntries(members());
}

/**
 * The reverse of `decode`. Also takes `Date` (as a datetime in UTC), `bigint`, NaN, infinities and Buffer; plain objects
 * pass as they are, those with a tag too. Members that are undefined are left out, as JSON.stringify does.
 *
 * Throws TrytonRequestError for what has no meaning to Tryton (undefined, functions, symbols, Map, Set, instances of
 * other classes, structures that hold themselves, invalid dates, more than 500 levels), naming its place below `place`:
 * `params[0].lines[2].amount`.
 */
export function encode(value: unknown, place = 'params'): Wire {
  return encoded(value, place, []);
}

/** `around`: the lists and objects that hold the value, outermost first. */
function encoded(value: unknown, place: string, around: readonly object[]): Wire {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number' || typeof value === 'bigint') return value;
  if (typeof value !== 'object') throw unsendable(place, value);
  if (around.includes(value)) throw misplaced(place, 'this holds itself');
  if (around.length >= MAX_DEPTH) throw misplaced('params', `nested deeper than ${MAX_DEPTH} levels`);
  const inside = [...around, value];
  if (Array.isArray(value))
    return Array.from(value, (item: unknown, index) => encoded(item, `${place}[${index}]`, inside));
  const simple = taggedAt(place, value);
  if (simple !== undefined) return simple;
  if (!isPlain(value)) throw unsendable(place, value);
  const members = Object.entries(value).filter(([, item]: [string, unknown]) => item !== undefined);
  return Object.fromEntries(
    members.map(([name, item]) => [name, encoded(item, `${place}${below(name)}`, inside)]),
  );
}

function taggedAt(place: string, value: object): Wire | undefined {
  try {
    return tagged(value instanceof Date ? DateTime.from(value) : value);
  } catch (error) {
    throw error instanceof TrytonRequestError ? misplaced(place, error.message) : error;
  }
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** For people: `undefined`, `a function`, `a Map`. */
function kindOf(value: unknown): string {
  if (value === undefined) return 'undefined';
  if (typeof value !== 'object' || value === null) return `a ${typeof value}`;
  const name: unknown = value.constructor?.name;
  return typeof name === 'string' && name !== '' ? `an instance of ${name}` : 'an instance of a class';
}

function below(name: string): string {
  return /^[A-Za-z_]\w*$/.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`;
}

function unsendable(place: string, value: unknown): TrytonRequestError {
  return misplaced(
    place,
    `${kindOf(value)} cannot be sent. Expected null, true or false, text, a number, a list, a plain object, ` +
      'Uint8Array, Date, or one of Decimal, DateTime, DateOnly, TimeOnly, Timedelta.',
  );
}

function misplaced(place: string, reason: string): TrytonRequestError {
  return new TrytonRequestError(`${place}: ${reason}`);
}
