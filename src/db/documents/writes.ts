import { getTableName, sql } from 'drizzle-orm';
import { LOCK_FAMILIES } from '../locks.ts';
import { PREPARED } from '../pool.ts';
import type { ArchiveReason } from '../schema/audit.ts';
import { isAnyOf } from '../schema/columns.ts';
import type { HeaderTable } from '../schema/documents.ts';
import type { Reading } from './fetch-sequence.ts';
import type { MirrorStore } from './tables.ts';

const REMOVED: ArchiveReason = 'removed';

/**
 * Blocks other writers of these BCs until the transaction ends, and waits while stored values of the mirror are
 * rewritten (`blockWriters`). All writers lock in the same order. A few hundred BCs at most, because PostgreSQL has room
 * for some thousand locks.
 */
export async function lockDocuments(
  { db, header }: Pick<MirrorStore, 'db' | 'header'>,
  odooIds: readonly number[],
): Promise<void> {
  await db.execute(sql`${PREPARED}
    select pg_advisory_xact_lock_shared(${LOCK_FAMILIES.rewriting}, hashtext(${getTableName(header)}))
    union all
    select pg_advisory_xact_lock(${LOCK_FAMILIES.document}, hash) from (
      select distinct hashint8(value::bigint) as hash
      from jsonb_array_elements_text(${JSON.stringify(odooIds)}::jsonb) order by hash) as hashes`);
}

/**
 * Waits for all transactions that store documents of the mirror, and blocks new ones until this transaction ends.
 * Without it, a store that has read the old values would write them into the audit trail after they were rewritten.
 */
export async function blockWriters({ db, header }: Pick<MirrorStore, 'db' | 'header'>): Promise<void> {
  await db.execute(
    sql`select pg_advisory_xact_lock(${LOCK_FAMILIES.rewriting}, hashtext(${getTableName(header)}))`,
  );
}

/** A record that is ready to be stored: all its fields as one line of JSON. Dates are texts of Odoo (UTC) or null. */
export interface RecordToStore {
  readonly odooId: number;
  readonly json: string;
  readonly createDate: string | null;
  readonly writeDate: string | null;
  readonly contentHash: string;
  readonly binarySizes: Readonly<Record<string, string>>;
}

/** A record with its reading. */
export interface ReadHeader {
  readonly record: RecordToStore;
  readonly reading: Reading;
}
export interface ReadLine extends ReadHeader {
  readonly bcOdooId: number;
}

/**
 * One text for each column, with one line for each record. PostgreSQL splits it in half the time of one JSON of all
 * records. No value contains a line break, because JSON escapes them. An empty line is null.
 */
type Columns = readonly string[];

const lines = (param: string, type: string) =>
  sql`string_to_array(${param}::text, ${LINE_BREAK}::text, '')::${sql.raw(type)}[]`;
const LINE_BREAK = '\n';

const recordset = ([ids = '', fields = '', created = '', written = '', hashes = '', ...rest]: Columns) => {
  const [sizes = '', seqs = '', fetched = '', owners = ''] = rest;
  return sql`unnest(${lines(ids, 'bigint')}, ${lines(fields, 'text')}, ${lines(created, 'text')},
    ${lines(written, 'text')}, ${lines(hashes, 'text')}, ${lines(sizes, 'text')}, ${lines(seqs, 'bigint')},
    ${lines(fetched, 'timestamptz')}, ${lines(owners, 'bigint')})
    as r(odoo_id, fields, create_date, write_date, content_hash, binary_sizes, fetch_seq, fetched_at, bc_odoo_id)`;
};

const columns = sql.raw(
  'odoo_id, fields, odoo_create_date, odoo_write_date, content_hash, binary_sizes, fetch_seq, fetched_at, synced_at',
);

const values = sql.raw(
  `r.odoo_id, r.fields::jsonb, (r.create_date || 'Z')::timestamptz, (r.write_date || 'Z')::timestamptz,
    r.content_hash, r.binary_sizes::jsonb, r.fetch_seq, r.fetched_at, clock_timestamp()`,
);

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

/** Inserts or replaces headers. An archived BC is restored. `changed`: readers of changes will see it. */
export async function upsertHeaders(
  { db, header: bc }: MirrorStore,
  headers: readonly ReadHeader[],
  changed: 'changed' | 'touched',
): Promise<void> {
  for (const part of statements(headers)) {
    await db.execute(sql`${PREPARED}
      insert into ${bc} (${columns}) select ${values} from ${recordset(part)}
      on conflict (odoo_id) do update set ${replaced}, archived_at = null, archive_reason = null
        ${changed === 'changed' ? asChanged(bc) : sql.raw('')}`);
  }
}

/** A BC with another `create_date` is another one that Odoo gave the same id. It is new to readers of changes. */
const asChanged = (bc: HeaderTable) => sql`, changed_xid = pg_current_xact_id(), changed_at = now(),
  created_xid = case when ${bc}.odoo_create_date <> excluded.odoo_create_date then pg_current_xact_id()
    else ${bc}.created_xid end`;

/** The same content was read again. Only time and reading are updated; the reading that ended last counts. */
export async function confirmHeaders(
  { db, header: bc }: MirrorStore,
  readings: readonly (Reading & { readonly odooId: number })[],
): Promise<void> {
  if (readings.length === 0) return;
  await db.execute(sql`
    update ${bc} as stored set synced_at = clock_timestamp(), fetch_seq = r."endSeq", fetched_at = r."fetchedAt"
    from json_to_recordset(${JSON.stringify(readings)}::text::json)
      as r("odooId" bigint, "endSeq" bigint, "fetchedAt" timestamptz)
    where stored.odoo_id = r."odooId" and stored.fetch_seq < r."endSeq"`);
}

/**
 * Lines left these BCs for others: readers of changes will see it. Their headers may still list the lines, and Odoo may
 * never report them as changed. So they lose their date, and the next incremental run or sweep reads them.
 */
export async function markPreviousOwners(
  { db, header: bc }: MirrorStore,
  odooIds: readonly number[],
): Promise<void> {
  if (odooIds.length === 0) return;
  // Locked in the same order by all writers.
  await db.execute(sql`
    update ${bc} as header set changed_xid = pg_current_xact_id(), changed_at = now(), odoo_write_date = null
    from (select id from ${bc} where ${isAnyOf(bc.odooId, odooIds)} order by odoo_id for update) as owner
    where header.id = owner.id`);
}

/** Maximum of records in one statement, and of their JSON, because the parameters stay in memory. */
const RECORDS_PER_STATEMENT = 2000;
const JSON_PER_STATEMENT = 16 * 1024 * 1024;

/** Inserts or replaces lines. A line that a later reading gave to another BC stays there. */
export async function upsertLines(
  { db, line: bcLine }: MirrorStore,
  lines: readonly ReadLine[],
): Promise<void> {
  for (const part of statements(lines)) {
    await db.execute(sql`${PREPARED}
      insert into ${bcLine} (${columns}, bc_odoo_id) select ${values}, r.bc_odoo_id from ${recordset(part)}
      on conflict (odoo_id) do update set ${replaced}, bc_odoo_id = excluded.bc_odoo_id,
        archived_at = null, archive_reason = null
      where ${bcLine}.bc_odoo_id = excluded.bc_odoo_id or ${bcLine}.fetch_seq < excluded.fetch_seq
        or ${bcLine}.archive_reason = ${REMOVED}`);
  }
}

/** The columns of some records for each statement. A record that is too large goes alone. */
function* statements(records: readonly (ReadHeader | ReadLine)[]): Generator<Columns> {
  let part: (ReadHeader | ReadLine)[] = [];
  let size = 0;
  for (const one of records) {
    const { length } = one.record.json;
    if (part.length > 0 && (part.length === RECORDS_PER_STATEMENT || size + length > JSON_PER_STATEMENT)) {
      yield columnsOf(part);
      [part, size] = [[], 0];
    }
    part.push(one);
    size += length;
  }
  if (part.length > 0) yield columnsOf(part);
}

function columnsOf(records: readonly (ReadHeader | ReadLine)[]): Columns {
  const column = (value: (one: ReadHeader | ReadLine) => string | number | null) =>
    records.map((one) => value(one) ?? '').join(LINE_BREAK);
  return [
    column(({ record }) => record.odooId),
    column(({ record }) => record.json),
    column(({ record }) => record.createDate),
    column(({ record }) => record.writeDate),
    column(({ record }) => record.contentHash),
    column(({ record }) => JSON.stringify(record.binarySizes)),
    column(({ reading }) => reading.endSeq),
    column(({ reading }) => reading.fetchedAt),
    column((one) => ('bcOdooId' in one ? one.bcOdooId : null)),
  ];
}

/** Archives lines that left their BC, as of the reading that ended with `endSeq`. Lines are never deleted. */
export async function archiveLines(
  { db, line: bcLine }: MirrorStore,
  removed: readonly { readonly odooId: number; readonly endSeq: number }[],
): Promise<void> {
  if (removed.length === 0) return;
  await db.execute(sql`
    update ${bcLine} as stored set archived_at = now(), archive_reason = ${REMOVED}, synced_at = clock_timestamp(),
      fetch_seq = greatest(stored.fetch_seq, r."endSeq")
    from json_to_recordset(${JSON.stringify(removed)}::text::json) as r("odooId" bigint, "endSeq" bigint)
    where stored.odoo_id = r."odooId"`);
}
