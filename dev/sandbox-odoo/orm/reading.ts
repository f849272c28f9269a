import { valueError } from '../errors.ts';
import { compileDomain } from './domain.ts';
import {
  type Context,
  displayName,
  type FieldDefinition,
  type OdooVersion,
  type Row,
  type Stored,
} from './fields.ts';
import { compileOrder } from './order.ts';
import type { Store, Table } from './store.ts';

const LARGEST_XMLRPC_INT = 2 ** 31 - 1;
const NOTHING: ReadonlyMap<string, unknown> = new Map();

/** A Python float with a whole value: XML-RPC must still write it as `<double>`, JSON as a number. */
export class WholeFloat {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
  toJSON(): number {
    return this.value;
  }
}

interface Reading {
  readonly store: Store;
  readonly table: Table;
  readonly context: Context;
  /** True: a many2one comes as `[id, name]`; false: as the id. */
  readonly names: boolean;
}

type Convert = (row: Row) => unknown;

/** Converts one row to the answer of `read`: `id` first, then the requested fields. */
export function recordReader(reading: Reading, fields: readonly string[]): (row: Row) => object {
  const converts = fields.map((name) => ({ name, convert: converter(reading, name) }));
  // Copies of one object share its shape, which is much cheaper than building each one field by field. Built from pairs,
  // because a field may be named `__proto__`.
  const template: Record<string, unknown> = Object.fromEntries(['id', ...fields].map((name) => [name, null]));
  return (row) => {
    const record = { ...template };
    record['id'] = row.id;
    for (const { name, convert } of converts) record[name] = convert(row);
    for (const [name, value] of reading.table.planted.get(row.id) ?? NOTHING) {
      if (Object.hasOwn(record, name)) record[name] = value;
    }
    return record;
  };
}

/** A record as it is answered. */
export interface Answer {
  readonly id: number;
  readonly [field: string]: unknown;
}

/** The answer of `read` as JSON: all fields of the existing records, including archived related records. */
export function answers(store: Store, model: string, ids: readonly number[]): Answer[] {
  const table = store.table(model);
  const reading = { store, table, context: { active_test: false }, names: true };
  const answer = recordReader(reading, [...table.fields.keys()]);
  const rows = ids.map((id) => table.rows.get(id)).filter((row) => row !== undefined);
  return rows.map((row) => ({ ...JSON.parse(JSON.stringify(answer(row))), id: row.id }));
}

function converter(reading: Reading, name: string): Convert {
  const { store, table, context } = reading;
  const field = table.fields.get(name);
  if (!field) throw unknownField(store, table, name);
  if (name === 'id') return (row) => row.id;
  if (name === 'display_name') return (row) => nameOf(table, row, store.version);
  if (field.type === 'one2many') return one2many(reading, field);
  if (field.type === 'many2many') return many2many(reading, field, name);
  const { compute } = field;
  const convert = conversion(reading, field);
  return compute ? (row) => convert(compute(row, store, context)) : (row) => convert(row[name] ?? null);
}

/** Seen on 14.0 and 19.0. */
function unknownField(store: Store, table: Table, name: string) {
  const where = store.version === '19.0' ? `'${table.definition.name}'` : `model '${table.definition.name}'`;
  return valueError(`Invalid field '${name}' on ${where}`);
}

function conversion({ store, context, names }: Reading, field: FieldDefinition): (value: Stored) => unknown {
  switch (field.type) {
    case 'boolean':
      return (value) => value === true;
    case 'integer':
    case 'many2one_reference':
      // Odoo itself sends an integer beyond 32 bits as a float (`Integer.convert_to_read`).
      return (value) => (Number(value) > LARGEST_XMLRPC_INT ? float(Number(value)) : Number(value));
    case 'float':
    case 'monetary':
      return (value) => float(Number(value));
    case 'datetime':
      return (value) => (typeof value === 'string' ? value.slice(0, 19) : false);
    case 'binary':
      return context['bin_size']
        ? (value) => (typeof value === 'string' ? sizeOf(value) : (value ?? false))
        : (value) => value ?? false;
    case 'many2one':
      return many2one(store, field, names);
    default:
      return (value) => value ?? false;
  }
}

const float = (value: number): number | WholeFloat =>
  Number.isInteger(value) ? new WholeFloat(value) : value;

function many2one(store: Store, field: FieldDefinition, names: boolean): (value: Stored) => unknown {
  if (!names) return (id) => (typeof id === 'number' ? id : false);
  const target = store.table(field.relation ?? '');
  return (id) => {
    const row = typeof id === 'number' ? target.rows.get(id) : undefined;
    return row ? [id, nameOf(target, row, store.version)] : false;
  };
}

/** A record without a name is `False` in 19.0 and the text `False` in 14.0 (`convert_to_display_name`). */
function nameOf(table: Table, row: Row, version: OdooVersion): string | false {
  const name = table.fields.has('name') ? displayName(row) : `${table.definition.name},${row.id}`;
  if (name !== '') return name;
  return version === '19.0' ? false : 'False';
}

/** Archived related records are left out unless the context says otherwise. The order is that of the related model. */
function related({ store, context }: Reading, field: FieldDefinition): (ids: Iterable<number>) => number[] {
  const target = store.table(field.relation ?? '');
  const visible = compileDomain(store, target, [], context);
  const compare = compileOrder(store, target, target.definition.order ?? 'id');
  return (ids) =>
    [...ids]
      .map((id) => target.rows.get(id))
      .filter((row) => row !== undefined)
      .filter(visible)
      .sort(compare)
      .map((row) => row.id);
}

function one2many(reading: Reading, field: FieldDefinition): Convert {
  const target = reading.store.table(field.relation ?? '');
  const listed = related(reading, field);
  return (row) => listed(target.pointingAt(field.relation_field ?? '', row.id));
}

function many2many(reading: Reading, field: FieldDefinition, name: string): Convert {
  const listed = related(reading, field);
  return (row) => {
    const ids = row[name];
    return Array.isArray(ids) ? listed(ids) : [];
  };
}

/** `human_size` of Odoo for a base64 content: the answer of `bin_size` in place of the content. */
function sizeOf(base64: string): string | false {
  const units = ['bytes', 'Kb', 'Mb', 'Gb', 'Tb'];
  let size = Buffer.byteLength(base64, 'base64');
  if (size === 0) return false;
  let unit = 0;
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024;
    unit += 1;
  }
  return `${size.toFixed(2)} ${units[unit]}`;
}
