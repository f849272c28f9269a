import { createHash } from 'node:crypto';
import { asc, eq, sql } from 'drizzle-orm';
import type { Database, Queryable } from './client.ts';
import { type TableNames, tablesNamed } from './documents/tables.ts';
import { LOCKS } from './locks.ts';
import { type MirrorRow, mirrorTable } from './schema/mirrors.ts';
import { BC_KEY } from './schema/sync.ts';

/** The mirror that the `ODOO_*` variables define, and the only one before there were several. */
export const BC_MIRROR = 'bc';

/** The key of a mirror in `sync_state`, `sync_log` and `sync_failure`. */
export const keyOf = (name: string): string => (name === BC_MIRROR ? BC_KEY : name);

/** The models of a mirror; `lineModel` is null if it has no lines. */
export interface MirrorModels {
  readonly name: string;
  readonly model: string;
  readonly lineModel: string | null;
}

/** The tables of the mirror `bc` have these names, whatever its models. */
const BC_NAMES: TableNames = {
  header: 'scrap_dimagaz_bc',
  line: 'scrap_dimagaz_bc_line',
  audit: 'audit_log',
};

/** The names of the tables of a mirror: those of its models. A mirror without lines has an empty table of lines. */
export function tableNames({ name, model, lineModel }: MirrorModels): TableNames {
  if (name === BC_MIRROR) return BC_NAMES;
  const header = tableName(model);
  return {
    header,
    line: lineModel === null ? `${header}_line` : tableName(lineModel),
    audit: `${header}_audit`,
  };
}

/** Longer names would exceed the 63 bytes of PostgreSQL with the endings of indexes. */
const MAX_NAME = 40;
const DIGITS = 8;

function tableName(model: string): string {
  const name = `scrap_${model.replaceAll('.', '_')}`;
  if (name.length <= MAX_NAME) return name;
  const digest = createHash('sha256').update(model).digest('hex').slice(0, DIGITS);
  return `${name.slice(0, MAX_NAME - DIGITS - 1)}_${digest}`;
}

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
        const [table, template] = [sql.identifier(names[part]), sql.identifier(BC_NAMES[part])];
        await tx.execute(sql`create table if not exists ${table} (like ${template} including all)`);
      }
    }
    const { header: headerTable, line: lineTable, audit: auditTable } = names;
    const row = { key, ...mirror, headerTable, lineTable, auditTable };
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
