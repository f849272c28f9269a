import { eq, or, sql } from 'drizzle-orm';
import type { OdooRecord } from '../odoo/types.ts';
import { isAnyOf } from './columns.ts';
import type { Database, Queryable } from './connection.ts';
import { bc, bcLine } from './schema/documents.ts';

/** First key of the advisory locks that keep two writers of the same BC apart. */
const DOCUMENT_LOCK = 2_023;

/** A number that grows with every call: taken before a read of Odoo begins, it orders readings. */
export async function nextFetchSeq(db: Database): Promise<number> {
  const [row] = await db.execute<{ seq: string }>(sql`select nextval('fetch_seq') as seq`);
  return Number(row?.seq);
}

/** Keeps other writers of this BC waiting until the transaction ends. */
export async function lockDocument(db: Queryable, odooId: number): Promise<void> {
  await db.execute(sql`select pg_advisory_xact_lock(${DOCUMENT_LOCK}, hashint8(${odooId}))`);
}

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

/** Lines that the mirror gives this BC, and any other BC's lines among `lineIds`. */
export async function storedLines(
  db: Queryable,
  odooId: number,
  lineIds: readonly number[],
): Promise<StoredLine[]> {
  return db
    .select({
      odooId: bcLine.odooId,
      bcOdooId: bcLine.bcOdooId,
      contentHash: bcLine.contentHash,
      writeDate: bcLine.odooWriteDate,
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
    );
}

/** The stored content of some records, by id. */
export async function storedFields(
  db: Queryable,
  table: typeof bc | typeof bcLine,
  ids: readonly number[],
): Promise<Map<number, OdooRecord>> {
  if (ids.length === 0) return new Map();
  const rows = await db
    .select({ odooId: table.odooId, fields: table.fields })
    .from(table)
    .where(isAnyOf(table.odooId, ids));
  return new Map(rows.map(({ odooId, fields }) => [odooId, fields]));
}

/** A record ready to be stored. Dates are Odoo's texts (UTC) or null. */
export interface RecordToStore {
  readonly odooId: number;
  readonly fields: OdooRecord;
  readonly createDate: string | null;
  readonly writeDate: string | null;
  readonly contentHash: string;
  readonly binarySizes: Readonly<Record<string, string>>;
}

/** Which reading a record came from: the sequence taken before it, and when, as ISO 8601. */
export interface Reading {
  readonly fetchSeq: number;
  readonly fetchedAt: string;
}

const recordset = (records: readonly RecordToStore[]) => sql`
  jsonb_to_recordset(${JSON.stringify(records)}::jsonb) as r("odooId" bigint, "fields" jsonb, "createDate" text,
    "writeDate" text, "contentHash" text, "binarySizes" jsonb)`;

const columns = sql.raw(
  'odoo_id, fields, odoo_create_date, odoo_write_date, content_hash, binary_sizes, fetch_seq, fetched_at, synced_at',
);

const values = ({ fetchSeq, fetchedAt }: Reading) => sql`
  r."odooId", r."fields", (r."createDate" || 'Z')::timestamptz, (r."writeDate" || 'Z')::timestamptz, r."contentHash",
  r."binarySizes", ${fetchSeq}, ${fetchedAt}::timestamptz, clock_timestamp()`;

const replaced = sql.raw(
  [
    'fields',
    'odoo_create_date',
    'odoo_write_date',
    'content_hash',
    'binary_sizes',
    'fetch_seq',
    'fetched_at',
    'synced_at',
  ]
    .map((column) => `${column} = excluded.${column}`)
    .join(', '),
);

/** Inserts or replaces a header. A BC that was archived is back. `changed`: readers of changes are to see it. */
export async function upsertHeader(db: Queryable, header: RecordToStore, reading: Reading, changed: boolean) {
  await db.execute(sql`
    insert into ${bc} (${columns}) select ${values(reading)} from ${recordset([header])}
    on conflict (odoo_id) do update set ${replaced}, archived_at = null, archive_reason = null
      ${changed ? sql.raw(', changed_xid = pg_current_xact_id(), changed_at = now()') : sql.raw('')}`);
}

/** The same content was read again: only when, and from which reading, is noted. */
export async function confirmHeader(
  db: Queryable,
  odooId: number,
  { fetchSeq, fetchedAt }: Reading,
): Promise<void> {
  await db.execute(sql`
    update ${bc} set synced_at = clock_timestamp(), fetch_seq = ${fetchSeq}, fetched_at = ${fetchedAt}::timestamptz
    where odoo_id = ${odooId}`);
}

/** Marks a BC as changed for readers of changes, when only its lines did. */
export async function markChanged(db: Queryable, odooId: number): Promise<void> {
  await db.execute(
    sql`update ${bc} set changed_xid = pg_current_xact_id(), changed_at = now() where odoo_id = ${odooId}`,
  );
}

/** Inserts or replaces lines of one BC, in one statement. */
export async function upsertLines(
  db: Queryable,
  bcOdooId: number,
  lines: readonly RecordToStore[],
  reading: Reading,
): Promise<void> {
  if (lines.length === 0) return;
  await db.execute(sql`
    insert into ${bcLine} (${columns}, bc_odoo_id) select ${values(reading)}, ${bcOdooId} from ${recordset(lines)}
    on conflict (odoo_id) do update set ${replaced}, bc_odoo_id = excluded.bc_odoo_id,
      archived_at = null, archive_reason = null`);
}

export async function deleteLines(db: Queryable, ids: readonly number[]): Promise<void> {
  if (ids.length > 0) await db.delete(bcLine).where(isAnyOf(bcLine.odooId, ids));
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
}

/** What is known of the binaries of some records, by id. */
export async function storedBinaries(
  db: Queryable,
  table: typeof bc | typeof bcLine,
  ids: readonly number[],
): Promise<Map<number, StoredBinaries>> {
  if (ids.length === 0) return new Map();
  const rows = await db
    .select({ odooId: table.odooId, writeDate: table.odooWriteDate, sizes: table.binarySizes })
    .from(table)
    .where(isAnyOf(table.odooId, ids));
  return new Map(rows.map(({ odooId, ...known }) => [odooId, known]));
}
