/** A value of the wire. A tagged one is an object with `__class__`. */
export type Value =
  | null
  | boolean
  | number
  | string
  | PyFloat
  | readonly Value[]
  | { readonly [name: string]: Value };

export type Dictionary = { readonly [name: string]: Value };

/** A float of Python. It is written with its point, and may be NaN or infinite. */
export class PyFloat {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}

export const isDictionary = (value: Value | undefined): value is Dictionary =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof PyFloat);

/** The name of a tagged value, which is an object of its own in Python, not a dictionary. */
export const tagOf = (value: Value | undefined): string | null =>
  isDictionary(value) && typeof value['__class__'] === 'string' ? value['__class__'] : null;

export const isPlain = (value: Value | undefined): value is Dictionary =>
  isDictionary(value) && tagOf(value) === null;

export const decimal = (text: string): Dictionary => ({ __class__: 'Decimal', decimal: text });

/** `2026-03-31`, and the same for a timestamp, which has the date of UTC. */
export function date(text: string): Dictionary {
  const [year = 0, month = 0, day = 0] = text.slice(0, 10).split('-').map(Number);
  return { __class__: 'date', year, month, day };
}

/** `micros`: microseconds since 1970, UTC. */
export function datetime(micros: number): Dictionary {
  const at = new Date(Math.floor(micros / 1000));
  return {
    __class__: 'datetime',
    year: at.getUTCFullYear(),
    month: at.getUTCMonth() + 1,
    day: at.getUTCDate(),
    hour: at.getUTCHours(),
    minute: at.getUTCMinutes(),
    second: at.getUTCSeconds(),
    microsecond: micros % 1_000_000,
  };
}

/** Like `base64.encodebytes` of Python: a newline after each 76 characters and at the end. */
export function bytes(content: Buffer): Dictionary {
  const lines = content.toString('base64').match(/.{1,76}/g) ?? [];
  return { __class__: 'bytes', base64: lines.map((line) => `${line}\n`).join('') };
}

export function bytesOf(value: Value | undefined): Buffer | null {
  if (!isDictionary(value) || tagOf(value) !== 'bytes') return null;
  return Buffer.from(String(value['base64']).replaceAll(/\s/g, ''), 'base64');
}

/** `json.dumps` of Python without blanks: ASCII only, floats with their point, NaN and Infinity without quotes. */
export function printJson(value: Value): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'number') return String(value);
  if (value instanceof PyFloat) return printFloat(value.value);
  if (typeof value === 'string') return printText(value);
  if (Array.isArray(value)) return `[${value.map(printJson).join(',')}]`;
  const members = Object.entries(value).map(([name, item]) => `${printText(name)}:${printJson(item)}`);
  return `{${members.join(',')}}`;
}

function printFloat(value: number): string {
  const text = String(value);
  return Number.isInteger(value) && !text.includes('e') ? `${text}.0` : text;
}

const printText = (text: string): string =>
  JSON.stringify(text).replaceAll(
    /[\u007f-\uffff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

/** The result of `str` in Python for a value in a sentence. */
export function wordOf(value: Value | undefined): string {
  if (value === null || value === undefined) return 'None';
  if (tagOf(value) === 'Decimal' && isDictionary(value)) return String(value['decimal']);
  if (tagOf(value) === 'date' && isDictionary(value)) return isoDate(value);
  return typeof value === 'string' ? value : printJson(value);
}

export function isoDate(value: Dictionary): string {
  const pad = (part: Value | undefined, length: number) => String(part).padStart(length, '0');
  return `${pad(value['year'], 4)}-${pad(value['month'], 2)}-${pad(value['day'], 2)}`;
}

/** `units` * 10^-`scale`. */
interface Exact {
  readonly units: bigint;
  readonly scale: number;
}

function parse(text: string): Exact {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    /^([+-]?)(\d*)\.?(\d*)(?:[eE]([+-]?\d+))?$/.exec(text.trim()) ?? [];
  const units = BigInt(`${whole}${fraction}` || '0') * (sign === '-' ? -1n : 1n);
  const scale = fraction.length - Number(exponent);
  return scale >= 0 ? { units, scale } : { units: units * 10n ** BigInt(-scale), scale: 0 };
}

function print({ units, scale }: Exact): string {
  const digits = (units < 0n ? -units : units).toString().padStart(scale + 1, '0');
  const whole = digits.slice(0, digits.length - scale);
  return `${units < 0n ? '-' : ''}${whole}${scale > 0 ? `.${digits.slice(-scale)}` : ''}`;
}

const scaled = ({ units, scale }: Exact, to: number): bigint => units * 10n ** BigInt(to - scale);

/** The digits of a Decimal, an int or a float; null for other values. */
export function numeral(value: Value | undefined): string | null {
  if (typeof value === 'number') return String(value);
  if (value instanceof PyFloat) return String(value.value);
  return isDictionary(value) && value['__class__'] === 'Decimal' ? String(value['decimal']) : null;
}

const exact = (value: Value | undefined): Exact => parse(numeral(value) ?? '0');

export function compareNumbers(left: Value, right: Value): number {
  const [one, other] = [exact(left), exact(right)];
  const scale = Math.max(one.scale, other.scale);
  const difference = scaled(one, scale) - scaled(other, scale);
  return difference === 0n ? 0 : difference < 0n ? -1 : 1;
}

export function sum(values: readonly (Value | undefined)[]): Value {
  const parts = values.map(exact);
  const scale = Math.max(0, ...parts.map((part) => part.scale));
  const units = parts.reduce((total, part) => total + scaled(part, scale), 0n);
  return decimal(print({ units, scale }));
}

/** The product, rounded half to even to `digits`, as Tryton rounds an amount. */
export function product(left: Value | undefined, right: Value | undefined, digits: number): Value {
  const [one, other] = [exact(left), exact(right)];
  const units = one.units * other.units;
  const scale = one.scale + other.scale;
  if (scale <= digits) return decimal(print({ units: scaled({ units, scale }, digits), scale: digits }));
  const step = 10n ** BigInt(scale - digits);
  const floor = units / step - (units % step < 0n ? 1n : 0n);
  const rest = (units - floor * step) * 2n;
  const up = rest > step || (rest === step && floor % 2n !== 0n);
  return decimal(print({ units: floor + (up ? 1n : 0n), scale: digits }));
}

/** The number of digits after the point. */
export const digitsBehindPoint = (value: Value): number => exact(value).scale;
