import { and, eq, type SQL, sql } from 'drizzle-orm';
import type { OdooRecord } from '../../odoo/types.ts';
import type { Queryable } from '../client.ts';
import type { ArchiveReason } from '../schema/audit.ts';
import { isAnyOf } from '../schema/columns.ts';
import type { HeaderTable, LineTable } from '../schema/documents.ts';
import type { MirrorStore } from './tables.ts';

const REMOVED: ArchiveReason = 'removed';

export interface StoredHeader {
  readonly odooId: number;
  readonly createDate: Date | null;
  readonly contentHash: string;
  readonly writeDate: Date | null;
  readonly fetchSeq: number;
  readonly archived: boolean;
  /** Size of its fields in the table, in bytes. */
  readonly bytes: number;
}

export interface StoredLine {
  readonly odooId: number;
  readonly bcOdooId: number;
  readonly contentHash: string;
  readonly writeDate: Date | null;
  /** Archived with its BC, and restored with it. */
  readonly archived: boolean;
  /** Size of its fields in the table, in bytes. */
  readonly bytes: number;
}

/** The text of PostgreSQL. It is parsed by hand, because each job reads these rows. */
interface StoredColumns extends Record<string, unknown> {
  readonly odoo_id: string;
  readonly content_hash: string;
  readonly odoo_write_date: string | null;
  readonly archived: boolean;
  readonly bytes: number;
}

const storedColumns = sql.raw(
  'odoo_id, content_hash, odoo_write_date, archived_at is not null as archived, pg_column_size(fields) as bytes',
);

function stored(row: StoredColumns) {
  return {
    odooId: Number(row.odoo_id),
    contentHash: row.content_hash,
    writeDate: dateOf(row.odoo_write_date),
    archived: row.archived,
    bytes: row.bytes,
  };
}

const dateOf = (text: string | null) => (text === null ? null : new Date(text));

/** The stored state of some BCs, by id. */
export async function storedHeaders(
  { db, header: bc }: MirrorStore,
  odooIds: readonly number[],
): Promise<Map<number, StoredHeader>> {
  if (odooIds.length === 0) return new Map();
  const rows = await db.execute<StoredColumns & { fetch_seq: string; odoo_create_date: string | null }>(sql`
    select ${storedColumns}, fetch_seq, odoo_create_date from ${bc} where ${isAnyOf(bc.odooId, odooIds)}`);
  const headers = rows.map((row) => ({
    ...stored(row),
    fetchSeq: Number(row.fetch_seq),
    createDate: dateOf(row.odoo_create_date),
  }));
  return new Map(headers.map((header) => [header.odooId, header]));
}

/** A line that left its BC stays in the table, archived. A comparison must treat it like a deleted row. */
const isPresent = (bcLine: LineTable): SQL => sql`${bcLine.archiveReason} is distinct from ${REMOVED}`;

/**
 * The lines of these BCs in the mirror, and other BCs' lines among `lineIds`. `locked`: no other transaction changes
 * them until this one ends. They are locked in the order of their ids, so that BCs that exchange lines do not deadlock.
 */
export async function storedLines(
  { db, line: bcLine }: MirrorStore,
  odooIds: readonly number[],
  lineIds: readonly number[],
  lock?: 'locked',
): Promise<StoredLine[]> {
  const rows = await db.execute<StoredColumns & { bc_odoo_id: string }>(sql`
    select ${storedColumns}, bc_odoo_id from ${bcLine}
    where (${isAnyOf(bcLine.bcOdooId, odooIds)} or ${isAnyOf(bcLine.odooId, lineIds)}) and ${isPresent(bcLine)}
    order by odoo_id ${lock === 'locked' ? sql.raw('for update') : sql.raw('')}`);
  return rows.map((row) => ({ ...stored(row), bcOdooId: Number(row.bc_odoo_id) }));
}

/** The lines of these BCs in the mirror, except the ids in `read`. */
export async function unreadLines(
  { db, line: bcLine }: MirrorStore,
  odooIds: readonly number[],
  read: readonly number[],
): Promise<{ readonly odooId: number; readonly bcOdooId: number }[]> {
  const rows = await db.execute<{ odoo_id: string; bc_odoo_id: string }>(sql`
    select odoo_id, bc_odoo_id from ${bcLine} where ${isAnyOf(bcLine.bcOdooId, odooIds)} and ${isPresent(bcLine)}
      and not exists (select from unnest(${`{${read.join(',')}}`}::bigint[]) as read (id) where read.id = ${bcLine.odooId})
    order by odoo_id`);
  return rows.map((row) => ({ odooId: Number(row.odoo_id), bcOdooId: Number(row.bc_odoo_id) }));
}

/** The stored content of some records, by id. */
export async function storedFields(
  db: Queryable,
  table: HeaderTable | LineTable,
  ids: readonly number[],
): Promise<Map<number, OdooRecord>> {
  const records = await storedRecords(db, table, ids);
  return new Map([...records].map(([id, { fields }]) => [id, fields]));
}

export interface StoredRecord {
  readonly fields: OdooRecord;
  /** The fields that contain binaries, also those that the model no longer has. */
  readonly binaries: readonly string[];
}

export async function storedRecords(
  db: Queryable,
  table: HeaderTable | LineTable,
  ids: readonly number[],
): Promise<Map<number, StoredRecord>> {
  if (ids.length === 0) return new Map();
  const rows = await db
    .select({ odooId: table.odooId, fields: table.fields, sizes: table.binarySizes })
    .from(table)
    .where(isAnyOf(table.odooId, ids));
  return new Map(rows.map(({ odooId, fields, sizes }) => [odooId, { fields, binaries: Object.keys(sizes) }]));
}

/** The BCs of these lines in the mirror. If a line moved, its old BC is read again too. */
export async function ownersOfLines(
  { db, line: bcLine }: MirrorStore,
  lineIds: readonly number[],
): Promise<number[]> {
  if (lineIds.length === 0) return [];
  const rows = await db
    .selectDistinct({ owner: bcLine.bcOdooId })
    .from(bcLine)
    .where(and(isAnyOf(bcLine.odooId, lineIds), isPresent(bcLine)));
  return rows.map(({ owner }) => owner);
}

interface StoredBinaries {
  readonly writeDate: Date | null;
  readonly sizes: Readonly<Record<string, string>>;
  /** When the BC was last read. If its binaries were read again, the reading includes them. */
  readonly fetchedAt: Date;
}

/** The stored binaries of some records, by id. */
export async function storedBinaries(
  { db, header: bc, line: bcLine }: MirrorStore,
  of: 'header' | 'line',
  ids: readonly number[],
): Promise<Map<number, StoredBinaries>> {
  if (ids.length === 0) return new Map();
  const table = of === 'header' ? bc : bcLine;
  const columns = { odooId: table.odooId, writeDate: table.odooWriteDate, sizes: table.binarySizes };
  const rows =
    of === 'line'
      ? await db
          .select({ ...columns, fetchedAt: bc.fetchedAt })
          .from(bcLine)
          .innerJoin(bc, eq(bc.odooId, bcLine.bcOdooId))
          .where(isAnyOf(bcLine.odooId, ids))
      : await db
          .select({ ...columns, fetchedAt: bc.fetchedAt })
          .from(bc)
          .where(isAnyOf(bc.odooId, ids));
  return new Map(rows.map(({ odooId, ...known }) => [odooId, known]));
}
