import { eq, sql } from 'drizzle-orm';
import type { Queryable } from '../client.ts';
import type { MirrorStore } from '../documents/tables.ts';
import { type MirrorSource, syncState } from '../schema/sync.ts';

/** The stored source; null before the first run. */
export async function findSource(db: Queryable, key: string): Promise<MirrorSource | null> {
  const rows = await db.select({ source: syncState.source }).from(syncState).where(eq(syncState.key, key));
  return rows[0]?.source ?? null;
}

/** The same, and no other transaction changes it until this one ends. Lock the row of the run first. */
export async function lockSource(tx: Queryable, key: string): Promise<MirrorSource | null> {
  await tx.insert(syncState).values({ key }).onConflictDoNothing();
  const rows = await tx
    .select({ source: syncState.source })
    .from(syncState)
    .where(eq(syncState.key, key))
    .for('update');
  return rows[0]?.source ?? null;
}

export async function saveSource(tx: Queryable, key: string, source: MirrorSource): Promise<void> {
  await tx.update(syncState).set({ source }).where(eq(syncState.key, key));
}

/** Stores the source that a run begins to read. The dates and counts so far are those of the old source. */
export async function beginMove(
  tx: Queryable,
  key: string,
  source: MirrorSource & { readonly unfinishedRun: number },
): Promise<void> {
  await tx
    .update(syncState)
    .set({ source, newestWrite: null, seenUntil: null, verified: null })
    .where(eq(syncState.key, key));
}

/** The stored source, once all of it was read. */
export const finishedMove = sql<MirrorSource>`${syncState.source} - 'unfinishedRun'`;

/** The mirror has no BC, also no archived one. */
export async function isEmptyMirror({ db, header: bc }: MirrorStore): Promise<boolean> {
  return (await db.select({ id: bc.odooId }).from(bc).limit(1)).length === 0;
}

/** The source as commands and the API show it. */
export function shownSource(source: MirrorSource | null) {
  if (source === null) return null;
  const { model, lineModel, database, unfinishedRun = null } = source;
  return { model, lineModel, database: database.name, unfinishedRun };
}
