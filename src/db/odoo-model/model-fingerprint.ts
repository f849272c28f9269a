import { sql } from 'drizzle-orm';
import type { Queryable } from '../client.ts';
import { modelChange, odooField } from '../schema/model.ts';
import type { View } from './typed-views.ts';

/** What PostgreSQL keeps of the model, in short: equal digests and comments mean equal fields and views. */
export interface KeptModel {
  /** Of all that is kept of the fields, but for when Odoo was asked. */
  readonly fields: string;
  /** The comments of the views that stand there. */
  readonly views: readonly (string | null)[];
}

const digest = (models: readonly string[]) => sql`(
  select md5(coalesce(string_agg(
    row(f.model, f.name, f.type, f.label, f.relation, f.description, f.position)::text, '' order by f.model, f.name), ''))
  from ${odooField} as f where f.model in ${[...models]})`;

/** By the catalogue's indexes: what has a view's name in the schema of its table. */
const comment = ({ name, table }: View) => sql`(
  select obj_description(oid, 'pg_class') from pg_class where relname = ${name}
    and relnamespace = (select relnamespace from pg_class where oid = to_regclass(${table})))`;

const comments = (views: readonly View[]) => sql`jsonb_build_array(${sql.join(views.map(comment), sql`, `)})`;

/** The digest of the fields alone. */
export async function keptFields(db: Queryable, models: readonly string[]): Promise<string> {
  const [row] = await db.execute<{ fields: string }>(sql`select ${digest(models)} as fields`);
  return row?.fields ?? '';
}

/**
 * Where what is kept is what is `expected`: notes that Odoo said the same at `describedAt`, with the first field of the
 * first model, which is where others look. One statement, and one row written.
 *
 * @returns the newest change after which records are to be read again, 0 where there was none; null: something is not
 * as expected, or was described later.
 */
export async function confirmModel(
  db: Queryable,
  models: readonly string[],
  views: readonly View[],
  { expected, describedAt }: { readonly expected: KeptModel; readonly describedAt: Date },
): Promise<number | null> {
  const at = describedAt.toISOString();
  const [row] = await db.execute<{ reread: string }>(sql`
    with kept as (select ${digest(models)} as fields, ${comments(views)} as views),
    confirmed as (
      update ${odooField} as f set seen_at = ${at} from kept
      where f.model = ${models[0]} and f.position = 0 and f.seen_at <= ${at}
        and kept.fields = ${expected.fields} and kept.views = ${JSON.stringify(expected.views)}::text::jsonb
      returning true)
    select coalesce((select max(id) from ${modelChange} where model in ${[...models]} and reread), 0) as reread
    from confirmed`);
  return row === undefined ? null : Number(row.reread);
}
