import { checkBound, invalidField, invalidItem, invalidOperator, notStored } from './domain-errors.ts';
import { type Context, displayName, type FieldDefinition, isX2many, type Row } from './fields.ts';
import { type Matcher, matchEqual, matchLike, matchRange } from './operators.ts';
import type { Store, Table } from './store.ts';

export type Predicate = (row: Row) => boolean;

/** One condition on one field that the model has. */
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
 * @throws PythonError for an unknown field or operator, worded as the version in use words it.
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

/** Archived rows stay out unless the context says otherwise. */
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

/** `partner_id.name`: true when a related record matches; a record without one never does. */
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

/** A many2one compared with text: the name of the related record is meant. */
function onName({ store, field, name, operator, bound }: Condition): Predicate {
  const matches = matcher(store, { type: 'char', string: '' }, operator, bound);
  const target = store.table(field.relation ?? '');
  return (row) => {
    const related = target.rows.get(Number(row[name] ?? 0));
    return matches(related ? displayName(related) : null);
  };
}

/** The targets of a relation, archived records too, in no order. */
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
