import {
  automaticFields,
  type FieldDefinition,
  type ModelDefinition,
  type OdooVersion,
  type Row,
} from './fields.ts';

/** One model and its committed rows. Rows are never changed in place: a changed row is a new object. */
export class Table {
  readonly definition: ModelDefinition;
  readonly fields: Map<string, FieldDefinition>;
  readonly rows = new Map<number, Row>();
  /** Fixed answers for a field of a record, whatever its row holds: field by field, by id. */
  readonly planted = new Map<number, Map<string, unknown>>();
  #lastId = 0;
  /** All ids, ascending; undefined after one went, or came that is not the highest, until asked for. */
  #ascending: number[] | undefined = [];
  /** Rows by the value of a many2one: field -> target -> ids. Built when first asked for. */
  readonly #indexes = new Map<string, Map<number, Set<number>>>();

  constructor(definition: ModelDefinition, version: OdooVersion) {
    this.definition = definition;
    this.fields = new Map(Object.entries({ ...automaticFields(version), ...definition.fields }));
  }

  /** Taken at once and never given back, as a PostgreSQL sequence does. */
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

  /** @throws Error for a model that is not there: a mistake of the test, not of the client under test. */
  table(model: string): Table {
    const table = this.tables.get(model);
    if (!table) throw new Error(`The sandbox has no model ${model}: define it first with defineModel`);
    return table;
  }
}
