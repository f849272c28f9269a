import { and, asc, desc, eq, gt, inArray, lt, lte, max, type SQL, sql } from 'drizzle-orm';
import type { OdooFieldDescription, OdooFields } from '../../odoo/types.ts';
import type { Queryable } from '../client.ts';
import { type ModelChangeRow, modelChange, type OdooFieldRow, odooField } from '../schema/model.ts';

/**
 * Stores the fields of a model as `fields_get` described them; fields that no longer exist are deleted. `seenAt` is the
 * time of the request, by the clock of PostgreSQL.
 */
export async function saveFields(
  db: Queryable,
  model: string,
  fields: OdooFields,
  seenAt: Date,
): Promise<void> {
  const rows = Object.values(fields).map((field, position) => ({
    model,
    name: field.name,
    type: field.type,
    label: field.string,
    relation: field.relation ?? null,
    description: field,
    position,
    seenAt,
  }));
  if (rows.length > 0) {
    const replaced = (column: string) => sql.raw(`excluded.${column}`);
    await db
      .insert(odooField)
      .values(rows)
      .onConflictDoUpdate({
        target: [odooField.model, odooField.name],
        set: {
          type: replaced('type'),
          label: replaced('label'),
          relation: replaced('relation'),
          description: replaced('description'),
          position: replaced('position'),
          seenAt: replaced('seen_at'),
        },
      });
  }
  const names = JSON.stringify(Object.keys(fields));
  const isGone = sql`${odooField.name} not in (select jsonb_array_elements_text(${names}::jsonb))`;
  await db.delete(odooField).where(and(eq(odooField.model, model), isGone));
}

/** The known fields of a model, in the order of Odoo; empty before the first run. */
export async function listFields(db: Queryable, model: string): Promise<OdooFieldRow[]> {
  return db.select().from(odooField).where(eq(odooField.model, model)).orderBy(asc(odooField.position));
}

/** The names of the known fields of several models, in the order of Odoo. */
export async function listFieldNames(
  db: Queryable,
  models: readonly string[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const rows = await db
    .select({ model: odooField.model, name: odooField.name })
    .from(odooField)
    .where(inArray(odooField.model, [...models]))
    .orderBy(asc(odooField.position));
  const names = new Map<string, string[]>();
  for (const { model, name } of rows) names.set(model, [...(names.get(model) ?? []), name]);
  return names;
}

/** The expression for a text that changes with each `saveFields` of any model. */
export const fieldsVersionSql: SQL = sql`(select concat(count(*), ' ', max(${odooField.seenAt})) from ${odooField})`;

export async function fieldsVersion(db: Queryable): Promise<string> {
  const [row] = await db.execute<{ version: string }>(sql`select ${fieldsVersionSql} as version`);
  return row?.version ?? '';
}

export type NewModelChange = Omit<ModelChangeRow, 'id' | 'at'>;

export async function insertModelChanges(db: Queryable, changes: readonly NewModelChange[]): Promise<void> {
  if (changes.length > 0) await db.insert(modelChange).values([...changes]);
}

/**
 * The newest change that requires records to be read again; 0 without one. `until` ignores changes that were recorded
 * later.
 */
export async function newestReread(
  db: Queryable,
  models: readonly string[],
  until: Date | null,
): Promise<number> {
  const [row] = await db
    .select({ id: max(modelChange.id) })
    .from(modelChange)
    .where(
      and(
        inArray(modelChange.model, [...models]),
        modelChange.reread,
        until === null ? undefined : lte(modelChange.at, until),
      ),
    );
  return row?.id ?? 0;
}

/** The number of changes after `after` that require records to be read again. */
export async function countRereads(db: Queryable, models: readonly string[], after: number): Promise<number> {
  return db.$count(
    modelChange,
    and(inArray(modelChange.model, [...models]), modelChange.reread, gt(modelChange.id, after)),
  );
}

/** The changes of some models, newest first; `before` is an exclusive id. */
export async function listModelChanges(
  db: Queryable,
  models: readonly string[],
  page: { readonly limit: number; readonly before: number | undefined },
): Promise<ModelChangeRow[]> {
  return db
    .select()
    .from(modelChange)
    .where(
      and(
        inArray(modelChange.model, [...models]),
        page.before === undefined ? undefined : lt(modelChange.id, page.before),
      ),
    )
    .orderBy(desc(modelChange.id))
    .limit(page.limit);
}

/**
 * Fingerprints of the keys that a field was hashed with before, as far as the recorded changes show; null: a version
 * without fingerprints hashed it. Empty: it was never hashed.
 */
export async function formerHashKeys(
  db: Queryable,
  model: string,
  field: string,
): Promise<(string | null)[]> {
  const rows = await db.execute<{ key: string | null }>(sql`
    select distinct description->>'keyId' as key
    from ${modelChange} cross join lateral (values (old), (new)) as side (description)
    where model = ${model} and field = ${field} and description->>'policy' = 'hash'`);
  return rows.map(({ key }) => key);
}

/** The descriptions that the fields of a model have, and those that they had, as far as the recorded changes show. */
export async function describedFields(db: Queryable, model: string): Promise<OdooFieldDescription[]> {
  const rows = await db.execute<{ description: OdooFieldDescription }>(sql`
    select description from ${modelChange} cross join lateral (values (old), (new)) as side (description)
    where model = ${model} and kind <> 'reader' and description is not null
    union all select description from ${odooField} where model = ${model}`);
  return rows.map(({ description }) => description);
}
