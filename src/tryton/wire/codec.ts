import { TrytonRequestError } from '../errors.ts';
import type { Wire } from '../types.ts';
import { isList, isObject } from './json.ts';
import { DateOnly, DateTime, Decimal, Timedelta, TimeOnly } from './values.ts';

type WireObject = { readonly [name: string]: Wire };

/** One tagged type of the wire, `{"__class__": tag, ...members}`, both ways. */
interface Codec<Members extends readonly Wire[], Value> {
  readonly tag: string;
  /** Their names, in the order in which `decode` and `encode` have them. */
  readonly members: readonly string[];
  readonly type: abstract new (...parts: never[]) => Value;
  /** Validates its input at run time. Throws TrytonRequestError if it is not such a value. */
  readonly decode: (members: Members) => Value;
  readonly encode: (value: Value) => Members;
}

type Parts<Type extends abstract new (...parts: never[]) => unknown> = Required<ConstructorParameters<Type>>;

const DAY = ['year', 'month', 'day'];
const TIME = ['hour', 'minute', 'second', 'microsecond'];

/** The classes that trytond/protocols/jsonrpc.py registers in 5.0, 6.0 and 7.0. */
const CODECS = [
  codec<[string], Decimal>({
    tag: 'Decimal',
    members: ['decimal'],
    type: Decimal,
    decode: ([decimal]) => new Decimal(decimal),
    encode: ({ text }) => [text],
  }),
  codec<Parts<typeof DateTime>, DateTime>({
    tag: 'datetime',
    members: [...DAY, ...TIME],
    type: DateTime,
    decode: (members) => new DateTime(...members),
    encode: (v) => [v.year, v.month, v.day, v.hour, v.minute, v.second, v.microsecond],
  }),
  codec<Parts<typeof DateOnly>, DateOnly>({
    tag: 'date',
    members: DAY,
    type: DateOnly,
    decode: (members) => new DateOnly(...members),
    encode: ({ year, month, day }) => [year, month, day],
  }),
  codec<Parts<typeof TimeOnly>, TimeOnly>({
    tag: 'time',
    members: TIME,
    type: TimeOnly,
    decode: (members) => new TimeOnly(...members),
    encode: ({ hour, minute, second, microsecond }) => [hour, minute, second, microsecond],
  }),
  codec<[number], Timedelta>({
    tag: 'timedelta',
    members: ['seconds'],
    type: Timedelta,
    decode: ([seconds]) => new Timedelta(seconds),
    encode: ({ seconds }) => [seconds],
  }),
  codec<[string], Uint8Array>({
    tag: 'bytes',
    members: ['base64'],
    type: Uint8Array,
    decode: ([base64]) => bytesOf(base64),
    encode: (bytes) => [base64Of(bytes)],
  }),
];

const BY_TAG = new Map<Wire | undefined, (typeof CODECS)[number]>(CODECS.map((entry) => [entry.tag, entry]));

/** The value of a tagged object; undefined for other objects and invalid values. */
function untagged(object: WireObject): unknown {
  return BY_TAG.get(object['__class__'])?.decode(object);
}

/** The tag of an object that has one of these tags and makes no such value all the same; undefined for any other. */
export function brokenTag(object: WireObject): string | undefined {
  const codec = BY_TAG.get(object['__class__']);
  return codec !== undefined && codec.decode(object) === undefined ? codec.tag : undefined;
}

/** The tagged object for a value; undefined for a value of no such type. */
function tagged(value: object): WireObject | undefined {
  return CODECS.find(({ fits }) => fits(value))?.encode(value);
}

function codec<Members extends readonly Wire[], Value>(entry: Codec<Members, Value>) {
  const { tag, members: names, type } = entry;
  return {
    tag,
    fits: (value: object) => value instanceof type,
    decode(object: WireObject): Value | undefined {
      // Not with members that the value would have no place for.
      if (Object.keys(object).length !== names.length + 1) return undefined;
      const members = names.map((name) => object[name] ?? null) as readonly Wire[] as Members;
      try {
        return entry.decode(members);
      } catch (error) {
        if (error instanceof TrytonRequestError) return undefined;
        throw error;
      }
    },
    encode(value: object): WireObject {
      const members = entry.encode(value as Value);
      return Object.fromEntries([['__class__', tag], ...names.map((name, at) => [name, members[at]])]);
    },
  };
}

/** Matches base64 with or without newlines. */
function bytesOf(base64: string): Uint8Array {
  const text = typeof base64 === 'string' ? base64.replace(/\s+/g, '') : '-';
  const bytes = Buffer.from(text, 'base64');
  // Buffer ignores characters that are not base64.
  if (bytes.toString('base64') !== text) throw new TrytonRequestError('no valid bytes: expected base64');
  return new Uint8Array(bytes);
}

/** As Python's `base64.encodebytes` writes it: a newline after every 76 characters and at the end. */
function base64Of(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
  return text.replace(/.{1,76}/g, '$&\n');
}

/** Tryton's own reader gives up somewhat above this. */
const MAX_DEPTH = 500;

/**
 * Decodes a value for JavaScript: tagged objects become Decimal, DateTime, DateOnly, TimeOnly, Timedelta and
 * Uint8Array, without loss. An object with an unknown tag or an invalid value stays unchanged, and so does text that
 * contains a tag (PYSON).
 */
export function decode(wire: Wire): unknown {
  if (isList(wire)) return wire.map(decode);
  if (!isObject(wire)) return wire;
  const members = () => Object.entries(wire).map(([name, item]) => [name, decode(item)]);
  return untagged(wire) ?? Object.fromEntries(members());
}

/**
 * The reverse of `decode`. It also accepts `Date` (as a datetime in UTC), `bigint`, NaN, infinities and Buffer. Plain
 * objects pass unchanged, those with a tag too. Undefined members are left out, as with JSON.stringify.
 *
 * Throws TrytonRequestError for values without a meaning to Tryton (undefined, functions, symbols, Map, Set, instances
 * of other classes, cycles, invalid dates, more than 500 levels). The message names the path below `place`:
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
