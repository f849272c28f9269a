import { PythonError, typeError, valueError } from '../errors.ts';
import { repr, tuple } from '../planted.ts';
import {
  type Context,
  displayName,
  type FieldDefinition,
  isNumber,
  isX2many,
  type OdooVersion,
  type Row,
  type Stored,
} from './fields.ts';
import { type Store, secondsAfter, type Table } from './store.ts';

type Matcher = (value: Stored) => boolean;

const never: Matcher = () => false;
const TEXT = ['char', 'text', 'html'];

/** `=`, `!=`, `in` and `not in`, on a column. A negation also matches empty values, as in Odoo. */
function matchEqual(field: FieldDefinition, bounds: readonly unknown[], version: OdooVersion): Matcher {
  const wanted = new Set(bounds.map((bound) => comparable(field, bound)));
  const empties =
    version === '19.0' ? emptiesOf(field) : emptiesOf(field).slice(0, field.type === 'boolean' ? 2 : 1);
  if (empties.some((empty) => wanted.has(empty))) for (const empty of empties) wanted.add(empty);
  if (version === '19.0' && field.type === 'datetime') return matchSeconds(wanted);
  return (value) => wanted.has(value);
}

/** `>`, `<`, `>=`, `<=`. From 19.0 a bound is a whole second: `> t` means `>= t + 1 s` (field-notes C1). */
function matchRange(field: FieldDefinition, operator: string, bound: unknown, version: OdooVersion): Matcher {
  const limit = comparable(field, bound);
  if (field.type === 'datetime' && typeof limit === 'string') {
    return datetimeRange(operator, String(bound), limit, version);
  }
  const compare = comparison(operator, limit);
  const zero = version === '19.0' && isNumber(field) && compare(0);
  return (value) => (value === null ? zero : compare(value));
}

/** `like` and its family. `%` and `_` are wildcards; plain `like` looks anywhere. */
function matchLike(operator: string, pattern: unknown): Matcher {
  const text = pattern === false || pattern === null ? '' : String(pattern);
  const negative = operator.startsWith('not ');
  const name = negative ? operator.slice(4) : operator;
  const exact = name.startsWith('=');
  if (text === '' && !exact) return () => !negative;
  const regex = likeRegex(exact ? text : `%${text}%`, name.endsWith('ilike'));
  return (value) => (value === null ? negative : regex.test(String(value)) !== negative);
}

function datetimeRange(operator: string, bound: string, limit: string, version: OdooVersion): Matcher {
  const dateOnly = bound.length === 10;
  const upward = operator === '>' || operator === '<=';
  if (version === '14.0') {
    const right = dateOnly && upward ? `${bound} 23:59:59` : limit;
    return nullsOut(comparison(operator, right));
  }
  const second = secondsAfter(limit, upward ? (dateOnly ? 86_400 : 1) : 0);
  return nullsOut(comparison(upward ? (operator === '>' ? '>=' : '<') : operator, second));
}

function matchSeconds(wanted: ReadonlySet<Stored>): Matcher {
  const seconds = new Set(
    [...wanted].map((value) => (typeof value === 'string' ? value.slice(0, 19) : value)),
  );
  return (value) => seconds.has(typeof value === 'string' ? value.slice(0, 19) : value);
}

const nullsOut =
  (matcher: Matcher): Matcher =>
  (value) =>
    value !== null && matcher(value);

function comparison(operator: string, limit: Stored): Matcher {
  if (limit === null) return never;
  switch (operator) {
    case '>':
      return (value) => value !== null && value > limit;
    case '<':
      return (value) => value !== null && value < limit;
    case '>=':
      return (value) => value !== null && value >= limit;
    default:
      return (value) => value !== null && value <= limit;
  }
}

/** A bound as a client means it: `False` is NULL, a date is midnight, a number may be a text. */
function comparable(field: FieldDefinition, bound: unknown): Stored {
  if (field.type === 'boolean') return bound === null ? false : Boolean(bound);
  if (bound === false || bound === null || bound === undefined) return null;
  if (isNumber(field) || field.type === 'many2one') return Number(bound);
  const text = String(bound);
  if (field.type === 'date') return text.slice(0, 10);
  if (field.type !== 'datetime') return text;
  return text.length === 10 ? `${text} 00:00:00` : text.replace(/\.0+$/, '');
}

function emptiesOf(field: FieldDefinition): Stored[] {
  if (field.type === 'boolean') return [false, null];
  if (isNumber(field)) return [null, 0];
  return TEXT.includes(field.type) ? [null, ''] : [null];
}

function likeRegex(pattern: string, insensitive: boolean): RegExp {
  const source = pattern.replaceAll(/\\(.)|[%_]|[.*+?^${}()|[\]\\/]/gs, (match, escaped?: string) => {
    if (escaped !== undefined) return escapeRegex(escaped);
    if (match === '%') return '.*';
    return match === '_' ? '.' : escapeRegex(match);
  });
  return new RegExp(`^${source}$`, insensitive ? 'isu' : 'su');
}

const escapeRegex = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\/]/g, '\\$&');

export type Predicate = (row: Row) => boolean;

/** One condition on one field of the model. */
interface Condition {
  readonly store: Store;
  readonly table: Table;
  readonly context: Context;
  readonly field: FieldDefinition;
  readonly name: string;
  readonly operator: string;
  readonly bound: unknown;
}

const EQUAL = new Set(['=', '!=', '<>', '==', 'in', 'not in', '=?']);
const RANGE = new Set(['>', '<', '>=', '<=']);
const LIKE = new Set(['like', 'ilike', 'not like', 'not ilike', '=like', '=ilike']);

/**
 * Compiles `[path, operator, value]`.
 *
 * @throws PythonError for an unknown field or operator, with the message of the version.
 */
export function compileCondition(store: Store, table: Table, item: unknown, context: Context): Predicate {
  if (!Array.isArray(item) || item.length !== 3) throw invalidItem(store.version, item);
  const [path, operator, bound]: unknown[] = item;
  if ((path === 1 || path === 0) && operator === '=') return () => path === bound;
  if (typeof path !== 'string' || typeof operator !== 'string') throw invalidItem(store.version, item);
  if (![EQUAL, RANGE, LIKE].some((known) => known.has(operator))) throw invalidOperator(store.version, item);
  const [name = '', ...rest] = path.split('.');
  const field = table.fields.get(name);
  if (!field) throw invalidField(store.version, table, name, item);
  const condition = { store, table, context, field, name, operator, bound };
  if (rest.length > 0) return throughRelation(condition, rest.join('.'));
  if (operator === '=?' && (bound === false || bound === null)) return () => true;
  if (isX2many(field)) return LIKE.has(operator) ? throughRelation(condition, 'name') : onList(condition);
  if (field.type === 'many2one' && meansName(operator, bound)) return onName(condition);
  return onColumn(condition);
}

/** Archived rows are left out unless the context says otherwise. */
export function visible(table: Table, context: Context): Predicate {
  if (!table.fields.has('active') || context['active_test'] === false) return () => true;
  return (row) => row['active'] === true;
}

function onColumn({ store, table, field, name, operator, bound }: Condition): Predicate {
  if (!LIKE.has(operator)) checkBound(store.version, field, bound);
  const matches = matcher(store, field, operator, bound);
  if (name === 'display_name') return (row) => matches(displayName(row));
  if (field.compute) throw notStored(table, name);
  return (row) => matches(row[name] ?? null);
}

function matcher(store: Store, field: FieldDefinition, operator: string, bound: unknown): Matcher {
  if (RANGE.has(operator)) return matchRange(field, operator, bound, store.version);
  if (LIKE.has(operator)) return matchLike(operator, bound);
  const equal = matchEqual(field, Array.isArray(bound) ? bound : [bound], store.version);
  return isNegative(operator) ? (value) => !equal(value) : equal;
}

/** `partner_id.name`: true if a related record matches; never for a row without one. */
function throughRelation(
  { store, field, name, context, operator, bound }: Condition,
  path: string,
): Predicate {
  const target = store.table(field.relation ?? '');
  const inner = field.type === 'many2one' ? { ...context, active_test: false } : context;
  const matches = compileCondition(store, target, [path, operator, bound], inner);
  const isVisible = visible(target, inner);
  return (row) =>
    relatedRows(store, target, field, name, row).some((related) => isVisible(related) && matches(related));
}

function onList({ store, field, name, operator, bound, context }: Condition): Predicate {
  if (!EQUAL.has(operator)) throw invalidOperator(store.version, [name, operator, bound]);
  const target = store.table(field.relation ?? '');
  const isVisible = visible(target, context);
  const wanted = new Set<unknown>(Array.isArray(bound) ? bound : [bound]);
  const orEmpty = wanted.has(false) || wanted.has(null);
  const matches: Predicate = (row) => {
    const found = relatedRows(store, target, field, name, row).filter(isVisible);
    return (orEmpty && found.length === 0) || found.some(({ id }) => wanted.has(id));
  };
  return isNegative(operator) ? (row) => !matches(row) : matches;
}

/** A many2one compared with a text: the name of the related record is compared. */
function onName({ store, field, name, operator, bound }: Condition): Predicate {
  const matches = matcher(store, { type: 'char', string: '' }, operator, bound);
  const target = store.table(field.relation ?? '');
  return (row) => {
    const related = target.rows.get(Number(row[name] ?? 0));
    return matches(related ? displayName(related) : null);
  };
}

/** The targets of a relation, including archived records, in no order. */
function relatedRows(store: Store, target: Table, field: FieldDefinition, name: string, row: Row): Row[] {
  return [...relatedIds(store, target, field, name, row)]
    .map((id) => target.rows.get(id))
    .filter((related) => related !== undefined);
}

function relatedIds(store: Store, target: Table, field: FieldDefinition, name: string, row: Row) {
  if (field.type === 'one2many') return target.pointingAt(field.relation_field ?? '', row.id);
  const value = field.compute ? field.compute(row, store, {}) : row[name];
  if (typeof value === 'number') return [value];
  return Array.isArray(value) ? value : [];
}

const isNegative = (operator: string): boolean =>
  operator === '!=' || operator === '<>' || operator.startsWith('not ');

function meansName(operator: string, bound: unknown): boolean {
  if (LIKE.has(operator)) return true;
  const bounds = Array.isArray(bound) ? bound : [bound];
  return bounds.some((item) => typeof item === 'string' && !/^\d+$/.test(item));
}

/** The message of each version for an invalid domain. Seen on 14.0 and 19.0. */
export function notADomain(version: OdooVersion, domain: unknown): PythonError {
  if (version === '19.0') return typeError(`Domain() invalid argument type for domain: ${repr(domain)}`);
  return assertionError(
    "Domains to normalize must have a 'domain' form: a list or tuple of domain components",
  );
}

export function malformedDomain(version: OdooVersion, domain: unknown): PythonError {
  if (version === '19.0') return valueError(`Domain() malformed domain ${repr(domain)}`);
  return assertionError(`This domain is syntactically not correct: ${repr(domain)}`);
}

function invalidItem(version: OdooVersion, item: unknown): PythonError {
  if (version === '19.0') return valueError(`Domain() invalid item in domain: ${repr(item)}`);
  return valueError(`Invalid leaf ${Array.isArray(item) ? tuple(item) : repr(item)}`);
}

function invalidOperator(version: OdooVersion, item: readonly unknown[]): PythonError {
  if (version === '19.0') return valueError(`Invalid operator in condition ${tuple(item)}`);
  return valueError(`Invalid leaf ${tuple(item)}`);
}

function invalidField(
  version: OdooVersion,
  table: Table,
  name: string,
  item: readonly unknown[],
): PythonError {
  const where = version === '19.0' ? 'condition' : 'leaf';
  return valueError(`Invalid field ${table.definition.name}.${name} in ${where} ${tuple(item)}`);
}

export function notStored(table: Table, name: string): PythonError {
  return valueError(`Cannot convert ${table.definition.name}.${name} to SQL because it is not stored`);
}

/** @throws PythonError if PostgreSQL or Odoo could not read a bound as the type of the field. */
function checkBound(version: OdooVersion, field: FieldDefinition, bound: unknown): void {
  for (const item of Array.isArray(bound) ? bound : [bound]) {
    if (typeof item !== 'string') continue;
    if (field.type === 'datetime' || field.type === 'date') checkDate(version, item);
    else if (isNumber(field) && Number.isNaN(Number(item))) {
      const message = `invalid input syntax for type integer: "${item}"\n`;
      throw new PythonError('psycopg2.errors.InvalidTextRepresentation', message);
    }
  }
}

function checkDate(version: OdooVersion, text: string): void {
  if (/^\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d(\.\d+)?)?)?$/.test(text)) return;
  if (version === '19.0') throw valueError(`Invalid term '${text}' in expression date: '${text}'`);
  const message = `invalid input syntax for type timestamp: "${text}"\n`;
  throw new PythonError('psycopg2.errors.InvalidDatetimeFormat', message);
}

const assertionError = (message: string) => new PythonError('builtins.AssertionError', message);
