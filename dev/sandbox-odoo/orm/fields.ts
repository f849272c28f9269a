/** The simulated versions, as Odoo writes them. */
export type OdooVersion = '19.0' | '14.0';

/** A stored value in the form of PostgreSQL. Stamps have microseconds; an x2many is a list of ids. */
export type Stored = string | number | boolean | null | readonly number[];

export type Row = { readonly id: number; readonly [field: string]: Stored };

/** The tables, as computed fields read them. */
export interface ReadableStore {
  table(model: string): {
    readonly rows: ReadonlyMap<number, Row>;
    /** The ids of rows with this target in the many2one `field`. */
    pointingAt(field: string, target: number): Iterable<number>;
  };
}

export interface Context {
  readonly [key: string]: unknown;
}

export type FieldType =
  | 'binary'
  | 'boolean'
  | 'char'
  | 'date'
  | 'datetime'
  | 'float'
  | 'html'
  | 'integer'
  | 'many2many'
  | 'many2one'
  | 'many2one_reference'
  | 'monetary'
  | 'one2many'
  | 'reference'
  | 'selection'
  | 'text';

export interface FieldDefinition {
  readonly type: FieldType;
  /** The label. */
  readonly string: string;
  readonly required?: boolean;
  readonly readonly?: boolean;
  readonly relation?: string;
  /** For a one2many: the many2one of the related model to this one. */
  readonly relation_field?: string;
  readonly selection?: readonly (readonly [value: string, label: string])[];
  readonly digits?: readonly [precision: number, scale: number];
  readonly currency_field?: string;
  readonly model_field?: string;
  readonly translate?: boolean;
  readonly default?: Stored;
  /** For a many2one: the record is deleted with its target. */
  readonly cascade?: boolean;
  /** Makes the field computed and not stored. */
  readonly compute?: (row: Row, store: ReadableStore, context: Context) => Stored;
}

/**
 * A stored computed value. When one of `when` is written, `compute` runs on the record, or on the one that `of` names.
 */
export interface StoredCompute {
  readonly when: readonly string[];
  /** A many2one: the record it refers to is computed, and stamped. */
  readonly of?: string;
  readonly compute: (row: Row, store: ReadableStore) => Readonly<Record<string, Stored>>;
}

export interface ModelDefinition {
  readonly name: string;
  readonly description: string;
  /** `_order` of Odoo; `id` if unset. */
  readonly order?: string;
  /** Without the automatic fields. */
  readonly fields: Readonly<Record<string, FieldDefinition>>;
  readonly computes?: readonly StoredCompute[];
}

/** The fields of every model, in the order of Odoo. Version 14 still has `__last_update`. */
export function automaticFields(version: OdooVersion): Record<string, FieldDefinition> {
  const fields: Record<string, FieldDefinition> = {
    id: { type: 'integer', string: 'ID', readonly: true },
    display_name: {
      type: 'char',
      string: 'Display Name',
      readonly: true,
      compute: (row) => displayName(row),
    },
    create_uid: { type: 'many2one', string: 'Created by', relation: 'res.users', readonly: true },
    create_date: { type: 'datetime', string: 'Created on', readonly: true },
    write_uid: { type: 'many2one', string: 'Last Updated by', relation: 'res.users', readonly: true },
    write_date: { type: 'datetime', string: 'Last Updated on', readonly: true },
  };
  if (version === '14.0') {
    fields['__last_update'] = {
      type: 'datetime',
      string: 'Last Modified on',
      readonly: true,
      compute: (row) => row['write_date'] ?? null,
    };
  }
  return fields;
}

/** The name of the record. An empty name is `''` here; each version formats it differently. */
export function displayName(row: Row): string {
  const name = row['name'];
  return typeof name === 'string' ? name : '';
}

const isStored = (field: FieldDefinition): boolean => field.compute === undefined;
export const isX2many = (field: FieldDefinition): boolean =>
  field.type === 'one2many' || field.type === 'many2many';
export const isNumber = (field: FieldDefinition): boolean =>
  ['integer', 'float', 'monetary', 'many2one_reference'].includes(field.type);

/** The answer of `fields_get` for one field. Attributes as seen on 14.0 and 19.0. */
export function describeField(name: string, field: FieldDefinition, version: OdooVersion) {
  const stored = isStored(field);
  const sortable = stored && !isX2many(field) && field.type !== 'binary';
  return {
    type: field.type,
    change_default: false,
    company_dependent: false,
    depends: [],
    manual: false,
    readonly: field.readonly === true || !stored,
    required: field.required === true,
    searchable: stored || (name === 'display_name' && version === '19.0'),
    sortable,
    store: stored,
    string: field.string,
    ...(version === '19.0' && {
      name,
      default_export_compatible: false,
      exportable: true,
      groupable: sortable,
    }),
    ...typed(field, version),
  };
}

function typed(field: FieldDefinition, version: OdooVersion): Record<string, unknown> {
  switch (field.type) {
    case 'many2one':
    case 'many2many':
    case 'one2many':
      return {
        relation: field.relation,
        domain: [],
        context: {},
        ...(field.relation_field !== undefined && { relation_field: field.relation_field }),
      };
    case 'selection':
    case 'reference':
      return { selection: field.selection ?? [] };
    case 'float':
      return field.digits === undefined ? {} : { digits: field.digits };
    case 'monetary':
      return { currency_field: field.currency_field ?? 'currency_id' };
    case 'binary':
      return { attachment: true };
    case 'many2one_reference':
      return version === '19.0' ? { model_field: field.model_field } : {};
    case 'char':
      return { translate: field.translate === true, trim: true };
    case 'text':
      return { translate: field.translate === true };
    case 'html':
      return { translate: field.translate === true, sanitize: true };
    default:
      return {};
  }
}
