import { z } from 'zod';
import type { Condition, DocumentFilter } from '../db/documents-filter.ts';
import { ARCHIVED } from '../db/documents-filter.ts';
import type { Choice, LinesWanted } from '../db/documents-json.ts';
import type { DocumentOrder } from '../db/documents-order.ts';
import type { DocumentQuery } from '../db/documents-read.ts';
import type { Extract, FieldKind } from '../db/documents-values.ts';
import { fieldKind } from '../db/documents-values.ts';
import type { OdooFieldRow } from '../db/schema/model.ts';
import { readCursor } from './cursor.ts';
import { LinesNotIncludedError, UnknownFieldError } from './errors.ts';
import type { KnownFields } from './field-book.ts';
import { readCondition } from './field-values.ts';
import { isInFourDigits, limitWithinBytes, NO_NUL, YEARS } from './schemas.ts';

const text = z.string().regex(NO_NUL, 'a text without NUL characters').max(1000);

const sinceText = `a moment such as 2026-01-31 or 2026-01-31T08:00:00Z, ${YEARS}`;

/** `fields=a,b`; an empty list is no choice. */
export const fieldsParameter = text
  .optional()
  .describe('fields to answer, with commas between; all by default');
export const lineFieldsParameter = text
  .optional()
  .describe('fields of each line, with commas between; only with include=lines');
export const includeParameter = z.literal('lines').optional().describe('`lines` adds the lines of each BC');

export const listQuery = z.strictObject({
  limit: limitWithinBytes,
  cursor: z.string().max(8000).optional().describe('nextCursor of the page before; same sort and filters'),
  sort: text
    .default('odoo_id')
    .describe('odoo_id or a field; a leading - turns it round; empty values come last'),
  q: text.min(1).optional().describe('text to be found in the Odoo id, the name or any other short text'),
  state: text.optional().describe('short for filter[state]'),
  updated_since: z
    .union([z.iso.datetime({ offset: true }), z.iso.date()], { error: sinceText })
    .transform((since) => new Date(since))
    .refine(isInFourDigits, sinceText)
    .optional()
    .describe('only BCs that changed in the mirror since then'),
  archived: z.enum(ARCHIVED).default('exclude').describe('BCs that are gone from Odoo'),
  filter: z
    .record(z.string(), z.record(z.string(), z.union([z.string(), z.array(z.string())])))
    .default({})
    .describe('filter[field]=value, filter[field][eq|ne|gt|gte|lt|lte|in|like|null]=value'),
  fields: fieldsParameter,
  include: includeParameter,
  line_fields: lineFieldsParameter,
  count: z
    .enum(['exact', 'estimated'])
    .optional()
    .describe('adds the total; `estimated` asks the planner of PostgreSQL, which is fast and may be far off'),
});
export type ListQuery = z.infer<typeof listQuery>;

/**
 * A query string as a query of the mirror, checked against what `fields_get` said of the model.
 *
 * @returns the query, and what tells its list from others (for cursors).
 * @throws UnknownFieldError, UnknownOperatorError, BadValueError, BadCursorError
 */
export function readListQuery(query: ListQuery, known: KnownFields) {
  const fields = known.header;
  const filter = readFilter(query, fields);
  const conditions = filter.conditions.map((condition) => JSON.stringify(condition)).sort();
  const order = readOrder(query.sort, fields);
  // With the order's type: where a field was retyped, its old values are no position in the new list.
  const list = [query.sort, order.extract, query.q, query.archived, filter.changedSince, conditions];
  const documents: DocumentQuery = {
    filter,
    order,
    after: query.cursor === undefined ? null : readCursor(list, query.cursor),
    limit: query.limit,
    ...readChoice(query, known, query.archived === 'exclude' ? 'live' : 'whole'),
  };
  return { documents, list };
}

/** The parameters that choose BCs, whatever is done with them. */
export type FilterQuery = Pick<ListQuery, 'q' | 'state' | 'updated_since' | 'archived' | 'filter'>;

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
 * What of a BC is asked for; `lines`: which ones, where there are to be any.
 *
 * @throws UnknownFieldError, LinesNotIncludedError
 */
export function readChoice(
  query: Pick<ListQuery, 'fields' | 'include' | 'line_fields'>,
  known: KnownFields,
  lines: LinesWanted,
): Choice {
  if (query.line_fields !== undefined && query.include === undefined) throw new LinesNotIncludedError();
  return {
    pick: readPick(query.fields, known.header),
    lines: query.include === undefined ? 'none' : lines,
    linePick: readPick(query.line_fields, known.line, 'line_fields'),
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

/** Pages of text have no order that anybody looks for. */
const LONG: ReadonlySet<string> = new Set(['text', 'html']);

/** Whether BCs can be sorted by a field of this type of Odoo's. */
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
