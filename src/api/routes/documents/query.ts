import { z } from 'zod';
import { type Extract, type FieldKind, fieldKind } from '../../../db/documents/field-expressions.ts';
import {
  ARCHIVED,
  type Condition,
  type DocumentFilter,
  OPERATORS,
  type Operator,
} from '../../../db/documents/filters.ts';
import type { DocumentOrder } from '../../../db/documents/keyset-pagination.ts';
import type { Choice, DocumentQuery, LinesWanted } from '../../../db/documents/queries.ts';
import type { OdooFieldRow } from '../../../db/schema/model.ts';
import {
  BadValueError,
  LinesNotIncludedError,
  UnknownFieldError,
  UnknownOperatorError,
} from '../../errors.ts';
import { doc, isInFourDigits, limitWithinBytes, NO_NUL, YEARS } from '../../schemas.ts';
import { readCursor } from './cursors.ts';
import type { KnownFields } from './fields-cache.ts';
import { MAX_INCLUDED, NO_RELATIONS, type Relations, readInclude } from './include.ts';

/** Maximum of values in one list. PostgreSQL compares each value with every BC. */
const MAX_VALUES = 200;

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
  if (values.length > MAX_VALUES)
    throw new BadValueError(name, `${values.length} values`, `at most ${MAX_VALUES} values`);
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

/** A list has commas, or repeats the parameter if a value contains one. */
function split(operator: Operator, given: Given): readonly string[] {
  if (typeof given !== 'string') return given;
  return operator === 'in' ? given.split(',') : [given];
}

/** A many2one is compared by id if every value is an id, else by name. */
function extractOf(field: OdooFieldRow, operator: Operator, values: readonly string[]): Extract {
  const kind = fieldKind(field.type);
  if (kind === 'number' || kind === 'boolean') return kind;
  if (kind !== 'many2one') return 'text';
  return operator !== 'like' && values.every((value) => ID.pattern.test(value)) ? 'id' : 'name';
}

interface Form {
  readonly pattern: RegExp;
  readonly expected: string;
  /** The value in the format of Odoo; null if it is not valid. */
  readonly normal?: (value: string) => string | null;
}

const TEXT: Form = { pattern: NO_NUL, expected: 'a text without NUL characters' };
/** At most 15 digits, so that the number is exact in JSON. */
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
  expected: `a moment such as 2026-01-31 or 2026-01-31T08:00:00Z (UTC if no zone is given), ${YEARS}`,
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

/** The datetime format of Odoo: UTC, seconds. */
function utc(value: string): string | null {
  const day = value.slice(0, 10);
  if (realDay(day) === null) return null;
  const time = value.slice(11) === '' ? '00:00:00' : value.slice(11);
  const zoned = /(Z|[+-]\d\d:\d\d)$/.test(time) ? time : `${time}Z`;
  const moment = new Date(`${day}T${zoned}`);
  return isInFourDigits(moment) ? moment.toISOString().slice(0, 19).replace('T', ' ') : null;
}

const text = z.string().regex(NO_NUL, 'a text without NUL characters').max(1000);

const sinceText = `a moment such as 2026-01-31 or 2026-01-31T08:00:00Z, ${YEARS}`;

export const fieldsParameter = text
  .optional()
  .meta(doc('fields to return, separated by commas; all by default', 'name,state,partner_id,amount_total'));
export const lineFieldsParameter = text
  .optional()
  .meta(doc('fields of each line, separated by commas; only with include=lines', 'name,product_qty'));
/** For the change feed and exports. */
export const linesParameter = z
  .literal('lines')
  .optional()
  .meta(doc('`lines` adds the lines of each BC', 'lines'));
export const includeParameter = text
  .optional()
  .meta(
    doc(
      '`lines` adds the lines of each BC. A many2one field adds the record that it refers to, from the mirror of its ' +
        `model; \`lines.product_id\` adds it to each line. At most ${MAX_INCLUDED} fields, separated by commas`,
      'lines,partner_id',
    ),
  );
export const includeFieldsParameter = z
  .record(z.string(), text)
  .optional()
  .meta(
    doc('include_fields[field]=a,b: fields of an included record, separated by commas; all by default', {
      partner_id: 'name,email',
    }),
  );

export const listQuery = z.strictObject({
  limit: limitWithinBytes,
  cursor: z
    .string()
    .max(8000)
    .optional()
    .meta(doc('nextCursor of the page before; same sort and filters', 'WyJabC...')),
  sort: text
    .default('odoo_id')
    .meta(doc('odoo_id or a field; a leading - reverses the order; empty values come last', '-amount_total')),
  q: text
    .min(1)
    .optional()
    .meta(doc('text to be found in the Odoo id, the name or any other short text', 'azure')),
  state: text.optional().meta(doc('short for filter[state]', 'confirmed')),
  updated_since: z
    .union([z.iso.datetime({ offset: true }), z.iso.date()], { error: sinceText })
    .transform((since) => new Date(since))
    .refine(isInFourDigits, sinceText)
    .optional()
    .meta(doc('only BCs that changed in the mirror since then', '2026-01-31T08:00:00Z')),
  archived: z.enum(ARCHIVED).default('exclude').meta(doc('BCs that are gone from Odoo', 'include')),
  filter: z
    .record(z.string(), z.record(z.string(), z.union([z.string(), z.array(z.string())])))
    .default({})
    .meta(
      doc('filter[field]=value, filter[field][eq|ne|gt|gte|lt|lte|in|like|null]=value', {
        amount_total: { gte: '1000' },
        partner_id: { like: 'azure' },
      }),
    ),
  fields: fieldsParameter,
  include: includeParameter,
  include_fields: includeFieldsParameter,
  line_fields: lineFieldsParameter,
  count: z
    .enum(['exact', 'estimated'])
    .optional()
    .meta(
      doc(
        'adds the total; `estimated` asks the planner of PostgreSQL, which is fast and may be far off',
        'exact',
      ),
    ),
});
export type ListQuery = z.infer<typeof listQuery>;

/**
 * Converts a query string into a query, checked against the fields of the model.
 *
 * @returns the query, and a key of its list for cursors.
 * @throws UnknownFieldError, UnknownOperatorError, BadValueError, BadCursorError
 */
export function readListQuery(query: ListQuery, known: KnownFields, relations: Relations = NO_RELATIONS) {
  const fields = known.header;
  const filter = readFilter(query, fields);
  const conditions = filter.conditions.map((condition) => JSON.stringify(condition)).sort();
  const order = readOrder(query.sort, fields);
  // Contains the type of the order: the cursor of a field that was retyped is not valid.
  const list = [query.sort, order.extract, query.q, query.archived, filter.changedSince, conditions];
  const documents: DocumentQuery = {
    filter,
    order,
    after: query.cursor === undefined ? null : readCursor(list, query.cursor),
    limit: query.limit,
    ...readChoice(query, known, query.archived === 'exclude' ? 'live' : 'whole', relations),
  };
  return { documents, list };
}

type FilterQuery = Pick<ListQuery, 'q' | 'state' | 'updated_since' | 'archived' | 'filter'>;

/** @throws UnknownFieldError, UnknownOperatorError, BadValueError */
export function readFilter(query: FilterQuery, fields: readonly OdooFieldRow[]): DocumentFilter {
  return {
    conditions: readConditions(query, fields),
    search: query.q === undefined ? null : { text: query.q, fields: searched(fields) },
    changedSince: query.updated_since ?? null,
    archived: query.archived,
  };
}

/**
 * The requested parts of a BC, and of its lines and the records that are included.
 *
 * @throws UnknownFieldError, LinesNotIncludedError, or the errors of `readInclude`
 */
export function readChoice(
  query: Pick<ListQuery, 'fields' | 'include' | 'line_fields'> & Partial<Pick<ListQuery, 'include_fields'>>,
  known: KnownFields,
  lines: LinesWanted,
  relations: Relations = NO_RELATIONS,
): Choice {
  const include = readInclude(query, known, relations);
  if (query.line_fields !== undefined && !include.lines) throw new LinesNotIncludedError();
  return {
    pick: readPick(query.fields, known.header),
    included: include.included,
    lines: include.lines ? lines : 'none',
    linePick: readPick(query.line_fields, known.line, 'line_fields'),
    lineIncluded: include.lineIncluded,
  };
}

function readConditions(query: FilterQuery, fields: readonly OdooFieldRow[]): Condition[] {
  const filters = Object.entries(query.filter).flatMap(([name, tests]) =>
    Object.entries(tests).map(([operator, value]) => ({
      name,
      parameter: `filter[${name}]`,
      operator,
      value,
    })),
  );
  const state = { name: 'state', parameter: 'state', operator: 'eq' };
  const all = query.state === undefined ? filters : [...filters, { ...state, value: query.state }];
  return all.map(({ name, parameter, operator, value }) =>
    readCondition(known(parameter, name, fields), operator, value),
  );
}

const SORTED_AS: Readonly<Partial<Record<FieldKind, Extract>>> = {
  text: 'text',
  number: 'number',
  boolean: 'boolean',
  many2one: 'name',
};

/** Long texts have no useful order. */
const LONG: ReadonlySet<string> = new Set(['text', 'html']);

/** Whether BCs can be sorted by a field of this Odoo type. */
export const isSortable = (type: string): boolean =>
  !LONG.has(type) && SORTED_AS[fieldKind(type)] !== undefined;

function readOrder(sort: string, fields: readonly OdooFieldRow[]): DocumentOrder {
  const descending = sort.startsWith('-');
  const name = descending ? sort.slice(1) : sort;
  if (name === 'odoo_id') return { field: null, extract: 'id', descending };
  const sortable = fields.filter(({ type }) => isSortable(type));
  const extract = SORTED_AS[fieldKind(known('sort', name, sortable, ['odoo_id']).type)] ?? 'text';
  return { field: name, extract, descending };
}

/** @throws UnknownFieldError */
export function readPick(
  fields: string | undefined,
  all: readonly OdooFieldRow[],
  parameter = 'fields',
): string[] | null {
  if (fields === undefined) return null;
  return fields.split(',').map((name) => known(parameter, name.trim(), all).name);
}

function searched(fields: readonly OdooFieldRow[]): string[] {
  return fields.filter(({ type }) => type === 'char' || type === 'text').map(({ name }) => name);
}

function known(
  parameter: string,
  name: string,
  fields: readonly OdooFieldRow[],
  others: readonly string[] = [],
): OdooFieldRow {
  const field = fields.find((candidate) => candidate.name === name);
  if (field !== undefined) return field;
  const names = fields.map((candidate) => candidate.name);
  throw new UnknownFieldError(parameter, name, names.length === 0 ? [] : [...others, ...names]);
}
