import { eq, or, sql } from 'drizzle-orm';
import type { OdooRecord } from '../odoo/types.ts';
import { isAnyOf } from './columns.ts';
import type { Queryable } from './connection.ts';
import { bc, bcLine } from './schema/documents.ts';

export interface StoredHeader {
  readonly contentHash: string;
  readonly writeDate: Date | null;
  readonly fetchSeq: number;
  readonly archived: boolean;
}

export interface StoredLine {
  readonly odooId: number;
  readonly bcOdooId: number;
  readonly contentHash: string;
  readonly writeDate: Date | null;
  /** With its BC; it comes back with it. */
  readonly archived: boolean;
  /** When the BC that holds the line was last read. */
  readonly ownerSeq: number;
}

export async function storedHeader(db: Queryable, odooId: number): Promise<StoredHeader | null> {
  const rows = await db
    .select({
      contentHash: bc.contentHash,
      writeDate: bc.odooWriteDate,
      fetchSeq: bc.fetchSeq,
      archived: sql<boolean>`${bc.archivedAt} is not null`,
    })
    .from(bc)
    .where(eq(bc.odooId, odooId));
  return rows[0] ?? null;
}

/**
 * Lines that the mirror gives this BC, and any other BC's lines among `lineIds`. `locked`: they stay as they are
 * until the transaction ends; locked in the order of their ids, so that two BCs that trade lines do not deadlock.
 */
export async function storedLines(
  db: Queryable,
  odooId: number,
  lineIds: readonly number[],
  lock?: 'locked',
): Promise<StoredLine[]> {
  const lines = db
    .select({
      odooId: bcLine.odooId,
      bcOdooId: bcLine.bcOdooId,
      contentHash: bcLine.contentHash,
      writeDate: bcLine.odooWriteDate,
      archived: sql<boolean>`${bcLine.archivedAt} is not null`,
      ownerSeq:
        sql<number>`coalesce((select owner.fetch_seq from ${bc} owner where owner.odoo_id = ${bcLine.bcOdooId}), 0)`.mapWith(
          Number,
        ),
    })
    .from(bcLine)
    .where(
      lineIds.length === 0
        ? eq(bcLine.bcOdooId, odooId)
        : or(eq(bcLine.bcOdooId, odooId), isAnyOf(bcLine.odooId, lineIds)),
    )
    .orderBy(bcLine.odooId);
  return lock === 'locked' ? lines.for('update') : lines;
}

/** The stored content of some records, by id. */
export async function storedFields(
  db: Queryable,
  table: typeof bc | typeof bcLine,
  ids: readonly number[],
): Promise<Map<number, OdooRecord>> {
  const records = await storedRecords(db, table, ids);
  return new Map([...records].map(([id, { fields }]) => [id, fields]));
}

export interface StoredRecord {
  readonly fields: OdooRecord;
  /** The fields that hold contents of binaries, whatever the model says of them today. */
  readonly binaries: readonly string[];
}

export async function storedRecords(
  db: Queryable,
  table: typeof bc | typeof bcLine,
  ids: readonly number[],
): Promise<Map<number, StoredRecord>> {
  if (ids.length === 0) return new Map();
  const rows = await db
    .select({ odooId: table.odooId, fields: table.fields, sizes: table.binarySizes })
    .from(table)
    .where(isAnyOf(table.odooId, ids));
  return new Map(rows.map(({ odooId, fields, sizes }) => [odooId, { fields, binaries: Object.keys(sizes) }]));
}

/** The BCs that the mirror gives these lines: where a line moved away from, its old BC is read again too. */
export async function ownersOfLines(db: Queryable, lineIds: readonly number[]): Promise<number[]> {
  if (lineIds.length === 0) return [];
  const rows = await db
    .selectDistinct({ owner: bcLine.bcOdooId })
    .from(bcLine)
    .where(isAnyOf(bcLine.odooId, lineIds));
  return rows.map(({ owner }) => owner);
}

export interface StoredBinaries {
  readonly writeDate: Date | null;
  readonly sizes: Readonly<Record<string, string>>;
  /** When the BC was last read, its binaries' contents with it where they were not known well enough. */
  readonly fetchedAt: Date;
}

/** What is known of the binaries of some records, by id. */
export async function storedBinaries(
  db: Queryable,
  table: typeof bc | typeof bcLine,
  ids: readonly number[],
): Promise<Map<number, StoredBinaries>> {
  if (ids.length === 0) return new Map();
  const columns = { odooId: table.odooId, writeDate: table.odooWriteDate, sizes: table.binarySizes };
  const rows =
    table === bcLine
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
