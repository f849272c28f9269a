import { TrytonRequestError } from './errors.ts';
import type { Wire } from './types.ts';
import { DateOnly, DateTime, Decimal, Timedelta, TimeOnly } from './values.ts';

type WireObject = { readonly [name: string]: Wire };

/** One tagged type of the wire, `{"__class__": tag, ...members}`, both ways. */
interface Codec<Members extends readonly Wire[], Value> {
  readonly tag: string;
  /** Their names, in the order in which `decode` and `encode` have them. */
  readonly members: readonly string[];
  readonly type: abstract new (...parts: never[]) => Value;
  /** Checks what it is given, whatever its type says. Throws TrytonRequestError where it makes no such value. */
  readonly decode: (members: Members) => Value;
  readonly encode: (value: Value) => Members;
}

type Parts<Type extends abstract new (...parts: never[]) => unknown> = Required<ConstructorParameters<Type>>;

const DAY = ['year', 'month', 'day'];
const TIME = ['hour', 'minute', 'second', 'microsecond'];

/** What trytond/protocols/jsonrpc.py registers in 5.0, 6.0 and 7.0. */
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

/** The value that a tagged object stands for; undefined for other objects and for what makes no such value. */
export function untagged(object: WireObject): unknown {
  return BY_TAG.get(object['__class__'])?.decode(object);
}

/** The tag of an object that has one of these tags and makes no such value all the same; undefined for any other. */
export function brokenTag(object: WireObject): string | undefined {
  const codec = BY_TAG.get(object['__class__']);
  return codec !== undefined && codec.decode(object) === undefined ? codec.tag : undefined;
}

/** The tagged object for a value; undefined for a value of no such type. */
export function tagged(value: object): WireObject | undefined {
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

/** Of base64 with newlines anywhere, or none. */
function bytesOf(base64: string): Uint8Array {
  const text = typeof base64 === 'string' ? base64.replace(/\s+/g, '') : '-';
  const bytes = Buffer.from(text, 'base64');
  // Buffer passes over what is no base64.
  if (bytes.toString('base64') !== text) throw new TrytonRequestError('no valid bytes: expected base64');
  return new Uint8Array(bytes);
}

/** As Python's `base64.encodebytes` writes it: a newline after every 76 characters and at the end. */
function base64Of(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
  return text.replace(/.{1,76}/g, '$&\n');
}
