import type { FieldDefinition, Stored } from './fields.ts';
import { secondsAfter } from './stamps.ts';
import type { Table } from './store.ts';

/** `[0, 0, values]` creates a line, `[1, id, values]` changes it, `[2, id]` deletes it, `[6, 0, ids]` sets a many2many. */
export type Command =
  | readonly [0, number, Values]
  | readonly [1, number, Values]
  | readonly [2, number]
  | readonly [6, number, readonly number[]];

type Value = Stored | readonly Command[];
export interface Values {
  readonly [field: string]: Value;
}

/** The values that go into the record's own row, as PostgreSQL would keep them. One2many commands are left out. */
export function columns(table: Table, values: Values): Record<string, Stored> {
  const row: Record<string, Stored> = {};
  for (const [name, value] of Object.entries(values)) {
    const field = table.fields.get(name);
    if (!field || field.compute) throw new Error(`The sandbox cannot write ${table.definition.name}.${name}`);
    if (field.type !== 'one2many') row[name] = column(field, value);
  }
  return row;
}

export function emptyColumn(field: FieldDefinition): Stored {
  if (field.default !== undefined) return field.default;
  if (field.type === 'boolean') return false;
  return field.type === 'many2many' ? [] : null;
}

export function isCommands(value: Value | undefined): value is readonly Command[] {
  return Array.isArray(value) && value.every((item) => Array.isArray(item));
}

function column(field: FieldDefinition, value: Value): Stored {
  if (field.type === 'boolean') return value === true;
  if (value === null || value === false) return field.type === 'many2many' ? [] : null;
  if (isCommands(value)) return value.flatMap((command) => (command[0] === 6 ? command[2] : []));
  if (typeof value === 'number' && field.type === 'float' && field.digits)
    return round(value, field.digits[1]);
  if (typeof value === 'number' && field.type === 'monetary') return round(value, 2);
  if (typeof value === 'string' && field.type === 'datetime') return secondsAfter(value, 0);
  return value;
}

/** Half away from zero, as Odoo's `float_round`. */
export function round(value: number, scale: number): number {
  const factor = 10 ** scale;
  return (Math.sign(value) * Math.round(Math.abs(value) * factor * (1 + Number.EPSILON))) / factor;
}
