import type { Value } from './values.ts';
import { decimal, isDictionary, PyFloat } from './values.ts';

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

/** How many digits stand behind the point. */
export const digitsBehindPoint = (value: Value): number => exact(value).scale;
