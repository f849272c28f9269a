import { sql } from 'drizzle-orm';
import type { Queryable } from '../client.ts';
import { modelChange, odooField } from '../schema/model.ts';
import type { View } from './typed-views.ts';

/** A short form of the stored model: equal digests and comments mean equal fields and views. */
export interface KeptModel {
  /** A digest of the stored fields without the time of the request. */
  readonly fields: string;
  /** The comments of the existing views. */
  readonly views: readonly (string | null)[];
}

const digest = (models: readonly string[]) => sql`(
  select md5(coalesce(string_agg(
    row(f.model, f.name, f.type, f.label, f.relation, f.description, f.position)::text, '' order by f.model, f.name), ''))
  from ${odooField} as f where f.model in ${[...models]})`;

/** Finds, by the indexes of the catalogue, the object with the name of the view in the schema of its table. */
const comment = ({ name, table }: View) => sql`(
  select obj_description(oid, 'pg_class') from pg_class where relname = ${name}
    and relnamespace = (select relnamespace from pg_class where oid = to_regclass(${table})))`;

const comments = (views: readonly View[]) => sql`jsonb_build_array(${sql.join(views.map(comment), sql`, `)})`;

/** The digest of the fields only. */
export async function keptFields(db: Queryable, models: readonly string[]): Promise<string> {
  const [row] = await db.execute<{ fields: string }>(sql`select ${digest(models)} as fields`);
  return row?.fields ?? '';
}

/**
 * If the stored model equals `expected`, records that Odoo confirmed it at `describedAt`, in the first field of the
 * first model. One statement, one row written.
 *
 * @returns the newest change that requires records to be read again, 0 without one; null if the stored model differs or
 * was described later.
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
