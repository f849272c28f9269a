import { type SQL, sql } from 'drizzle-orm';

/**
 * How the values of a mirrored field are compared. `opaque` values (binaries, properties) can only be tested for
 * existence.
 */
export type FieldKind = 'text' | 'number' | 'boolean' | 'many2one' | 'x2many' | 'opaque';

/** The field types of Odoo (14.0 to 19.0). Dates are texts of Odoo, whose order is the order of time. */
const KINDS: Readonly<Record<string, FieldKind>> = {
  char: 'text',
  text: 'text',
  html: 'text',
  selection: 'text',
  date: 'text',
  datetime: 'text',
  reference: 'text',
  integer: 'number',
  float: 'number',
  monetary: 'number',
  many2one_reference: 'number',
  boolean: 'boolean',
  many2one: 'many2one',
  one2many: 'x2many',
  many2many: 'x2many',
};

export function fieldKind(odooType: string): FieldKind {
  return KINDS[odooType] ?? 'opaque';
}

/** The compared part of a field's JSON: a many2one has an id and a name. */
export type Extract = 'text' | 'number' | 'boolean' | 'id' | 'name';

/** The PostgreSQL type of each kind. A value given as text is cast to it. */
const TYPES = { text: 'text', number: 'numeric', boolean: 'boolean', id: 'bigint', name: 'text' } as const;

/**
 * The JSON of a field as a typed SQL value; null if Odoo has no value. An empty value of Odoo is `false`, so the JSON
 * type decides first, and the cast never fails.
 */
export function typed(json: SQL, extract: Extract): SQL {
  switch (extract) {
    case 'text':
      return sql`(case when jsonb_typeof(${json}) = 'string' then ${json} #>> '{}' end) collate "C"`;
    case 'number':
      return sql`(case when jsonb_typeof(${json}) = 'number' then (${json} #>> '{}')::numeric end)`;
    case 'boolean':
      return sql`(case when jsonb_typeof(${json}) = 'boolean' then (${json})::boolean end)`;
    case 'id':
      return sql`passerelle_many2one_id(${json})`;
    case 'name':
      return sql`(case when jsonb_typeof(${json}) = 'array' then ${json} ->> 1 end) collate "C"`;
  }
}

/** A longer text is sorted by its beginning, so cursors fit into a URL and entries into an index. */
export const KEY_CHARACTERS = 200;

/**
 * The expression to sort by a field, also used for filters if it suffices. The indexes on fields use exactly these
 * expressions.
 */
export function comparable(json: SQL, extract: Extract): SQL {
  const value = typed(json, extract);
  return extract === 'text' || extract === 'name'
    ? sql`left(${value}, ${sql.raw(String(KEY_CHARACTERS))})`
    : value;
}

/**
 * A value given as text, as a parameter of the same type. It is sent as text, so that the driver does not convert it.
 */
export function parameter(value: string, extract: Extract): SQL {
  return sql`${value}::text::${sql.raw(TYPES[extract])}`;
}

/** Values given as texts, as one array parameter of the same type. */
export function parameters(values: readonly string[], extract: Extract): SQL {
  return sql`${arrayText(values)}::${sql.raw(TYPES[extract])}[]`;
}

/**
 * The text of a PostgreSQL array. Each element is quoted, so that `NULL`, commas and braces are ordinary characters.
 */
export function arrayText(values: readonly string[]): string {
  return `{${values.map((value) => `"${value.replaceAll(/["\\]/g, '\\$&')}"`).join(',')}}`;
}
