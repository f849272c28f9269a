import { type FieldDefinition, isNumber, type ModelDefinition, type Stored } from './fields.ts';
import { emptyColumn, type Store } from './store.ts';

/** The effect of an add-on upgrade on a running Odoo: no record is stamped, and `read` refuses removed fields. */
export interface SandboxSchema {
  /** Adds a model, or replaces one and deletes its records. */
  defineModel(definition: ModelDefinition): void;
  /** Adds a field or changes its definition. Records without it get its default. */
  setField(model: string, name: string, field: FieldDefinition): void;
  removeField(model: string, name: string): void;
  /** A field of another type. Values that do not fit become empty, as Odoo renames the old column. */
  retypeField(model: string, name: string, field: FieldDefinition): void;
  /** Values are kept, as with a migration script that renames the column. */
  renameField(model: string, name: string, to: string): void;
  relabelField(model: string, name: string, label: string): void;
  /** Answers this for a field of a record, whatever its row contains. A `Raw` is sent unchanged. */
  plant(model: string, id: number, field: string, value: unknown): void;
}

export function schemaOf(store: Store): SandboxSchema {
  const setField = (model: string, name: string, field: FieldDefinition) => {
    const table = store.table(model);
    table.fields.set(name, field);
    if (field.compute || field.type === 'one2many') return;
    for (const row of [...table.rows.values()]) {
      if (!Object.hasOwn(row, name)) table.put({ ...row, [name]: emptyColumn(field) });
    }
  };
  const removeField = (model: string, name: string) => {
    const table = store.table(model);
    table.fields.delete(name);
    for (const { [name]: _, ...row } of [...table.rows.values()])
      table.put({ ...row, id: Number(row['id']) });
  };
  return {
    defineModel: (definition) => void store.define(definition),
    setField,
    removeField,
    retypeField(model, name, field) {
      const table = store.table(model);
      for (const row of [...table.rows.values()]) {
        if (!holds(field, row[name] ?? null)) table.put({ ...row, [name]: emptyColumn(field) });
      }
      setField(model, name, field);
    },
    renameField(model, name, to) {
      const table = store.table(model);
      setField(model, to, definitionOf(store, model, name));
      for (const row of [...table.rows.values()]) table.put({ ...row, [to]: row[name] ?? null });
      removeField(model, name);
    },
    relabelField: (model, name, label) =>
      setField(model, name, { ...definitionOf(store, model, name), string: label }),
    plant(model, id, field, value) {
      const { planted } = store.table(model);
      planted.set(id, (planted.get(id) ?? new Map()).set(field, value));
    },
  };
}

function definitionOf(store: Store, model: string, name: string): FieldDefinition {
  const field = store.table(model).fields.get(name);
  if (!field) throw new Error(`The sandbox has no ${model}.${name}`);
  return field;
}

function holds(field: FieldDefinition, value: Stored): boolean {
  if (isNumber(field)) return typeof value === 'number';
  return ['char', 'text', 'html'].includes(field.type) && typeof value === 'string';
}
