import type { Condition, Operator } from '../db/documents-filter.ts';
import { OPERATORS } from '../db/documents-filter.ts';
import type { Extract } from '../db/documents-values.ts';
import { fieldKind } from '../db/documents-values.ts';
import type { OdooFieldRow } from '../db/schema/model.ts';
import { BadValueError, UnknownOperatorError } from './errors.ts';
import { isInFourDigits, NO_NUL, YEARS } from './schemas.ts';

/** In one list. PostgreSQL compares every BC with each of them. */
export const MOST_VALUES = 200;

type Given = string | readonly string[];

/**
 * One `filter[field][operator]=value` as a test of the field's own type.
 *
 * @throws UnknownOperatorError, BadValueError
 */
export function readCondition(field: OdooFieldRow, operator: string, given: Given): Condition {
  const kind = fieldKind(field.type);
  const known = OPERATORS[kind].find((candidate) => candidate === operator);
  if (known === undefined) throw new UnknownOperatorError(field.name, field.type, operator, OPERATORS[kind]);
  const name = operator === 'eq' ? `filter[${field.name}]` : `filter[${field.name}][${operator}]`;
  const values = split(known, given);
  if (values.length > MOST_VALUES)
    throw new BadValueError(name, `${values.length} values`, `at most ${MOST_VALUES} values`);
  if (known !== 'in' && values.length !== 1) throw new BadValueError(name, values.join('&'), 'one value');
  if (known === 'null') {
    return { field: field.name, test: 'empty', kind, empty: read(name, values[0] ?? '', YES_NO) === 'true' };
  }
  if (kind === 'x2many') {
    return { field: field.name, test: 'contains', ids: values.map((value) => read(name, value, ID)) };
  }
  const extract = extractOf(field, known, values);
  const form = known === 'like' ? TEXT : (FORMS[field.type] ?? FORM_OF[extract]);
  return {
    field: field.name,
    test: 'compare',
    operator: known,
    extract,
    values: values.map((value) => read(name, value, form)),
  };
}

/** A list is written with commas, or by repeating the parameter where a value holds one. */
function split(operator: Operator, given: Given): readonly string[] {
  if (typeof given !== 'string') return given;
  return operator === 'in' ? given.split(',') : [given];
}

/** A many2one is compared by id where every value is one, else by name. */
function extractOf(field: OdooFieldRow, operator: Operator, values: readonly string[]): Extract {
  const kind = fieldKind(field.type);
  if (kind === 'number' || kind === 'boolean') return kind;
  if (kind !== 'many2one') return 'text';
  return operator !== 'like' && values.every((value) => ID.pattern.test(value)) ? 'id' : 'name';
}

interface Form {
  readonly pattern: RegExp;
  readonly expected: string;
  /** The value as Odoo would write it; null when there is no such value. */
  readonly normal?: (value: string) => string | null;
}

const TEXT: Form = { pattern: NO_NUL, expected: 'a text without NUL characters' };
/** At most 15 digits: any such number is exact in JSON too. */
const ID: Form = { pattern: /^[1-9]\d{0,14}$/, expected: 'an id' };
const NUMBER: Form = { pattern: /^-?\d{1,30}(\.\d{1,30})?$/, expected: 'a number such as 12 or 12.5' };
const YES_NO: Form = { pattern: /^(true|false)$/, expected: 'true or false' };
const DATE: Form = {
  pattern: /^\d{4}-\d\d-\d\d$/,
  expected: `a date such as 2026-01-31, ${YEARS}`,
  normal: realDay,
};
const MOMENT: Form = {
  pattern: /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d)?(\.\d{1,6})?(Z|[+-]\d\d:\d\d)?)?$/,
  expected: `a moment such as 2026-01-31 or 2026-01-31T08:00:00Z (UTC where no zone is given), ${YEARS}`,
  normal: utc,
};

const FORMS: Readonly<Record<string, Form>> = { date: DATE, datetime: MOMENT };
const FORM_OF: Readonly<Record<Extract, Form>> = {
  text: TEXT,
  name: TEXT,
  number: NUMBER,
  boolean: YES_NO,
  id: ID,
};

function read(name: string, value: string, form: Form): string {
  const normal = form.pattern.test(value) ? (form.normal?.(value) ?? (form.normal ? null : value)) : null;
  if (normal === null) throw new BadValueError(name, value, form.expected);
  return normal;
}

function realDay(value: string): string | null {
  const day = new Date(`${value}T00:00:00Z`);
  return isInFourDigits(day) && day.toISOString().startsWith(value) ? value : null;
}

/** Odoo's own writing of a datetime: UTC, seconds. */
function utc(value: string): string | null {
  const day = value.slice(0, 10);
  if (realDay(day) === null) return null;
  const time = value.slice(11) === '' ? '00:00:00' : value.slice(11);
  const zoned = /(Z|[+-]\d\d:\d\d)$/.test(time) ? time : `${time}Z`;
  const moment = new Date(`${day}T${zoned}`);
  return isInFourDigits(moment) ? moment.toISOString().slice(0, 19).replace('T', ' ') : null;
}
