import {
  automaticFields,
  type FieldDefinition,
  type ModelDefinition,
  type OdooVersion,
  type Row,
  type Stored,
} from './fields.ts';

/** One model and its committed rows. Rows are never changed in place: a changed row is a new object. */
export class Table {
  readonly definition: ModelDefinition;
  readonly fields: Map<string, FieldDefinition>;
  readonly rows = new Map<number, Row>();
  /** Fixed answers for a field of a record, whatever its row contains: by field, then by id. */
  readonly planted = new Map<number, Map<string, unknown>>();
  #lastId = 0;
  /** All ids, ascending; undefined after one was deleted, or added below the highest, until the next request. */
  #ascending: number[] | undefined = [];
  /** Rows by the value of a many2one: field -> target -> ids. Built at the first request. */
  readonly #indexes = new Map<string, Map<number, Set<number>>>();

  constructor(definition: ModelDefinition, version: OdooVersion) {
    this.definition = definition;
    this.fields = new Map(Object.entries({ ...automaticFields(version), ...definition.fields }));
  }

  /** Assigned at once and never reused, like a PostgreSQL sequence. */
  takeId(): number {
    this.#lastId += 1;
    return this.#lastId;
  }

  put(row: Row): void {
    const before = this.rows.get(row.id);
    if (before === undefined && row.id > (this.#ascending?.at(-1) ?? 0)) this.#ascending?.push(row.id);
    else if (before === undefined) this.#ascending = undefined;
    this.rows.set(row.id, row);
    this.#lastId = Math.max(this.#lastId, row.id);
    for (const [field, index] of this.#indexes) {
      if (before?.[field] === row[field]) continue;
      unlist(index, before, field);
      list(index, row, field);
    }
  }

  delete(id: number): void {
    const before = this.rows.get(id);
    this.rows.delete(id);
    this.#ascending = undefined;
    for (const [field, index] of this.#indexes) unlist(index, before, field);
  }

  /** The ids above `least`, ascending. */
  *after(least: number): Generator<number> {
    this.#ascending ??= [...this.rows.keys()].sort((left, right) => left - right);
    const ids = this.#ascending;
    let [start, end] = [0, ids.length];
    while (start < end) {
      const middle = (start + end) >> 1;
      if ((ids[middle] ?? 0) > least) end = middle;
      else start = middle + 1;
    }
    for (let at = start; at < ids.length; at += 1) yield ids[at] ?? 0;
  }

  /** The ids of the rows whose many2one `field` is `target`. */
  pointingAt(field: string, target: number): ReadonlySet<number> {
    let index = this.#indexes.get(field);
    if (!index) {
      index = new Map();
      for (const row of this.rows.values()) list(index, row, field);
      this.#indexes.set(field, index);
    }
    return index.get(target) ?? NONE;
  }
}

const NONE: ReadonlySet<number> = new Set();

function list(index: Map<number, Set<number>>, row: Row, field: string): void {
  const target = row[field];
  if (typeof target !== 'number') return;
  const ids = index.get(target);
  if (ids) ids.add(row.id);
  else index.set(target, new Set([row.id]));
}

function unlist(index: Map<number, Set<number>>, row: Row | undefined, field: string): void {
  const target = row?.[field];
  if (row && typeof target === 'number') index.get(target)?.delete(row.id);
}

/** The committed database. */
export class Store {
  readonly version: OdooVersion;
  readonly tables = new Map<string, Table>();

  constructor(version: OdooVersion) {
    this.version = version;
  }

  define(definition: ModelDefinition): Table {
    const table = new Table(definition, this.version);
    this.tables.set(definition.name, table);
    return table;
  }

  /** @throws Error for an unknown model: a bug of the test, not of the client under test. */
  table(model: string): Table {
    const table = this.tables.get(model);
    if (!table) throw new Error(`The sandbox has no model ${model}: define it first with defineModel`);
    return table;
  }
}

/**
 * The timestamps of Odoo: UTC text. Stored with microseconds, as PostgreSQL writes them (no fraction if it is zero), so
 * that the order of texts is the order of times. Sent in whole seconds.
 */
export function stamp(at: Date, microseconds = 0): string {
  const text = at.toISOString();
  const fraction = `${text.slice(20, 23)}${String(microseconds).padStart(3, '0')}`;
  return wholeSecond(at) + (fraction === '000000' ? '' : `.${fraction}`);
}

/** `2026-01-31 08:00:00` */
function wholeSecond(at: Date): string {
  const text = at.toISOString();
  return `${text.slice(0, 10)} ${text.slice(11, 19)}`;
}

/** The whole second `seconds` after a timestamp; its fraction is dropped. */
export function secondsAfter(text: string, seconds: number): string {
  const at = new Date(`${text.slice(0, 10)}T${text.slice(11, 19)}Z`);
  return wholeSecond(new Date(at.getTime() + seconds * 1000));
}

/** The stamp of a transaction that starts now. The real clock gets microseconds; a given one is used unchanged. */
export function stampOfNow(clock: (() => Date) | undefined): string {
  if (clock) return stamp(clock());
  return stamp(new Date(), Number((process.hrtime.bigint() / 1000n) % 1000n));
}

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

/** The values of the record's own row, in the form of PostgreSQL. One2many commands are left out. */
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

/** Rounds half away from zero, like `float_round` of Odoo. */
export function round(value: number, scale: number): number {
  const factor = 10 ** scale;
  return (Math.sign(value) * Math.round(Math.abs(value) * factor * (1 + Number.EPSILON))) / factor;
}
