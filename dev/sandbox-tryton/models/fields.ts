import type { Value } from '../values.ts';

export const TRYTON_VERSIONS = ['7.0', '6.0', '5.0'] as const;
export type TrytonVersion = (typeof TRYTON_VERSIONS)[number];

export type FieldType =
  | 'binary'
  | 'boolean'
  | 'char'
  | 'date'
  | 'float'
  | 'integer'
  | 'many2many'
  | 'many2one'
  | 'numeric'
  | 'one2many'
  | 'reference'
  | 'selection'
  | 'text'
  | 'timestamp';

export interface FieldDefinition {
  readonly type: FieldType;
  readonly string: string;
  readonly required?: boolean;
  readonly readonly?: boolean;
  readonly relation?: string;
  /** For a one2many: the many2one of its records to this one. */
  readonly relationField?: string;
  readonly selection?: readonly (readonly [string, string])[];
  /** Digits before and after the point. */
  readonly digits?: readonly [number, number];
  /** PYSON, as text. */
  readonly states?: string;
  readonly help?: string;
  /** The default for a new record. */
  readonly fill?: Value;
  /** A functional field, which is not stored. */
  readonly compute?: (row: Row, store: Reader) => Value;
  /** For a many2one: the effect on the record if its target is deleted; `restrict` if unset. */
  readonly onDelete?: 'cascade' | 'restrict';
}

export interface Row {
  readonly id: number;
  readonly [field: string]: Value;
}

/** The inputs of functional fields. */
export interface Reader {
  row(model: string, id: Value | undefined): Row | undefined;
  pointing(model: string, field: string, id: number): readonly Row[];
  /** The value of a field, including functional ones. */
  value(model: string, row: Row, field: string): Value;
}

export interface ModelDefinition {
  readonly name: string;
  /** The name in error messages. */
  readonly string: string;
  readonly fields: Readonly<Record<string, FieldDefinition>>;
  readonly order?: readonly (readonly [string, string | null])[];
  readonly recName?: (row: Row, store: Reader) => string;
  /** Fields with unique values, and the error message for a duplicate. */
  readonly unique?: readonly { readonly fields: readonly string[]; readonly words: string }[];
  /** Further checks of a record: the message of a user error, or null. */
  readonly check?: (row: Row, store: Reader) => string | null;
  /** Methods in addition to those of every model. */
  readonly methods?: readonly string[];
}

/** Readonly as soon as the record is not active: the PYSON that most fields of a party carry. */
export const WHILE_ACTIVE =
  '{"readonly": {"__class__": "Not", "v": {"__class__": "Eval", "v": "active", "d": true}}}';

type More = Partial<FieldDefinition>;
const kind =
  (type: FieldType) =>
  (string: string, more: More = {}): FieldDefinition => ({ type, string, ...more });

export const char = kind('char');
export const text = kind('text');
export const integer = kind('integer');
export const float = kind('float');
export const boolean = kind('boolean');
export const binary = kind('binary');
export const dateField = kind('date');
const timestamp = kind('timestamp');
export const reference = kind('reference');
export const numeric = (string: string, digits: readonly [number, number], more: More = {}) =>
  kind('numeric')(string, { digits, ...more });
export const selection = (
  string: string,
  choices: readonly (readonly [string, string])[],
  more: More = {},
): FieldDefinition => kind('selection')(string, { selection: choices, ...more });
export const many2one = (string: string, relation: string, more: More = {}): FieldDefinition =>
  kind('many2one')(string, { relation, ...more });
export const one2many = (
  string: string,
  relation: string,
  relationField: string,
  more: More = {},
): FieldDefinition => kind('one2many')(string, { relation, relationField, ...more });
export const active = boolean('Active', { fill: true });

/** The fields of every model. */
export const AUTOMATIC: Readonly<Record<string, FieldDefinition>> = {
  id: integer('ID', { readonly: true }),
  create_uid: many2one('Created by', 'res.user', { readonly: true, required: true }),
  create_date: timestamp('Created at', { readonly: true, required: true }),
  write_uid: many2one('Edited by', 'res.user', { readonly: true }),
  write_date: timestamp('Edited at', { readonly: true }),
};
