import { stringify } from 'csv-stringify/sync';
import { type ViewColumn, viewColumns } from '../../../db/odoo-model/view-columns.ts';
import type { OdooFieldRow } from '../../../db/schema/model.ts';

const DELIMITERS = { comma: ',', semicolon: ';', tab: '\t' } as const;
export const DELIMITER_NAMES = ['comma', 'semicolon', 'tab'] as const;

interface CsvStyle {
  readonly delimiter: (typeof DELIMITER_NAMES)[number];
  readonly decimal: 'point' | 'comma';
  /** A byte order mark, by which Excel recognizes UTF-8. */
  readonly bom: boolean;
}

export interface ExportedRow extends Readonly<Record<string, unknown>> {
  readonly odooId: number;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly sizes?: Readonly<Record<string, number>> | null;
}

export type Csv = ReturnType<typeof createCsv>;

type Cell = string | number | boolean;

/** A column of the mirror itself, with a name that no field is likely to have. */
const own = (name: string, column: string, type: 'text' | typeof MOMENT = 'text'): ViewColumn => ({
  ...{ field: null, name, type, source: { column }, comment: '' },
});

const MOMENT = 'timestamp with time zone';
const ARCHIVED_AT = own('mirror_archived_at', 'archivedAt', MOMENT);

export const BC_COLUMNS = [own('mirror_changed_at', 'changedAt', MOMENT), ARCHIVED_AT];
export const LINE_COLUMNS = [own('mirror_bc_id', 'bcOdooId'), own('mirror_bc_name', 'bcName'), ARCHIVED_AT];

/** A formula behind blanks that a spreadsheet drops, such as a line end or a zero-width space. */
const HIDDEN_FORMULA = /^(?:\n|[\s\u200b]+[=+\-@\uff0b\uff0d\uff1d\uff20])/u;

/**
 * CSV by RFC 4180, with the column names of the SQL views. A many2one is `<field>_id` and `<field>_name`. Ids of an
 * x2many are separated by blanks. A binary is its size in bytes, and an empty field is an empty cell. A text that a
 * spreadsheet would run as a formula gets an apostrophe; numbers do not.
 */
export function createCsv(
  fields: readonly OdooFieldRow[],
  mirrors: readonly ViewColumn[],
  { delimiter, decimal, bom }: CsvStyle,
) {
  const columns = viewColumns(fields, mirrors);
  const write = (rows: readonly (readonly Cell[])[], mark: boolean): string =>
    stringify(
      rows.map((row) => [...row]),
      {
        bom: mark,
        delimiter: DELIMITERS[delimiter],
        record_delimiter: '\r\n',
        // The writer only quotes its own line end.
        quoted_match: /[\r\n]/,
        escape_formulas: true,
        cast: {
          // The writer only looks at the first character.
          string: (value) => (HIDDEN_FORMULA.test(value) ? `'${value}` : value),
          boolean: (value) => String(value),
          number: (value) => (decimal === 'comma' ? String(value).replace('.', ',') : String(value)),
        },
      },
    );
  return {
    /** The row of column names, with the byte order mark if wanted. */
    head: write([columns.map(({ name }) => name)], bom),
    rows: (rows: readonly ExportedRow[]): string =>
      write(
        rows.map((row) => columns.map((column) => cell(row, column))),
        false,
      ),
  };
}

function cell(row: ExportedRow, { field, type, source }: ViewColumn): Cell {
  if ('column' in source) {
    if (field !== null) return row.odooId;
    const value = plain(row[source.column]);
    return type === MOMENT ? asOdooWrites(String(value)) : value;
  }
  const value = row.fields[field ?? ''];
  switch (source.convert) {
    case 'passerelle_many2one_id':
      return Array.isArray(value) ? plain(value[0]) : '';
    case 'passerelle_many2one_name':
      return Array.isArray(value) ? plain(value[1]) : '';
    case 'passerelle_ids':
      return Array.isArray(value) ? value.join(' ') : '';
    case 'passerelle_bytea':
      return row.sizes?.[field ?? ''] ?? plain(value);
    case 'passerelle_boolean':
      return typeof value === 'boolean' ? value : '';
    default:
      return plain(value);
  }
}

/** `2026-01-31T08:00:00.000Z` as `2026-01-31 08:00:00`: spreadsheets read it, and all columns have one format. */
const asOdooWrites = (moment: string): string => moment.slice(0, 19).replace('T', ' ');

/** Odoo writes False for an empty field, except in a boolean field. */
function plain(value: unknown): Cell {
  if (typeof value === 'string' || typeof value === 'number') return value;
  return value === null || value === undefined || value === false ? '' : JSON.stringify(value);
}
