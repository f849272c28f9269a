import { sql } from 'drizzle-orm';
import { PasserelleError } from '../errors.ts';
import type { Database, Queryable } from './connection.ts';
import { listFields } from './fields.ts';
import { LOCKS } from './locks.ts';
import { grantsOf, revokeAll } from './view-grants.ts';
import type { View, ViewDefinition } from './view-sql.ts';
import { commentView, createView, qualified, viewDefinition } from './view-sql.ts';

/** Who reads a view keeps us waiting for no longer, and others wait behind us no longer. */
const LOCK_TIMEOUT = '1s';

/** Something that is no view has the name of one. */
export class ViewNameTakenError extends PasserelleError {
  override readonly name = 'ViewNameTakenError';
  readonly code = 'view_name_taken';
  constructor(name: string) {
    super(`${name} is not a view, so the typed view of that name cannot be made; rename or drop it.`);
  }
}

/** True when the view that stands there is what the known fields ask for. */
export async function isViewCurrent(db: Queryable, view: View, model: string): Promise<boolean> {
  const fields = await listFields(db, model);
  const standing = await standingView(db, view);
  return standing?.comment === viewDefinition(view, model, fields).comment;
}

/**
 * Makes the view anew when it is not what the known fields ask for; whoever may read it still may.
 *
 * Without a removed or retyped column it is replaced in place, new columns last: what depends on it stays.
 *
 * @returns whether it was made.
 * @throws ViewNameTakenError, and PostgreSQL's errors: 55P03 (in use), 2BP01 (others depend on it), 42501 (no right).
 */
export async function refreshView(db: Database, view: View, model: string): Promise<boolean> {
  if (await isViewCurrent(db, view, model)) return false;
  return db.transaction(async (tx) => {
    await tx.execute(sql.raw(`set local lock_timeout = '${LOCK_TIMEOUT}'`));
    await tx.execute(sql`select pg_advisory_xact_lock(${LOCKS.view})`);
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
  /** Null: there is nothing of that name. */
  readonly kind: string | null;
  readonly comment: string | null;
  readonly options: readonly string[] | null;
  readonly columns: readonly { readonly name: string; readonly type: string }[] | null;
}

/** What has the view's name in the schema of its table. */
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
    // Default privileges may open a new view further than the old one was.
    for (const statement of [...(await revokeAll(tx, name)), ...grants]) await tx.execute(sql.raw(statement));
  }
  await tx.execute(sql.raw(commentView(schema, definition)));
}

/** Where a column stands; a new one comes last. */
function columnPlace(before: readonly { readonly name: string }[]): (name: string) => number {
  const places = new Map(before.map(({ name }, index) => [name, index]));
  return (name) => places.get(name) ?? places.size;
}

/** Such as `security_invoker=true`, which somebody set on the view. */
function optionList(options: readonly string[] | null): string {
  const safe = (options ?? []).filter((option) => /^\w+=\w+$/.test(option));
  return safe.length === 0 ? '' : `with (${safe.join(', ')}) `;
}
