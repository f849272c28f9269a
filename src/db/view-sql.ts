import { createHash } from 'node:crypto';
import type { ViewColumn, ViewField } from './view-columns.ts';
import { isIdentifier, viewColumns } from './view-columns.ts';

/** A typed view over one of the mirror's tables. The names are fixed, whichever models are configured. */
export interface View {
  readonly name: string;
  readonly table: string;
  readonly own: readonly ViewColumn[];
}

const own = (name: string, type: string, column: string, comment: string): ViewColumn => ({
  ...{ field: null, name, type, source: { column }, comment },
});
const SYNCED = own(
  'mirror_synced_at',
  'timestamp with time zone',
  'synced_at',
  'When the mirror last stored it, or saw it unchanged',
);

export const HEADER_VIEW: View = {
  name: 'dimagaz_bc',
  table: 'scrap_dimagaz_bc',
  own: [
    SYNCED,
    own(
      'mirror_changed_at',
      'timestamp with time zone',
      'changed_at',
      'When header or lines last changed in the mirror',
    ),
  ],
};

export const LINE_VIEW: View = {
  name: 'dimagaz_bc_line',
  table: 'scrap_dimagaz_bc_line',
  own: [SYNCED, own('mirror_bc_id', 'bigint', 'bc_odoo_id', 'The BC that the mirror gives the line')],
};

/** What a view is to be. `digest` stands in its comment: another one means that the view is to be made anew. */
export interface ViewDefinition {
  readonly view: View;
  readonly columns: readonly ViewColumn[];
  readonly comment: string;
}

/** The definition for a model's fields. Their order does not make it another one. */
export function viewDefinition(view: View, model: string, fields: readonly ViewField[]): ViewDefinition {
  const columns = viewColumns(fields, view.own);
  const sorted = [...columns].sort((a, b) => (a.name < b.name ? -1 : 1));
  const content = [createView('', '', view, sorted), sorted.map(({ comment }) => comment)];
  const digest = createHash('sha256').update(JSON.stringify(content)).digest('hex').slice(0, 16);
  return { view, columns, comment: `${model} as Passerelle mirrors it. Definition ${digest}.` };
}

/** `create view` and what follows; the columns in the order given. */
export function createView(
  schema: string,
  options: string,
  { name, table }: View,
  columns: readonly ViewColumn[],
): string {
  const selected = columns.map((column) => `${expression(column)} as ${identifier(column.name)}`);
  const unpacked = [...new Set(columns.filter(isUnpacked).map(({ field }) => field ?? ''))].sort();
  const names = unpacked.map((field) => `${identifier(field)} jsonb`);
  // Unpacked once for each row: `fields -> name` would decompress the whole record for each column.
  const lateral =
    names.length === 0 ? '' : `\ncross join lateral jsonb_to_record(t.fields) as f(${names.join(', ')})`;
  return [
    `create or replace view ${qualified(schema, name)} ${options}as select`,
    `  ${selected.join(',\n  ')}`,
    `from ${qualified(schema, table)} as t${lateral}`,
    'where t.archived_at is null',
  ].join('\n');
}

/** The comments of view and columns, as one text of statements. */
export function commentView(schema: string, { view, columns, comment }: ViewDefinition): string {
  const name = qualified(schema, view.name);
  return [
    `comment on view ${name} is ${literal(comment)}`,
    ...columns.map(
      (column) => `comment on column ${name}.${identifier(column.name)} is ${literal(column.comment)}`,
    ),
  ].join(';\n');
}

export const qualified = (schema: string, name: string): string =>
  `${identifier(schema)}.${identifier(name)}`;

function expression({ field, source }: ViewColumn): string {
  if ('column' in source) return `t.${identifier(source.column)}`;
  const name = field ?? '';
  // A name that is too long for an identifier would not be found by one.
  return `${source.convert}(${isIdentifier(name) ? `f.${identifier(name)}` : `t.fields -> ${literal(name)}`})`;
}

function isUnpacked({ field, source }: ViewColumn): boolean {
  return field !== null && 'convert' in source && isIdentifier(field);
}

const identifier = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** Safe whichever `standard_conforming_strings` is set. */
const literal = (text: string): string =>
  `E'${text.replaceAll('\0', '').replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
