import { and, asc, eq, inArray, isNull, ne, sql } from 'drizzle-orm';
import { BC_MIRROR, BC_TABLE_NAMES, type MirrorModels, tableNames } from '../../shared/mirror-names.ts';
import type { Database, Queryable } from '../client.ts';
import { LOCKS } from '../locks.ts';
import { viewsOf } from '../odoo-model/typed-views.ts';
import { alertIncident } from '../schema/alerts.ts';
import { syncRunItem, syncRunPage } from '../schema/ledger.ts';
import { type MirrorRow, mirrorTable } from '../schema/mirrors.ts';
import { modelChange, odooField } from '../schema/model.ts';
import { BC_KEY, syncFailure, syncLog, syncState } from '../schema/sync.ts';
import { bcStore, type MirrorStore, type MirrorTables, tablesNamed } from './tables.ts';

/** The key of a mirror in `sync_state`, `sync_log` and `sync_failure`. */
export const keyOf = (name: string): string => (name === BC_MIRROR ? BC_KEY : name);

/** The tables of a mirror of the configuration. */
export const tablesFor = (mirror: MirrorModels): MirrorTables => tablesNamed(tableNames(mirror));

/**
 * Creates the tables of a mirror if they are missing, as copies of those of the mirror `bc`, and enters the mirror into
 * the list. Safe to repeat, from several processes at once.
 */
export async function registerMirror(db: Database, mirror: MirrorModels): Promise<void> {
  const key = keyOf(mirror.name);
  const known = await findMirror(db, key);
  if (known?.model === mirror.model && known.lineModel === mirror.lineModel) return;
  const names = tableNames(mirror);
  await db.transaction(async (tx) => {
    await tx.execute(sql`select pg_advisory_xact_lock(${LOCKS.mirrors})`);
    if (mirror.name !== BC_MIRROR) {
      for (const part of ['header', 'line', 'audit'] as const) {
        const [table, template] = [sql.identifier(names[part]), sql.identifier(BC_TABLE_NAMES[part])];
        await tx.execute(sql`create table if not exists ${table} (like ${template} including all)`);
      }
    }
    const { header: headerTable, line: lineTable, audit: auditTable } = names;
    const { name, model, lineModel } = mirror;
    const row = { key, name, model, lineModel, headerTable, lineTable, auditTable };
    await tx.insert(mirrorTable).values(row).onConflictDoUpdate({ target: mirrorTable.key, set: row });
  });
}

async function findMirror(db: Queryable, key: string): Promise<MirrorRow | undefined> {
  const [row] = await db.select().from(mirrorTable).where(eq(mirrorTable.key, key));
  return row;
}

/** Every mirror that ever ran, by name. */
export async function listMirrors(db: Queryable): Promise<MirrorRow[]> {
  return db.select().from(mirrorTable).orderBy(asc(mirrorTable.name));
}

/** The tables of a mirror of the list. */
export const tablesOf = ({ headerTable: header, lineTable: line, auditTable: audit }: MirrorRow) =>
  tablesNamed({ header, line, audit });

/** The tables of all mirrors, also of those that left the configuration. `bc` has its tables before it ever ran. */
export async function allStores<Db extends Queryable>(db: Db): Promise<MirrorStore<Db>[]> {
  const others = (await listMirrors(db)).filter(({ name }) => name !== BC_MIRROR);
  return [bcStore(db), ...others.map((row) => ({ ...tablesOf(row), db }))];
}

/** The tables, views and rows that `dropMirror` deletes. */
export interface MirrorBelongings {
  readonly tables: readonly string[];
  readonly views: readonly string[];
  /** Their fields and model changes are deleted. */
  readonly models: readonly string[];
  readonly runs: number;
  /** Resolved ones too. */
  readonly failures: number;
}

/**
 * Lists the tables, views and rows that no other mirror uses. A mirror that was renamed in the configuration shares its
 * tables and models with the mirror of the new name, so they must stay.
 */
export async function mirrorBelongings(db: Queryable, row: MirrorRow): Promise<MirrorBelongings> {
  const others = await db.select().from(mirrorTable).where(ne(mirrorTable.key, row.key));
  const usedTables = [
    ...Object.values(BC_TABLE_NAMES),
    ...others.flatMap(({ headerTable, lineTable, auditTable }) => [headerTable, lineTable, auditTable]),
  ];
  const usedModels = others.flatMap(modelsOf);
  const views = Object.values(viewsOf(tablesOf(row))).filter(({ table }) => !usedTables.includes(table));
  return {
    tables: [row.headerTable, row.lineTable, row.auditTable].filter((name) => !usedTables.includes(name)),
    views: views.map(({ name }) => name),
    models: modelsOf(row).filter((model) => !usedModels.includes(model)),
    runs: await db.$count(syncLog, eq(syncLog.key, row.key)),
    failures: await db.$count(syncFailure, eq(syncFailure.key, row.key)),
  };
}

const modelsOf = ({ model, lineModel }: MirrorRow) => (lineModel === null ? [model] : [model, lineModel]);

/**
 * Deletes a mirror: its views, tables, runs with their ledger, failures, state and described fields. Its open incidents
 * are resolved. One transaction: after an error everything is as before, for example if a view of another program uses a
 * table. The mirror `bc` cannot be dropped, because migrations create its tables.
 *
 * @returns the deleted tables, views and numbers of rows; null: there is no such mirror.
 */
export async function dropMirror(db: Database, name: string): Promise<MirrorBelongings | null> {
  if (name === BC_MIRROR) throw new Error('The mirror bc cannot be dropped.');
  return db.transaction(async (tx) => {
    await tx.execute(sql`select pg_advisory_xact_lock(${LOCKS.mirrors})`);
    const row = await findMirror(tx, keyOf(name));
    if (row === undefined) return null;
    const { key } = row;
    const own = await mirrorBelongings(tx, row);
    for (const view of own.views) await tx.execute(sql`drop view if exists ${sql.identifier(view)}`);
    for (const table of own.tables) await tx.execute(sql`drop table if exists ${sql.identifier(table)}`);
    const runs = tx.select({ id: syncLog.id }).from(syncLog).where(eq(syncLog.key, key));
    await tx.delete(syncRunItem).where(inArray(syncRunItem.runId, runs));
    await tx.delete(syncRunPage).where(inArray(syncRunPage.runId, runs));
    await tx.delete(syncLog).where(eq(syncLog.key, key));
    await tx.delete(syncFailure).where(eq(syncFailure.key, key));
    await tx.delete(syncState).where(eq(syncState.key, key));
    await tx.delete(odooField).where(inArray(odooField.model, [...own.models]));
    await tx.delete(modelChange).where(inArray(modelChange.model, [...own.models]));
    await tx
      .update(alertIncident)
      .set({ resolvedAt: sql`clock_timestamp()` })
      .where(and(eq(alertIncident.subject, key), isNull(alertIncident.resolvedAt)));
    await tx.delete(mirrorTable).where(eq(mirrorTable.key, key));
    return own;
  });
}
