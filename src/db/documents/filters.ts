import { and, eq, gte, isNotNull, isNull, or, type SQL, sql } from 'drizzle-orm';
import type { HeaderTable } from '../schema/documents.ts';
import {
  arrayText,
  comparable,
  type Extract,
  type FieldKind,
  KEY_CHARACTERS,
  parameter,
  parameters,
  typed,
} from './field-expressions.ts';

export const OPERATOR_NAMES = ['eq', 'ne', 'gt', 'gte', 'lt', 'lte', 'in', 'like', 'null'] as const;
export type Operator = (typeof OPERATOR_NAMES)[number];

const ORDERED = ['gt', 'gte', 'lt', 'lte'] as const;

/** The operators of each kind of field. */
export const OPERATORS: Readonly<Record<FieldKind, readonly Operator[]>> = {
  text: ['eq', 'ne', ...ORDERED, 'in', 'like', 'null'],
  number: ['eq', 'ne', ...ORDERED, 'in', 'null'],
  boolean: ['eq', 'ne', 'null'],
  many2one: ['eq', 'ne', 'in', 'like', 'null'],
  x2many: ['eq', 'in', 'null'],
  opaque: ['null'],
};

/** One test of one field. The values are texts that were already checked for the type of the field. */
export type Condition =
  | { readonly field: string; readonly test: 'empty'; readonly empty: boolean; readonly kind: FieldKind }
  | { readonly field: string; readonly test: 'contains'; readonly ids: readonly string[] }
  | {
      readonly field: string;
      readonly test: 'compare';
      readonly operator: Exclude<Operator, 'null'>;
      readonly extract: Extract;
      readonly values: readonly string[];
    };

export const ARCHIVED = ['exclude', 'include', 'only'] as const;

export interface DocumentFilter {
  readonly conditions: readonly Condition[];
  /** Text to find in the Odoo id (whole) or in one of the fields (any part, in any case). */
  readonly search: { readonly text: string; readonly fields: readonly string[] } | null;
  /** Only BCs whose header or lines changed in the mirror since then. */
  readonly changedSince: Date | null;
  /** Archived BCs, which Odoo no longer has. `active` of Odoo is an ordinary field. */
  readonly archived: (typeof ARCHIVED)[number];
}

export function filterSql(bc: HeaderTable, filter: DocumentFilter): SQL | undefined {
  return and(
    ...filter.conditions.map((condition) => conditionSql(bc, condition)),
    filter.search === null ? undefined : searchSql(bc, filter.search.text, filter.search.fields),
    filter.changedSince === null ? undefined : gte(bc.changedAt, filter.changedSince),
    filter.archived === 'exclude' ? isNull(bc.archivedAt) : undefined,
    filter.archived === 'only' ? isNotNull(bc.archivedAt) : undefined,
  );
}

/** The JSON of one field of a header. The name is sent as a parameter. */
export const fieldJson = (table: HeaderTable, field: string): SQL => sql`(${table.fields} -> ${field}::text)`;

function conditionSql(bc: HeaderTable, condition: Condition): SQL | undefined {
  const json = fieldJson(bc, condition.field);
  switch (condition.test) {
    case 'empty': {
      // False is a value of a boolean field; in all other fields it means empty.
      const nothing = condition.kind === 'boolean' ? sql`('null')` : sql`('null', 'false', '[]')`;
      return sql`(coalesce(${json}, 'null') in ${nothing}) = ${condition.empty}`;
    }
    case 'contains':
      return sql`${json} @> any(${arrayText(condition.ids)}::jsonb[])`;
    case 'compare':
      return condition.operator === 'in'
        ? isOneOf(json, condition)
        : or(...comparisons(json, condition, condition.operator));
  }
}

type Comparison = Condition & { readonly test: 'compare' };

function comparisons(
  json: SQL,
  { extract, values }: Comparison,
  operator: Exclude<Operator, 'null' | 'in'>,
): SQL[] {
  return values.map((text) => {
    const value = isIndexable(operator, text) ? comparable(json, extract) : typed(json, extract);
    return compareSql(value, operator, parameter(text, extract));
  });
}

/** One array parameter for the whole list: for an OR of a thousand comparisons PostgreSQL needs seconds. */
function isOneOf(json: SQL, { extract, values }: Comparison): SQL | undefined {
  const short = values.filter((text) => isIndexable('in', text));
  const long = values.filter((text) => !isIndexable('in', text));
  return or(
    short.length === 0 ? undefined : sql`${comparable(json, extract)} = any(${parameters(short, extract)})`,
    long.length === 0 ? undefined : sql`${typed(json, extract)} = any(${parameters(long, extract)})`,
  );
}

/** A text shorter than the sort beginning compares with it as with the whole text. */
const isIndexable = (operator: Operator, text: string): boolean =>
  operator !== 'like' && text.length < KEY_CHARACTERS;

function compareSql(value: SQL, operator: Exclude<Operator, 'null' | 'in'>, given: SQL): SQL {
  switch (operator) {
    case 'eq':
      return sql`${value} = ${given}`;
    case 'ne':
      return sql`${value} is distinct from ${given}`;
    case 'gt':
      return sql`${value} > ${given}`;
    case 'gte':
      return sql`${value} >= ${given}`;
    case 'lt':
      return sql`${value} < ${given}`;
    case 'lte':
      return sql`${value} <= ${given}`;
    case 'like':
      return found(value, given);
  }
}

/** Plain text search: no character of the search text has a special meaning. */
function found(value: SQL, text: SQL): SQL {
  // The collation of the database lowers all letters; "C" would lower only ASCII.
  return sql`position(lower(${text} collate "default") in lower((${value}) collate "default")) > 0`;
}

function searchSql(bc: HeaderTable, text: string, fields: readonly string[]): SQL | undefined {
  const anywhere = fields.map((field) => found(typed(fieldJson(bc, field), 'text'), sql`${text}::text`));
  const asId = /^[1-9]\d{0,14}$/.test(text) ? eq(bc.odooId, Number(text)) : undefined;
  return or(asId, ...anywhere) ?? sql`false`;
}
