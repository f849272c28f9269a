import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { is } from 'drizzle-orm';
import { getTableConfig, PgTable } from 'drizzle-orm/pg-core';
import * as schema from '../../src/db/schema/index.ts';
import { code, page, table } from './markdown.ts';

type TableConfig = ReturnType<typeof getTableConfig>;

const FOLDER = resolve(import.meta.dirname, '../../src/db/schema');

/** Every table with its columns; their comments are in the schema. */
export function databasePage(): string {
  const comments = readComments();
  const tables = Object.values(schema).flatMap((one) => (is(one, PgTable) ? [getTableConfig(one)] : []));
  tables.sort((one, other) => (one.name < other.name ? -1 : 1));
  const intro =
    'All tables are in the schema `public`, and are created by `npx passerelle migrate`. Two views, `dimagaz_bc` and `dimagaz_bc_line` ' +
    '(named after the models), have a typed column for each field of the Odoo models. They are rebuilt whenever Odoo ' +
    'changes its model. A many2one becomes `<field>_id` and `<field>_name`. Read the views; only Passerelle writes.';
  return page(
    'Tables',
    intro,
    tables.map((one) => tableText(one, comments)),
  );
}

function tableText({ name, columns }: TableConfig, comments: ReadonlyMap<string, string>): string {
  const rows = columns.map((column) => [
    code(column.name),
    column.getSQLType(),
    column.notNull ? '' : 'may be null',
    comments.get(`${name}.${column.name}`) ?? comments.get(`*.${column.name}`) ?? '',
  ]);
  const about = comments.get(name);
  const head = about === undefined ? `## ${name}` : `## ${name}\n\n${about}`;
  return `${head}\n\n${table(['column', 'type', '', 'meaning'], rows)}`;
}

/** The comment before each table and column, by `table` and `table.column`; of shared columns by `*.column`. */
function readComments(): Map<string, string> {
  const found = new Map<string, string>();
  for (const file of readdirSync(FOLDER)) {
    const text = readFileSync(join(FOLDER, file), 'utf8');
    const names = [...text.matchAll(OWNER)];
    for (const { index, 1: comment = '', 2: column = '' } of text.matchAll(COLUMN)) {
      const owner = names
        .filter((one) => one.index < index)
        .at(-1)
        ?.slice(1)
        .find(Boolean);
      const shared = text.lastIndexOf('=> ({', index) > text.lastIndexOf('pgTable(', index);
      found.set(`${shared ? '*' : owner}.${column}`, prose(comment));
    }
    for (const { 1: comment = '', 2: name = '' } of text.matchAll(TABLE)) found.set(name, prose(comment));
    for (const { 1: factory = '', 2: name = '' } of text.matchAll(MADE)) {
      for (const [key, comment] of found) {
        const [owner, column] = key.split('.');
        if (owner === factory) found.set(`${name}.${column}`, comment);
      }
    }
  }
  return found;
}

const COMMENT = String.raw`\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*`;
const COLUMN = new RegExp(String.raw`${COMMENT}\w+: \w+\('(\w+)'`, 'g');
const TABLE = new RegExp(String.raw`${COMMENT}export const \w+ = \w+\(\s*'(\w+)'`, 'g');
/** A table, or a function that makes tables with the same columns. */
const OWNER = /pgTable\(\s*'(\w+)'|const (\w+) = \(name: string\)/g;
const MADE = /export const \w+ = (\w+Table)\('(\w+)'\)/g;

const prose = (comment: string): string =>
  comment
    .replaceAll(/^\s*\*+ ?/gm, '')
    .replaceAll(/\s+/g, ' ')
    .trim();
