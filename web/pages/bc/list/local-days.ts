import type { Field } from '../../../api/answers.ts';

/**
 * The possible filters on a field. A datetime is compared with a whole day. Not possible: an empty day, a list of days, or a part
 * of a text that Odoo wrote in UTC.
 */
export function operatorsOf({ type, operators }: Field): readonly Operator[] {
  return type === 'datetime' ? operators.filter((one) => ON_DAYS.has(one)) : operators;
}

const ON_DAYS: ReadonlySet<Operator> = new Set(['eq', 'gt', 'gte', 'lt', 'lte', 'null']);

/**
 * Filters on one datetime as bounds, which are moments: a day goes from one midnight of this browser to the next one. Of
 * several bounds on the same side the narrowest holds.
 */
export function boundsOf(filters: readonly Filter[]): ReadonlyMap<Operator, string> {
  const bounds = new Map<Operator, string>();
  for (const { operator, value } of filters) {
    for (const [test, bound] of onDay(operator, value)) {
      const other = bounds.get(test) ?? bound;
      bounds.set(test, (test === 'lt') === bound < other ? bound : other);
    }
  }
  return bounds;
}

/** A value that is not a day stays unchanged: the API explains the fault. */
function onDay(operator: Operator, value: string): readonly (readonly [Operator, string])[] {
  const day = readDay(value);
  if (day === null) return [[operator, value]];
  const { start, end } = day;
  switch (operator) {
    case 'eq':
      return [
        ['gte', start],
        ['lt', end],
      ];
    case 'gt':
      return [['gte', end]];
    case 'lte':
      return [['lt', end]];
    case 'gte':
    case 'lt':
      return [[operator, start]];
    default:
      return [[operator, value]];
  }
}

/** The first moment of a day and of the next one; null where there is no such day. */
function readDay(text: string): { readonly start: string; readonly end: string } | null {
  const at = new Date(`${text}T00:00Z`);
  // The 31st of a month of 30 days is read as one of the next month.
  if (Number.isNaN(at.getTime()) || at.toISOString().slice(0, 10) !== text) return null;
  // By the calendar: a day on which the clock changes is no 24 hours long.
  at.setUTCDate(at.getUTCDate() + 1);
  return { start: midnight(text), end: midnight(at.toISOString().replace(/T.*/, '')) };
}

/** By this browser's clock. A day that has no midnight begins at one o'clock, and one that has two at the first. */
const midnight = (day: string): string => new Date(`${day}T00:00`).toISOString();

export interface Filter {
  readonly field: string;
  readonly operator: Operator;
  readonly value: string;
}

export type Operator = Field['operators'][number];
