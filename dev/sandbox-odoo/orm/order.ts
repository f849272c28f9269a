import { userError, valueError } from '../errors.ts';
import { notStored } from './condition.ts';
import { isX2many, type OdooVersion, type Row, type Stored } from './fields.ts';
import type { Store, Table } from './store.ts';

type Compare = (left: Row, right: Row) => number;

const TERM_14 = /^\s*([a-z0-9_]+|"[a-z0-9_]+")(\s+desc|\s+asc)?\s*$/i;
const TERM_19 = /^\s*([a-z0-9_]+)(\.[a-z0-9_]+)?(\s+desc|\s+asc)?(\s+nulls\s+first|\s+nulls\s+last)?\s*$/i;

/**
 * Compiles `order`. A many2one sorts by the order of its own model. Empty values come last ascending and first
 * descending (PostgreSQL). Text sorts by code (collation C).
 *
 * @throws PythonError with the message of the version.
 */
export function compileOrder(store: Store, table: Table, order: string, depth = 0): Compare {
  const compares = order.split(',').map((term) => compileTerm(store, table, order, term, depth));
  return (left, right) => {
    for (const compare of compares) {
      const result = compare(left, right);
      if (result !== 0) return result;
    }
    return 0;
  };
}

function compileTerm(store: Store, table: Table, order: string, term: string, depth: number): Compare {
  const parts = (store.version === '19.0' ? TERM_19 : TERM_14).exec(term);
  if (!parts) throw invalidOrder(order);
  const name = (parts[1] ?? '').replaceAll('"', '');
  const direction =
    (store.version === '19.0' ? parts[3] : parts[2])?.trim().toLowerCase() === 'desc' ? -1 : 1;
  const nulls = parts[4]?.trim().toLowerCase().endsWith('first');
  const nullsFirst = nulls ?? direction === -1;
  const field = table.fields.get(name);
  if (!field) throw valueError(`Invalid field '${name}' on model '${table.definition.name}'`);
  if (field.compute || isX2many(field)) return unsortable(table, name, store.version);
  if (field.type !== 'many2one' || parts[2] === '.id') {
    return (left, right) => compareValues(left[name] ?? null, right[name] ?? null, direction, nullsFirst);
  }
  return byRelated(store, field.relation ?? '', name, direction, nullsFirst, depth);
}

function byRelated(
  store: Store,
  model: string,
  name: string,
  direction: number,
  nullsFirst: boolean,
  depth: number,
): Compare {
  const target = store.table(model);
  // Three steps are enough: Odoo stops at a circular relation.
  const inner = compileOrder(store, target, depth < 3 ? (target.definition.order ?? 'id') : 'id', depth + 1);
  return (left, right) => {
    if (left[name] === right[name]) return 0;
    const [one, other] = [target.rows.get(Number(left[name])), target.rows.get(Number(right[name]))];
    if (one && other) return inner(one, other) * direction;
    return compareValues(one ? 1 : null, other ? 1 : null, direction, nullsFirst);
  };
}

function compareValues(left: Stored, right: Stored, direction: number, nullsFirst: boolean): number {
  if (left === right) return 0;
  if (left === null) return nullsFirst ? -1 : 1;
  if (right === null) return nullsFirst ? 1 : -1;
  return (left < right ? -1 : 1) * direction;
}

/** Version 14 logs a warning and continues; 19 refuses. */
function unsortable(table: Table, name: string, version: OdooVersion): Compare {
  if (version === '14.0') return () => 0;
  throw notStored(table, name);
}

function invalidOrder(order: string) {
  return userError(
    `Invalid "order" specified (${order}). A valid "order" specification is a comma-separated list of valid ` +
      'field names (optionally followed by asc/desc for the direction)',
  );
}
