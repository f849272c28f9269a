import { and, desc, gt, inArray, lt, lte, max } from 'drizzle-orm';
import type { Queryable } from './connection.ts';
import type { ModelChangeRow } from './schema/model.ts';
import { modelChange } from './schema/model.ts';

export type NewModelChange = Omit<ModelChangeRow, 'id' | 'at'>;

export async function insertModelChanges(db: Queryable, changes: readonly NewModelChange[]): Promise<void> {
  if (changes.length > 0) await db.insert(modelChange).values([...changes]);
}

/** The newest change after which records are to be read again; 0: there was none. `until`: none that was noted later. */
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

/** How many changes after `after` ask for records to be read again. */
export async function countRereads(db: Queryable, models: readonly string[], after: number): Promise<number> {
  return db.$count(
    modelChange,
    and(inArray(modelChange.model, [...models]), modelChange.reread, gt(modelChange.id, after)),
  );
}

/** The newest changes of some models first; `before` is an exclusive id. */
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
