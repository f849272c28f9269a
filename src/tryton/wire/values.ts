import { TrytonRequestError } from '../errors.ts';

const DECIMAL = /^[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|inf(?:inity)?|s?nan\d*)$/i;

/** The largest `datetime.timedelta` of Python is a little shorter. */
const MAX_TIMEDELTA_SECONDS = 86_400_000_000_000;

/** A decimal number with exactly the digits that were sent or given: `1.50`, `1E-7`, `-0.0`, `NaN`. */
export class Decimal {
  readonly text: string;
  /** Throws TrytonRequestError for a text that Python's `Decimal` would not take. */
  constructor(text: string) {
    if (typeof text !== 'string' || !DECIMAL.test(text)) throw refused('Decimal', 'a text such as "1.50"');
    this.text = text;
  }
  toString(): string {
    return this.text;
  }
  toJSON(): string {
    return this.text;
  }
  /** The nearest double: digits may be lost. */
  toNumber(): number {
    if (/nan/i.test(this.text)) return Number.NaN;
    return Number(this.text.replace(/inf(inity)?/i, 'Infinity'));
  }
}

/** A day without a time, as Tryton's Date fields hold it. */
export class DateOnly {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  /** `month` and `day` count from 1. Throws TrytonRequestError for a day that no calendar has. */
  constructor(year: number, month: number, day: number) {
    checkDay(year, month, day);
    this.year = year;
    this.month = month;
    this.day = day;
  }
  /** `2026-08-21` */
  toString(): string {
    return dayText(this);
  }
  toJSON(): string {
    return this.toString();
  }
}

/** A time of day, to the microsecond. */
export class TimeOnly {
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly microsecond: number;
  /** Throws TrytonRequestError for a time that no clock shows. */
  constructor(hour: number, minute: number, second = 0, microsecond = 0) {
    checkTime(hour, minute, second, microsecond);
    this.hour = hour;
    this.minute = minute;
    this.second = second;
    this.microsecond = microsecond;
  }
  /** `08:30:00.000001` */
  toString(): string {
    return timeText(this);
  }
  toJSON(): string {
    return this.toString();
  }
}

/** A moment to the microsecond. Tryton keeps its moments in UTC, without saying so. */
export class DateTime {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly microsecond: number;
  /** `month` and `day` count from 1. Throws TrytonRequestError for a moment that does not exist. */
  constructor(year: number, month: number, day: number, hour = 0, minute = 0, second = 0, microsecond = 0) {
    checkDay(year, month, day);
    checkTime(hour, minute, second, microsecond);
    this.year = year;
    this.month = month;
    this.day = day;
    this.hour = hour;
    this.minute = minute;
    this.second = second;
    this.microsecond = microsecond;
  }
  /** Throws TrytonRequestError for an invalid `Date`, or one outside of the years 1 to 9999. */
  static from(moment: Date): DateTime {
    return new DateTime(
      moment.getUTCFullYear(),
      moment.getUTCMonth() + 1,
      moment.getUTCDate(),
      moment.getUTCHours(),
      moment.getUTCMinutes(),
      moment.getUTCSeconds(),
      moment.getUTCMilliseconds() * 1000,
    );
  }
  /** Truncated to milliseconds, the precision of `Date`. */
  toDate(): Date {
    return new Date(`${this.toString().slice(0, -3)}Z`);
  }
  /** `2026-08-21T08:30:00.000001`, UTC without a mark of it. */
  toString(): string {
    return `${dayText(this)}T${timeText(this)}`;
  }
  toJSON(): string {
    return this.toString();
  }
}

/** A duration, as Python's `timedelta.total_seconds()` gives it: exact to the microsecond up to 270 years. */
export class Timedelta {
  readonly seconds: number;
  /** Throws TrytonRequestError for values that are not finite or exceed the range of Python (10^9 days). */
  constructor(seconds: number) {
    if (typeof seconds !== 'number' || !(Math.abs(seconds) < MAX_TIMEDELTA_SECONDS))
      throw refused('timedelta', 'a number of seconds');
    this.seconds = seconds;
  }
  toString(): string {
    return `${this.seconds} s`;
  }
  /** Seconds. */
  toJSON(): number {
    return this.seconds;
  }
}

function checkDay(year: number, month: number, day: number): void {
  const ok = within(year, 1, 9999) && within(month, 1, 12) && within(day, 1, daysIn(year, month));
  if (!ok) throw refused('date', 'a day from 0001-01-01 to 9999-12-31');
}

function checkTime(hour: number, minute: number, second: number, microsecond: number): void {
  const ok = within(hour, 0, 23) && within(minute, 0, 59) && within(second, 0, 59);
  if (!ok || !within(microsecond, 0, 999_999))
    throw refused('time', 'a time from 00:00:00.000000 to 23:59:59.999999');
}

function within(value: number, least: number, most: number): boolean {
  return Number.isInteger(value) && value >= least && value <= most;
}

function daysIn(year: number, month: number): number {
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1] ?? 0;
}

function dayText({ year, month, day }: DateOnly): string {
  return `${padded(year, 4)}-${padded(month, 2)}-${padded(day, 2)}`;
}

function timeText({ hour, minute, second, microsecond }: TimeOnly): string {
  return `${padded(hour, 2)}:${padded(minute, 2)}:${padded(second, 2)}.${padded(microsecond, 6)}`;
}

function padded(value: number, digits: number): string {
  return String(value).padStart(digits, '0');
}

function refused(kind: string, expected: string): TrytonRequestError {
  return new TrytonRequestError(`no valid ${kind}: expected ${expected}`);
}
