import type { Figure, Series, Unit } from './figure.ts';
import { median } from './figure.ts';

/** Three digits that say something: `1,234`, `12.3`, `1.23`. */
export function numberText(value: number): string {
  const size = Math.abs(value);
  const digits = Number.isInteger(value) || size >= 100 ? 0 : size >= 10 ? 1 : size >= 0.1 ? 2 : 3;
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

export function valueText(value: number, unit: Unit): string {
  return unit === '/s' ? `${numberText(value)}/s` : `${numberText(value)} ${unit}`;
}

/** The median, and from which value to which: `14.2 s (13.9–15.1)`. */
export function seriesText({ values }: Series, unit: Unit): string {
  const middle = valueText(median(values), unit);
  if (values.length < 2) return middle;
  return `${middle} (${numberText(Math.min(...values))}–${numberText(Math.max(...values))})`;
}

export function ratioText(ratio: number): string {
  return `${numberText(ratio)} ×`;
}

/** One digit more: a target may be missed by what the shorter text does not show. */
export function exactRatioText(ratio: number): string {
  return `${ratio.toLocaleString('en', { maximumFractionDigits: 3 })} ×`;
}

/** `at most 1.15 ×`; empty if there is no target. */
export function targetText({ target }: Figure): string {
  return target === null ? '' : `${target.is} ${ratioText(target.ratio)}`;
}
