import { createHash } from 'node:crypto';
import { getTableName, sql } from 'drizzle-orm';
import { PasserelleError } from '../../shared/errors.ts';
import type { Database, Queryable } from '../client.ts';
import type { MirrorTables } from '../documents/tables.ts';
import { LOCKS } from '../locks.ts';
import { listFields } from './fields.ts';
import { isIdentifier, type ViewColumn, type ViewField, viewColumns } from './view-columns.ts';

const grantee = sql`case a.grantee when 0 then 'public' else quote_ident(r.rolname) end`;
/** Dropped roles and our own role need no grant. */
const others = sql`(a.grantee = 0 or r.rolname <> current_user)`;

/** The statements that copy the privileges of the existing view to a new one. */
async function grantsOf(
  db: Queryable,
  view: string,
  columns: readonly { readonly name: string }[],
): Promise<string[]> {
  const kept = JSON.stringify(columns.map(({ name }) => name));
  const option = sql`case when a.is_grantable then ' with grant option' else '' end`;
  return statements(
    db,
    sql`
      select format('grant %s on %s to %s%s', a.privilege_type, ${view}::text, ${grantee}, ${option}) as statement
      from pg_class as c, aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) as a
        left join pg_roles as r on r.oid = a.grantee
      where c.oid = ${view}::regclass and ${others}
      union all
      select format('grant %s (%I) on %s to %s%s', a.privilege_type, t.attname, ${view}::text, ${grantee}, ${option})
      from pg_attribute as t, aclexplode(t.attacl) as a left join pg_roles as r on r.oid = a.grantee
      where t.attrelid = ${view}::regclass and ${others}
        and t.attname in (select jsonb_array_elements_text(${kept}::jsonb))`,
  );
}

/** The statements that revoke the privileges on a view. */
async function revokeAll(db: Queryable, view: string): Promise<string[]> {
  return statements(
    db,
    sql`
      select distinct format('revoke all on %s from %s', ${view}::text, ${grantee}) as statement
      from pg_class as c, aclexplode(c.relacl) as a left join pg_roles as r on r.oid = a.grantee
      where c.oid = ${view}::regclass and ${others}`,
  );
}

async function statements(db: Queryable, query: ReturnType<typeof sql>): Promise<string[]> {
  return (await db.execute<{ statement: string }>(query)).map(({ statement }) => statement);
}

/** A typed view of one of the tables. */
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

const CHANGED = own(
  'mirror_changed_at',
  'timestamp with time zone',
  'changed_at',
  'When header or lines last changed in the mirror',
);
const OWNER = own('mirror_bc_id', 'bigint', 'bc_odoo_id', 'The BC that the mirror gives the line');

/** The views of a mirror have the names of its tables without `scrap_`. */
const viewName = (table: string): string => table.replace(/^scrap_/, '');

/** The views of a mirror. */
export function viewsOf({ header, line }: MirrorTables): { readonly header: View; readonly line: View } {
  const [headers, lines] = [getTableName(header), getTableName(line)];
  return {
    header: { name: viewName(headers), table: headers, own: [SYNCED, CHANGED] },
    line: { name: viewName(lines), table: lines, own: [SYNCED, OWNER] },
  };
}

/** The definition of a view. Its comment contains `digest`; another digest means that the view has to be rebuilt. */
interface ViewDefinition {
  readonly view: View;
  readonly columns: readonly ViewColumn[];
  readonly comment: string;
}

/** The definition for the fields of a model. It does not depend on their order. */
export function viewDefinition(view: View, model: string, fields: readonly ViewField[]): ViewDefinition {
  const columns = viewColumns(fields, view.own);
  const sorted = [...columns].sort((a, b) => (a.name < b.name ? -1 : 1));
  const content = [createView('', '', view, sorted), sorted.map(({ comment }) => comment)];
  const digest = createHash('sha256').update(JSON.stringify(content)).digest('hex').slice(0, 16);
  return { view, columns, comment: `${model} as Passerelle mirrors it. Definition ${digest}.` };
}

/** `create view` and its further statements; the columns in the given order. */
function createView(
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
function commentView(schema: string, { view, columns, comment }: ViewDefinition): string {
  const name = qualified(schema, view.name);
  return [
    `comment on view ${name} is ${literal(comment)}`,
    ...columns.map(
      (column) => `comment on column ${name}.${identifier(column.name)} is ${literal(column.comment)}`,
    ),
  ].join(';\n');
}

const qualified = (schema: string, name: string): string => `${identifier(schema)}.${identifier(name)}`;

function expression({ field, source }: ViewColumn): string {
  if ('column' in source) return `t.${identifier(source.column)}`;
  const name = field ?? '';
  // A name that is too long for an identifier would not be found as one.
  return `${source.convert}(${isIdentifier(name) ? `f.${identifier(name)}` : `t.fields -> ${literal(name)}`})`;
}

function isUnpacked({ field, source }: ViewColumn): boolean {
  return field !== null && 'convert' in source && isIdentifier(field);
}

const identifier = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** Correct with any value of `standard_conforming_strings`. */
const literal = (text: string): string =>
  `E'${text.replaceAll('\0', '').replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;

/** Lock timeout. Readers of a view block us no longer than this, and others wait no longer behind us. */
const LOCK_TIMEOUT = '1s';

/**
 * An object that is not a view has the name of a view.
 *
 * @fix Rename or drop the object that the message names, then run `passerelle sync`.
 */
class ViewNameTakenError extends PasserelleError {
  readonly code = 'view_name_taken';
  constructor(name: string) {
    super(`${name} is not a view, so the typed view of that name cannot be made; rename or drop it.`);
  }
}

/** Whether the existing view matches the known fields. */
export async function isViewCurrent(db: Queryable, view: View, model: string): Promise<boolean> {
  const fields = await listFields(db, model);
  const standing = await standingView(db, view);
  return standing?.comment === viewDefinition(view, model, fields).comment;
}

/**
 * Rebuilds the view if it does not match the known fields, and keeps its privileges.
 *
 * If no column was removed or retyped, it is replaced in place with new columns at the end, so dependent objects stay.
 *
 * @returns whether it was rebuilt.
 * @throws ViewNameTakenError, and errors of PostgreSQL: 55P03 (in use), 2BP01 (other objects depend on it), 42501 (no
 * privilege).
 */
export async function refreshView(db: Database, view: View, model: string): Promise<boolean> {
  if (await isViewCurrent(db, view, model)) return false;
  return db.transaction(async (tx) => {
    // Before the short timeout: other mirrors make their views too.
    await tx.execute(sql`select pg_advisory_xact_lock(${LOCKS.view})`);
    await tx.execute(sql.raw(`set local lock_timeout = '${LOCK_TIMEOUT}'`));
    const fields = await listFields(tx, model);
    const definition = viewDefinition(view, model, fields);
    const standing = await standingView(tx, view);
    if (fields.length === 0 || standing?.comment === definition.comment) return false;
    await make(tx, definition, standing);
    return true;
  });
}

interface Standing {
  readonly schema: string;
  /** Null: no object has that name. */
  readonly kind: string | null;
  readonly comment: string | null;
  readonly options: readonly string[] | null;
  readonly columns: readonly { readonly name: string; readonly type: string }[] | null;
}

/** The object with the name of the view in the schema of its table. */
async function standingView(db: Queryable, { name, table }: View): Promise<Standing | undefined> {
  const [row] = await db.execute<Standing & Record<string, unknown>>(sql`
    select home.nspname as schema, found.relkind::text as kind, obj_description(found.oid, 'pg_class') as comment,
      to_json(found.reloptions) as options, (
        select json_agg(json_build_object('name', attname, 'type', format_type(atttypid, atttypmod)) order by attnum)
        from pg_attribute where attrelid = found.oid and attnum > 0 and not attisdropped) as columns
    from pg_class as base join pg_namespace as home on home.oid = base.relnamespace
      left join pg_class as found on found.relnamespace = home.oid and found.relname = ${name}
    where base.oid = to_regclass(${table})`);
  return row;
}

async function make(tx: Queryable, definition: ViewDefinition, standing: Standing | undefined) {
  const { view, columns } = definition;
  const { schema = 'public', kind = null, options = null, columns: before = null } = standing ?? {};
  if (kind !== null && kind !== 'v') throw new ViewNameTakenError(view.name);
  const place = columnPlace(before ?? []);
  const kept = (before ?? []).every(({ name, type }) =>
    columns.some((column) => column.name === name && column.type === type),
  );
  const arranged = kept ? [...columns].sort((a, b) => place(a.name) - place(b.name)) : columns;
  const name = qualified(schema, view.name);
  const create = createView(schema, optionList(options), view, arranged);
  if (kind === null || kept) await tx.execute(sql.raw(create));
  else {
    const grants = await grantsOf(tx, name, columns);
    await tx.execute(sql.raw(`drop view ${name}`));
    await tx.execute(sql.raw(create));
    // Default privileges may give a new view more readers than the old one had.
    for (const statement of [...(await revokeAll(tx, name)), ...grants]) await tx.execute(sql.raw(statement));
  }
  await tx.execute(sql.raw(commentView(schema, definition)));
}

/** The position of a column; a new one comes last. */
function columnPlace(before: readonly { readonly name: string }[]): (name: string) => number {
  const places = new Map(before.map(({ name }, index) => [name, index]));
  return (name) => places.get(name) ?? places.size;
}

/** Options that an administrator set on the view, such as `security_invoker=true`. */
function optionList(options: readonly string[] | null): string {
  const safe = (options ?? []).filter((option) => /^\w+=\w+$/.test(option));
  return safe.length === 0 ? '' : `with (${safe.join(', ')}) `;
}
