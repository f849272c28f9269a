import { and, asc, eq, inArray, isNull, ne, sql } from 'drizzle-orm';
import { errorCode, errorMessage, errorReason, PasserelleError } from '../../shared/errors.ts';
import { BC_MIRROR, BC_TABLE_NAMES, type MirrorModels, tableNames } from '../../shared/mirror-names.ts';
import { subjectsOf } from '../alerts.ts';
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
 * The role of DATABASE_URL may not create the tables of a mirror, or may not delete the empty ones that they replace.
 *
 * @fix Run `passerelle migrate` with `MIRRORS_FILE` and a role that may, or grant the role CREATE on the schema. Then
 * start the process again.
 */
export class MirrorTablesDeniedError extends PasserelleError {
  readonly code = 'mirror_tables_denied';
  constructor(mirror: string, table: string, { role, schema }: Session, cause: unknown) {
    super(
      `PostgreSQL did not let the role ${role} create the table ${table} of the mirror ${mirror}: ${errorReason(cause)}. ` +
        `Run "passerelle migrate" with MIRRORS_FILE and a role that may create tables, or run ` +
        `"grant create on schema ${schema} to ${role}".`,
      { cause },
    );
  }
}

/**
 * The configuration has other models for a mirror than its content was read from. Nothing was changed.
 *
 * @fix Give the new models another mirror name in `MIRRORS_FILE`, or set the former models back. To delete the content,
 * run `passerelle mirrors drop NAME --yes`.
 */
export class MirrorModelChangedError extends PasserelleError {
  readonly code = 'mirror_model_changed';
  constructor(mirror: MirrorModels, stored: MirrorRow) {
    super(
      `The mirror ${mirror.name} has the content of ${modelText(stored)}, and the configuration has ${modelText(mirror)}. ` +
        `Nothing was changed. Give the new models another mirror name, or delete the content with ` +
        `"passerelle mirrors drop ${mirror.name} --yes".`,
    );
  }
}

const modelText = ({ model, lineModel }: Pick<MirrorModels, 'model' | 'lineModel'>) =>
  `${model} ${lineModel === null ? 'without lines' : `with the lines ${lineModel}`}`;

/** Whether these are the models that the mirror was registered with. */
export const hasModels = (row: MirrorRow, { model, lineModel }: Pick<MirrorModels, 'model' | 'lineModel'>) =>
  row.model === model && row.lineModel === lineModel;

interface Session {
  readonly role: string;
  readonly schema: string;
}

/** SQLSTATE: insufficient_privilege. */
const DENIED = '42501';

/**
 * Creates the tables of a mirror if they are missing, as copies of those of the mirror `bc`, and enters the mirror into
 * the list. Safe to repeat, from several processes at once.
 *
 * If the mirror had other models before, tables that its new models do not use are deleted if they are empty, for
 * example after a typing error. Tables with content would stay without a mirror that names them, so the change is refused.
 * The mirror `bc` keeps its tables: its runs ask for `--new-source`.
 *
 * @throws MirrorTablesDeniedError, MirrorModelChangedError
 */
export async function registerMirror(db: Database, mirror: MirrorModels): Promise<void> {
  const known = await findMirror(db, keyOf(mirror.name));
  if (known !== undefined && hasModels(known, mirror)) return;
  let table = tableNames(mirror).header;
  try {
    await db.transaction(async (tx) => {
      await tx.execute(sql`select pg_advisory_xact_lock(${LOCKS.mirrors})`);
      await replaceModels(tx, mirror);
      await createTables(tx, mirror, (name) => {
        table = name;
      });
    });
  } catch (error) {
    if (errorCode(error) !== DENIED) throw error;
    const [session] = await db.execute<{ role: string; schema: string | null }>(
      sql`select quote_ident(current_user) as role, quote_ident(current_schema()) as schema`,
    );
    const { role = 'of DATABASE_URL', schema } = session ?? {};
    throw new MirrorTablesDeniedError(mirror.name, table, { role, schema: schema ?? 'public' }, error);
  }
}

/** @param creating called with the name of each table before it is created. */
async function createTables(
  tx: Queryable,
  mirror: MirrorModels,
  creating: (table: string) => void,
): Promise<void> {
  const { name, model, lineModel } = mirror;
  const names = tableNames(mirror);
  if (name !== BC_MIRROR) {
    for (const part of ['header', 'line', 'audit'] as const) {
      creating(names[part]);
      await createTable(tx, names[part], BC_TABLE_NAMES[part]);
    }
  }
  const { header: headerTable, line: lineTable, audit: auditTable } = names;
  const row = { key: keyOf(name), name, model, lineModel, headerTable, lineTable, auditTable };
  await tx.insert(mirrorTable).values(row).onConflictDoUpdate({ target: mirrorTable.key, set: row });
}

/**
 * Roles that may write the template may use the copy: the service, if another role migrates. Readers of the template may
 * not, because another mirror may contain personal data.
 */
async function createTable(tx: Queryable, name: string, template: string): Promise<void> {
  const [exists] = await tx.execute(sql`select 1 where to_regclass(quote_ident(${name})) is not null`);
  if (exists !== undefined) return;
  await tx.execute(
    sql`create table ${sql.identifier(name)} (like ${sql.identifier(template)} including all)`,
  );
  const grants = await tx.execute<{ statement: string }>(sql`
    select format('grant %s on %I to %I', own.privilege_type, ${name}::text, role.rolname) as statement
    from pg_class as template, aclexplode(template.relacl) as own
      join pg_roles as role on role.oid = own.grantee and role.rolname <> current_user
    where template.oid = to_regclass(quote_ident(${template})) and exists (
      select from aclexplode(template.relacl) as other
      where other.grantee = own.grantee and other.privilege_type = 'INSERT')`);
  for (const { statement } of grants) await tx.execute(sql.raw(statement));
}

/** @throws MirrorModelChangedError */
async function replaceModels(tx: Queryable, mirror: MirrorModels): Promise<void> {
  const stored = await findMirror(tx, keyOf(mirror.name));
  if (stored === undefined || mirror.name === BC_MIRROR || hasModels(stored, mirror)) return;
  const own = await mirrorBelongings(tx, stored);
  const next = Object.values(tableNames(mirror));
  const isOther = stored.model !== mirror.model;
  const lost = isOther ? own.tables : own.tables.filter((table) => !next.includes(table));
  for (const table of lost) if (await hasRows(tx, table)) throw new MirrorModelChangedError(mirror, stored);
  if (isOther) return deleteBelongings(tx, stored, own);
  const views = Object.values(viewsOf(tablesOf(stored))).filter(({ table }) => lost.includes(table));
  await dropAll(
    tx,
    views.map(({ name }) => name),
    lost,
  );
}

async function hasRows(tx: Queryable, table: string): Promise<boolean> {
  const [exists] = await tx.execute(sql`select 1 where to_regclass(quote_ident(${table})) is not null`);
  if (exists === undefined) return false;
  return (await tx.execute(sql`select 1 from ${sql.identifier(table)} limit 1`)).length > 0;
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

/**
 * Views or other objects of the database use the tables or views of the mirror, so PostgreSQL refuses to drop them.
 * Nothing was deleted there.
 *
 * @fix Drop the objects that the message names, or change them so that they do not use the mirror. Then run `passerelle
 * mirrors drop` again.
 */
class MirrorDependentsError extends PasserelleError {
  readonly code = 'mirror_has_dependents';
  constructor(name: string, dependents: readonly string[], options: ErrorOptions) {
    super(
      `The mirror ${name} cannot be dropped, because other objects of the database use it: ${dependents.join('; ')}. ` +
        'Drop them, or change them, then drop the mirror.',
      options,
    );
  }
}

/** SQLSTATE dependent_objects_still_exist. */
const HAS_DEPENDENTS = '2BP01';

/** PostgreSQL names each dependent object in a line of `detail`. Drizzle wraps its error. */
function dependentsIn(error: unknown): string[] {
  for (let at = error; at instanceof Error; at = at.cause) {
    if ('detail' in at && typeof at.detail === 'string') return at.detail.split('\n');
  }
  return [errorMessage(error)];
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
 * @throws MirrorDependentsError
 */
export async function dropMirror(db: Database, name: string): Promise<MirrorBelongings | null> {
  if (name === BC_MIRROR) throw new Error('The mirror bc cannot be dropped.');
  try {
    return await db.transaction(async (tx) => {
      await tx.execute(sql`select pg_advisory_xact_lock(${LOCKS.mirrors})`);
      const row = await findMirror(tx, keyOf(name));
      if (row === undefined) return null;
      const own = await mirrorBelongings(tx, row);
      await deleteBelongings(tx, row, own);
      return own;
    });
  } catch (error) {
    if (errorCode(error) !== HAS_DEPENDENTS) throw error;
    throw new MirrorDependentsError(name, dependentsIn(error), { cause: error });
  }
}

async function dropAll(tx: Queryable, views: readonly string[], tables: readonly string[]): Promise<void> {
  for (const view of views) await tx.execute(sql`drop view if exists ${sql.identifier(view)}`);
  for (const table of tables) await tx.execute(sql`drop table if exists ${sql.identifier(table)}`);
}

async function deleteBelongings(tx: Queryable, { key }: MirrorRow, own: MirrorBelongings): Promise<void> {
  await dropAll(tx, own.views, own.tables);
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
    .where(and(inArray(alertIncident.subject, subjectsOf([key])), isNull(alertIncident.resolvedAt)));
  await tx.delete(mirrorTable).where(eq(mirrorTable.key, key));
}
