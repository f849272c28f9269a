import { createHash } from 'node:crypto';
import type { OdooFieldRow } from '../schema/model.ts';

/** The properties of a field that a view needs. */
export type ViewField = Pick<OdooFieldRow, 'name' | 'type' | 'label' | 'relation'>;

export interface ViewColumn {
  /** The field of the column; null: a column of the mirror itself. */
  readonly field: string | null;
  readonly name: string;
  readonly type: string;
  /** The function of migration 0004 that converts the JSON of the field, or a column of the table. */
  readonly source: { readonly convert: string } | { readonly column: string };
  /** For people: the label of Odoo. */
  readonly comment: string;
}

type Conversion = readonly [type: string, convert: string];

const TEXT: Conversion = ['text', 'passerelle_text'];
const BIGINT: Conversion = ['bigint', 'passerelle_bigint'];
const IDS: Conversion = ['bigint[]', 'passerelle_ids'];
/** `json`, `properties`, `properties_definition`, and types of future versions of Odoo. */
const JSONB: Conversion = ['jsonb', 'passerelle_jsonb'];

/** By field type of Odoo (14.0 to 19.0). */
const CONVERSIONS: Readonly<Record<string, Conversion>> = {
  integer: BIGINT,
  many2one_reference: BIGINT,
  float: ['double precision', 'passerelle_double'],
  monetary: ['numeric', 'passerelle_numeric'],
  boolean: ['boolean', 'passerelle_boolean'],
  char: TEXT,
  text: TEXT,
  html: TEXT,
  selection: TEXT,
  reference: TEXT,
  date: ['date', 'passerelle_date'],
  datetime: ['timestamp with time zone', 'passerelle_timestamptz'],
  binary: ['bytea', 'passerelle_bytea'],
  one2many: IDS,
  many2many: IDS,
};

/**
 * The columns of a view: those of the fields in the given order, then those of the mirror itself.
 *
 * A many2one has two, `<field>_id` and `<field>_name`. If names collide, the exact name of a field wins over a derived
 * one, and the others get a number. The order of the fields does not matter. A name longer than the 63 bytes of
 * PostgreSQL is cut, and ends in a digest of the whole name.
 */
export function viewColumns(fields: readonly ViewField[], own: readonly ViewColumn[]): ViewColumn[] {
  const wanted = [...fields.flatMap(columnsOf), ...own];
  const rank = ({ field, name }: ViewColumn) => (field === null ? 1 : name === field ? 0 : 2);
  const inTurn = [...wanted].sort((a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : 1));
  const taken = new Map<string, ViewColumn>();
  for (const column of inTurn) taken.set(freeName(column.name, taken), column);
  const names = new Map([...taken].map(([name, column]) => [column, name]));
  return wanted.map((column) => ({ ...column, name: names.get(column) ?? column.name }));
}

function columnsOf({ name: field, type, label, relation }: ViewField): ViewColumn[] {
  // Always equal, and indexed.
  if (field === 'id') {
    return [{ field, name: field, type: 'bigint', source: { column: 'odoo_id' }, comment: label }];
  }
  if (type === 'many2one') {
    const of = relation ?? 'record';
    const id = {
      type: 'bigint',
      source: { convert: 'passerelle_many2one_id' },
      comment: `${label} (id of ${of})`,
    };
    const name = {
      type: 'text',
      source: { convert: 'passerelle_many2one_name' },
      comment: `${label} (name)`,
    };
    return [
      { field, name: `${field}_id`, ...id },
      { field, name: `${field}_name`, ...name },
    ];
  }
  const [pgType, convert] = (Object.hasOwn(CONVERSIONS, type) ? CONVERSIONS[type] : undefined) ?? JSONB;
  return [{ field, name: field, type: pgType, source: { convert }, comment: label }];
}

function freeName(wanted: string, taken: ReadonlyMap<string, unknown>): string {
  let name = fitted(wanted);
  for (let number = 2; taken.has(name); number += 1) name = fitted(`${wanted}_${number}`);
  return name;
}

/** In bytes. PostgreSQL cuts longer names without an error. */
const MAX_NAME = 63;
const DIGITS = 8;

/** Whether PostgreSQL accepts the text as a name and does not change it. */
export function isIdentifier(name: string): boolean {
  return name !== '' && Buffer.byteLength(name) <= MAX_NAME;
}

function fitted(name: string): string {
  if (isIdentifier(name)) return name;
  const digest = createHash('sha256').update(name).digest('hex').slice(0, DIGITS);
  let cut = '';
  for (const character of name) {
    if (Buffer.byteLength(cut + character) > MAX_NAME - DIGITS - 1) break;
    cut += character;
  }
  return `${cut}_${digest}`;
}
