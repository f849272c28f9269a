import { language } from '../settings/language.ts';

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

export const number = (value: number, digits = 0): string =>
  new Intl.NumberFormat(language.value, { maximumFractionDigits: digits }).format(value);

export const percent = (share: number): string =>
  new Intl.NumberFormat(language.value, { style: 'percent' }).format(share);

/** `currency`: an ISO 4217 code; any other text is written after the amount. */
export function money(amount: number, currency: string | null): string {
  const digits = { minimumFractionDigits: 2, maximumFractionDigits: 2 };
  if (currency !== null && /^[A-Z]{3}$/.test(currency)) {
    return new Intl.NumberFormat(language.value, { style: 'currency', currency }).format(amount);
  }
  const plain = new Intl.NumberFormat(language.value, digits).format(amount);
  return currency === null ? plain : `${plain} ${currency}`;
}

const unit = (value: number, name: string, digits = 0): string =>
  new Intl.NumberFormat(language.value, {
    ...{ style: 'unit', unit: name, unitDisplay: 'short', maximumFractionDigits: digits },
  }).format(value);

/** Two parts at most: `2 min 13 s`, `840 ms`. */
export function duration(ms: number): string {
  if (ms < SECOND_MS) return unit(Math.round(ms), 'millisecond');
  if (ms < 10 * SECOND_MS) return unit(ms / SECOND_MS, 'second', 1);
  if (ms < MINUTE_MS) return unit(Math.round(ms / SECOND_MS), 'second');
  if (ms < HOUR_MS) return parts(ms, ['minute', MINUTE_MS], ['second', SECOND_MS]);
  if (ms < DAY_MS) return parts(ms, ['hour', HOUR_MS], ['minute', MINUTE_MS]);
  return parts(ms, ['day', DAY_MS], ['hour', HOUR_MS]);
}

function parts(ms: number, [large, largeMs]: [string, number], [small, smallMs]: [string, number]): string {
  const rest = Math.floor((ms % largeMs) / smallMs);
  const first = unit(Math.floor(ms / largeMs), large);
  return rest === 0 ? first : `${first} ${unit(rest, small)}`;
}

/** `12 seconds ago`; `in 3 minutes` where `ms` is below 0. */
export function ago(ms: number): string {
  const steps = [
    ['day', DAY_MS],
    ['hour', HOUR_MS],
    ['minute', MINUTE_MS],
  ] as const;
  const [name, size] = steps.find(([, step]) => Math.abs(ms) >= step) ?? (['second', SECOND_MS] as const);
  // With `auto`, a difference of a day would become "yesterday", which may be wrong.
  const words = new Intl.RelativeTimeFormat(language.value, {
    numeric: name === 'second' ? 'auto' : 'always',
  });
  return words.format(-Math.round(ms / size) || 0, name);
}

/** To the minute: where seconds would only be in the way. */
export const minute = (at: Date): string =>
  new Intl.DateTimeFormat(language.value, { dateStyle: 'medium', timeStyle: 'short' }).format(at);

export const moment = (at: Date): string =>
  new Intl.DateTimeFormat(language.value, { dateStyle: 'medium', timeStyle: 'medium' }).format(at);

/** A day without a time: no zone moves it. */
export const day = (text: string): string =>
  new Intl.DateTimeFormat(language.value, { dateStyle: 'medium', timeZone: 'UTC' }).format(
    new Date(`${text}T00:00:00Z`),
  );

export function bytes(size: number): string {
  if (size < 1000) return unit(size, 'byte');
  if (size < 1_000_000) return unit(size / 1000, 'kilobyte', 1);
  return unit(size / 1_000_000, 'megabyte', 1);
}

export const list = (items: readonly string[]): string =>
  new Intl.ListFormat(language.value, { style: 'long', type: 'conjunction' }).format(items);
