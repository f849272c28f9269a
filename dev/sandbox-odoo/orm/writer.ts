import type { FieldDefinition, Row, Stored, StoredCompute } from './fields.ts';
import {
  type Command,
  columns,
  emptyColumn,
  isCommands,
  type Store,
  type Table,
  type Values,
} from './store.ts';

type Touched = (model: string, id: number) => void;

/** Writes rows like one transaction of Odoo: all changed rows get the same stamp and user. */
export class Writer {
  readonly #store: Store;
  readonly #stamp: string;
  readonly #uid: number;
  readonly #touched: Touched;

  /** `touched` receives each record that is written, created or deleted. */
  constructor(store: Store, stamp: string, uid: number, touched: Touched = () => {}) {
    this.#store = store;
    this.#stamp = stamp;
    this.#uid = uid;
    this.#touched = touched;
  }

  create(model: string, id: number, values: Values): void {
    const table = this.#store.table(model);
    const row: Record<string, Stored> & { id: number } = { id };
    for (const [name, field] of table.fields) if (!field.compute) row[name] = emptyColumn(field);
    Object.assign(row, columns(table, values), { id, create_uid: this.#uid, create_date: this.#stamp });
    this.#put(table, row);
    this.#recompute(table, id, new Set(table.fields.keys()));
    this.#applyCommands(table, id, values);
  }

  /** Stamps every record, even if nothing changes, like Odoo. */
  write(model: string, ids: readonly number[], values: Values): void {
    const table = this.#store.table(model);
    const changes = columns(table, values);
    for (const id of ids) {
      const before = existing(table, id);
      this.#put(table, { ...before, ...changes });
      this.#recompute(table, id, new Set(Object.keys(changes)));
      for (const compute of table.definition.computes ?? []) {
        if (compute.of && compute.of in changes) this.#computeOn(table, before, compute);
      }
      this.#applyCommands(table, id, values);
    }
  }

  unlink(model: string, ids: readonly number[]): void {
    const table = this.#store.table(model);
    for (const id of ids) {
      const row = existing(table, id);
      this.#release(model, id);
      table.delete(id);
      this.#touched(model, id);
      for (const compute of table.definition.computes ?? []) {
        if (compute.of) this.#computeOn(table, row, compute);
      }
    }
  }

  /** Deletes like PostgreSQL: nothing is computed again, nothing gets a stamp. */
  erase(model: string, ids: readonly number[]): void {
    for (const id of ids) {
      this.#release(model, id);
      this.#store.table(model).delete(id);
    }
  }

  #put(table: Table, row: Row): void {
    this.#touched(table.definition.name, row.id);
    table.put({ ...row, write_uid: this.#uid, write_date: this.#stamp });
  }

  /**
   * Records that refer to a deleted one: they are deleted too, or lose the link, without a stamp (PostgreSQL does it).
   */
  #release(model: string, id: number): void {
    for (const [name, table] of this.#store.tables) {
      for (const [field, definition] of table.fields) {
        if (definition.type !== 'many2one' || definition.relation !== model || definition.compute) continue;
        for (const child of [...table.pointingAt(field, id)]) {
          if (definition.cascade) {
            this.#release(name, child);
            table.delete(child);
          } else table.put({ ...existing(table, child), [field]: null });
        }
      }
    }
  }

  #applyCommands(table: Table, id: number, values: Values): void {
    for (const [name, value] of Object.entries(values)) {
      const field = table.fields.get(name);
      if (field?.type !== 'one2many' || !isCommands(value)) continue;
      for (const command of value) this.#line(field, id, command);
    }
  }

  #line(field: FieldDefinition, parent: number, command: Command): void {
    const model = field.relation ?? '';
    const link = { [field.relation_field ?? '']: parent };
    if (command[0] === 0) {
      this.create(model, this.#store.table(model).takeId(), { ...command[2], ...link });
    } else if (command[0] === 1) this.write(model, [command[1]], command[2]);
    else if (command[0] === 2) this.unlink(model, [command[1]]);
  }

  /** Like Odoo over RPC: every written field counts, changed or not. */
  #recompute(table: Table, id: number, written: ReadonlySet<string>): void {
    const moved = new Set(written);
    for (const compute of table.definition.computes ?? []) {
      if (!compute.when.some((field) => moved.has(field))) continue;
      const row = existing(table, id);
      if (compute.of) {
        this.#computeOn(table, row, compute);
        continue;
      }
      const results = compute.compute(row, this.#store);
      for (const field of Object.keys(results)) moved.add(field);
      table.put({ ...row, ...results });
    }
  }

  /** A stored computed value of another record, which is stamped too. */
  #computeOn(table: Table, row: Row, compute: StoredCompute): void {
    const link = table.fields.get(compute.of ?? '');
    const id = row[compute.of ?? ''];
    const target = this.#store.table(link?.relation ?? '');
    const before = typeof id === 'number' ? target.rows.get(id) : undefined;
    if (before) this.#put(target, { ...before, ...compute.compute(before, this.#store) });
  }
}

function existing(table: Table, id: number): Row {
  const row = table.rows.get(id);
  if (!row) throw new Error(`The sandbox has no ${table.definition.name} ${id}`);
  return row;
}
