import { type SQL, sql } from 'drizzle-orm';
import { groupBy } from '../../shared/collections.ts';
import type { Queryable } from '../client.ts';
import { recordChanges } from '../documents/audit-log.ts';
import { newestSeq } from '../documents/fetch-sequence.ts';
import type { MirrorStore } from '../documents/tables.ts';
import { lockDocuments } from '../documents/writes.ts';
import { LOCK_FAMILIES } from '../locks.ts';
import type { ArchiveReason } from '../schema/audit.ts';
import { isAnyOf } from '../schema/columns.ts';
import type { HeaderTable, LineTable } from '../schema/documents.ts';
import { syncRunItem } from '../schema/ledger.ts';
import { type SyncLogRow, syncFailure, syncLog } from '../schema/sync.ts';

/** A record in the list of a sweep; `writeDate` is a text of Odoo (UTC, whole seconds) or null. */
export interface Listed {
  readonly id: number;
  readonly writeDate: string | null;
}

/** The range of one slice of ids: `after < id <= upTo`. */
export interface Slice {
  readonly listed: readonly Listed[];
  readonly after: number;
  readonly upTo: number;
}

export interface Sweep {
  readonly key: string;
  readonly runId: number;
  /** Start of the next incremental window as a text of Odoo; null without one. */
  readonly windowStart: string | null;
  /** The failed run that the next one continues. */
  readonly owing: number | null;
  /** Every header of Odoo counts as different. */
  readonly everything: boolean;
}

/** A line that differs, and whether it was written before the window. */
export interface DifferingLine {
  readonly id: number;
  readonly late: boolean;
}

const rowsOf = ({ listed }: Slice): SQL => sql`(
  select (entry->>0)::bigint as id, entry->>1 as write_date
  from jsonb_array_elements(${JSON.stringify(listed.map(({ id, writeDate }) => [id, writeDate]))}::jsonb) as entry)`;

/** A stored date in the format of Odoo, so that it can be compared with any text of Odoo. */
const storedDate = sql`to_char(mirror.odoo_write_date at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS')`;

/** It lost its date because it must be read again (`markLeft`), so a difference is expected. */
const isMarked = sql`(mirror.odoo_id is not null and mirror.odoo_write_date is null)`;

/** It is older than any later window. */
const beforeWindow = ({ windowStart }: Sweep): SQL =>
  sql`coalesce(listed.write_date < ${windowStart}::text, false)`;

const openFailure = ({ key }: Sweep, odooId: SQL): SQL => sql`select 1 from ${syncFailure} as failure
  where failure.key = ${key} and failure.odoo_id = ${odooId} and failure.resolved_at is null`;

/** A later run retries it, whenever it was written. */
const offeredAgain = (
  sweep: Sweep,
  odooId: SQL,
): SQL => sql`(exists (${openFailure(sweep, odooId)}) or exists (
  select 1 from ${syncRunItem} as owed
  where owed.run_id = ${sweep.owing} and owed.odoo_id = ${odooId} and owed.state = 'open'))`;

/** A failed BC differs until it succeeds. It is retried when its pause is over, not by each sweep. */
export const paused = (sweep: Sweep, odooId: SQL): SQL =>
  sql`exists (${openFailure(sweep, odooId)} and failure.next_attempt_at > clock_timestamp())`;

/**
 * The part of the mirror in a slice, as a full join with the list of Odoo. PostgreSQL cannot know the length of the
 * list; with other joins it compares each row with the whole list.
 */
const mirrored = (table: HeaderTable | LineTable, { after, upTo }: Slice): SQL =>
  sql`(select * from ${table} where odoo_id > ${after} and odoo_id <= ${upTo})`;

/** Writes into the ledger the differences of one slice of headers, and the BCs that Odoo does not list there. */
export async function compareHeaders(
  { db, header: bc }: MirrorStore,
  sweep: Sweep,
  slice: Slice,
): Promise<void> {
  const id = sql`listed.id`;
  await db.execute(sql`
    insert into ${syncRunItem} (run_id, odoo_id, page, late, absent)
    select ${sweep.runId}, coalesce(listed.id, mirror.odoo_id), 0,
      mirror.archived_at is null and not ${isMarked} and ${beforeWindow(sweep)} and not ${offeredAgain(sweep, id)},
      listed.id is null
    from ${rowsOf(slice)} as listed full join ${mirrored(bc, slice)} as mirror on mirror.odoo_id = listed.id
    where case when listed.id is null then mirror.archived_at is null
      else (${sweep.everything} or mirror.odoo_id is null or mirror.archived_at is not null
        or ${storedDate} is distinct from listed.write_date) and not ${paused(sweep, id)} end
    on conflict do nothing`);
}

/** The lines of one slice that are missing from the mirror or have another date. */
export async function differingLines(
  { db, line: bcLine }: MirrorStore,
  sweep: Sweep,
  slice: Slice,
): Promise<DifferingLine[]> {
  const rows = await db.execute<{ id: string; late: boolean }>(sql`
    select listed.id, ${beforeWindow(sweep)} as late
    from ${rowsOf(slice)} as listed left join ${bcLine} as mirror on mirror.odoo_id = listed.id
    where mirror.odoo_id is null or mirror.archived_at is not null or ${storedDate} is distinct from listed.write_date`);
  return rows.map(({ id, late }) => ({ id: Number(id), late }));
}

/**
 * Writes into the ledger the BCs of differing lines: those that the lines have in Odoo (`headers`), those that they
 * have in the mirror, and those whose lines are missing from the slice. BCs that the sweep has not seen are left out:
 * they are newer, hidden, or outside the domain of the mirror. An archived line has left its BC of the mirror:
 * otherwise one that moved to a BC outside the domain would differ in each sweep. Counts the missing lines whose BC the
 * sweep saw.
 */
export async function addOwners(
  { db, header: bc, line: bcLine }: MirrorStore,
  sweep: Sweep,
  slice: Slice,
  differing: readonly DifferingLine[],
  headers: readonly DifferingLine[],
): Promise<void> {
  const pairs = JSON.stringify(headers.map(({ id, late }) => [id, late]));
  const ids = JSON.stringify(differing.map(({ id }) => id));
  await db.execute(sql`
    with gone as materialized (
      select mirror.bc_odoo_id from ${rowsOf(slice)} as listed
        full join ${mirrored(bcLine, slice)} as mirror on mirror.odoo_id = listed.id
      where listed.id is null and mirror.archived_at is null),
    counted as (
      update ${syncLog} as run set lines_gone = run.lines_gone + seen.lines from (
        select count(*)::int as lines from gone join ${bc} as owner on owner.odoo_id = gone.bc_odoo_id
        where owner.archived_at is null and not exists (
          select from ${syncRunItem} as item
          where item.run_id = ${sweep.runId} and item.odoo_id = owner.odoo_id and item.absent)) as seen
      where run.id = ${sweep.runId} and seen.lines > 0)
    insert into ${syncRunItem} (run_id, odoo_id, page, late)
    select ${sweep.runId}, owner.id, 0, bool_or(owner.late) and not ${offeredAgain(sweep, sql`owner.id`)}
    from (
      select (pair->>0)::bigint as id, (pair->>1)::boolean as late from jsonb_array_elements(${pairs}::jsonb) as pair
      union all
      select ${bcLine.bcOdooId}, false from ${bcLine}
      where ${bcLine.archivedAt} is null
        and ${bcLine.odooId} in (select value::bigint from jsonb_array_elements_text(${ids}::jsonb))
      union all
      select bc_odoo_id, false from gone
    ) as owner join ${bc} on ${bc.odooId} = owner.id and ${bc.archivedAt} is null
    where not ${paused(sweep, sql`owner.id`)}
    group by owner.id
    on conflict (run_id, odoo_id) do update set late = sync_run_item.late or excluded.late
      where not sync_run_item.absent`);
}

/** Distributes the findings of a sweep over pages: first the differences, then the missing BCs. */
export async function numberPages(db: Queryable, runId: number, pageSize: number): Promise<void> {
  await db.execute(sql`
    update ${syncRunItem} as item set page = numbered.page
    from (select odoo_id, ((row_number() over (order by absent, odoo_id) - 1) / ${pageSize})::int as page
      from ${syncRunItem} where run_id = ${runId}) as numbered
    where item.run_id = ${runId} and item.odoo_id = numbered.odoo_id`);
}

/** BCs archived in one transaction: each holds a lock meanwhile. */
const BATCH = 500;

/**
 * BCs that the run found deleted, that are not archived yet and were not read since. A number beyond the sequence is
 * from before PostgreSQL lost commits, and does not count.
 */
const archivable = (bc: HeaderTable, runId: number) => sql`
  from ${syncRunItem} as item join ${bc} on ${bc.odooId} = item.odoo_id
  where item.run_id = ${runId} and item.state = 'gone' and ${bc.archivedAt} is null
    and (${bc.fetchSeq} < item.gone_seq or ${bc.fetchSeq} > ${newestSeq})`;

/**
 * BCs that the run found deleted and that stay in the mirror, although they were stored before the run began. Their
 * numbers claim a later reading: PostgreSQL lost commits, and the sequence has passed these numbers since.
 */
export async function countUnarchived({ db, header: bc }: MirrorStore, runId: number): Promise<number> {
  const [row] = await db.execute<{ unarchived: number }>(sql`
    select count(*)::int as unarchived
    from ${syncRunItem} as item join ${bc} on ${bc.odooId} = item.odoo_id
      join ${syncLog} as run on run.id = item.run_id
    where item.run_id = ${runId} and item.state = 'gone' and ${bc.archivedAt} is null
      and ${bc.fetchSeq} >= item.gone_seq and ${bc.fetchSeq} <= ${newestSeq} and ${bc.syncedAt} < run.started_at`);
  return row?.unarchived ?? 0;
}

/** The number of BCs that a run is about to archive. */
export async function countArchivable({ db, header: bc }: MirrorStore, runId: number): Promise<number> {
  const [row] = await db.execute<{ pending: number }>(
    sql`select count(*)::int as pending ${archivable(bc, runId)}`,
  );
  return row?.pending ?? 0;
}

interface ArchiveAccount {
  /** BCs that this run and those of the last day have already archived. Forced runs of before do not count. */
  readonly done: number;
  /** BCs of the mirror that were not archived a day ago, or were added since. */
  readonly mirrored: number;
}

/**
 * The base of the archive limit of a run. It includes the BCs that this run has archived already, so that a resumed run
 * decides the same, and those of the last day: a right that is withdrawn step by step must not empty the mirror.
 */
export async function archiveAccount(
  { db, header: bc }: MirrorStore,
  run: SyncLogRow,
): Promise<ArchiveAccount> {
  const [row] = await db.execute<Record<keyof ArchiveAccount, number>>(sql`
    select done, (select count(*)::int from ${bc} where ${bc.archivedAt} is null) + done as mirrored
    from (
      select (select count(*) from ${syncRunItem} where run_id = ${run.id} and state = 'archived')::int
        + (select coalesce(sum(archived), 0) from ${syncLog} as earlier
          where earlier.key = ${run.key} and earlier.id <> ${run.id} and not earlier.force
            and earlier.finished_at > clock_timestamp() - interval '1 day')::int as done) as before`);
  return { done: row?.done ?? 0, mirrored: row?.mirrored ?? 0 };
}

/**
 * The next BCs that a run archives, ascending.
 *
 * @param after only BCs with a greater id, so that the ledger is not read from its beginning each time.
 */
export async function nextArchivable(
  { db, header: bc }: MirrorStore,
  runId: number,
  after: number,
): Promise<number[]> {
  return ids(
    db,
    sql`select item.odoo_id ${archivable(bc, runId)} and item.odoo_id > ${after} order by item.odoo_id limit ${BATCH}`,
  );
}

/**
 * Archives these BCs, which a run found deleted or outside the domain of the mirror, with their lines and an audit
 * entry. Call it in a transaction. A BC that was read after the run began to check it stays. A fetch that began before
 * the archiving does not restore the BC: it is fetched again.
 */
export async function archiveSome(
  store: MirrorStore,
  runId: number,
  some: readonly number[],
  outOfScope: ReadonlySet<number>,
): Promise<void> {
  const { db: tx, header: bc } = store;
  await lockDocuments(store, some);
  // Another process may have stored one of them before we got the lock.
  const left = await ids(
    tx,
    sql`select item.odoo_id ${archivable(bc, runId)} and ${isAnyOf(bc.odooId, some)} order by item.odoo_id`,
  );
  const byReason = groupBy(
    left,
    (odooId): ArchiveReason => (outOfScope.has(odooId) ? 'out_of_scope' : 'gone'),
  );
  for (const [reason, odooIds] of byReason) await archiveFor(store, runId, odooIds, reason);
}

async function archiveFor(
  store: MirrorStore,
  runId: number,
  odooIds: readonly number[],
  reason: ArchiveReason,
): Promise<void> {
  const { db: tx, header: bc, line: bcLine } = store;
  await tx.execute(sql`
    update ${bcLine} set archived_at = now(), archive_reason = ${reason}
    where ${isAnyOf(bcLine.bcOdooId, odooIds)} and ${bcLine.archivedAt} is null`);
  await tx.execute(sql`
    update ${bc} set archived_at = now(), archive_reason = ${reason}, fetch_seq = nextval('fetch_seq'),
      changed_xid = pg_current_xact_id(), changed_at = now()
    where ${isAnyOf(bc.odooId, odooIds)}`);
  await tx.execute(sql`
    update ${syncRunItem} set state = 'archived'
    where ${syncRunItem.runId} = ${runId} and ${isAnyOf(syncRunItem.odooId, odooIds)}`);
  await recordChanges(
    store,
    odooIds.map((odooId) => ({ odooId, runId, action: 'archived', changes: { reason } })),
  );
}

async function ids(tx: Queryable, query: ReturnType<typeof sql>): Promise<number[]> {
  return (await tx.execute<{ odoo_id: string }>(query)).map((row) => Number(row.odoo_id));
}

/** The lines that a run has removed so far, and its limits. */
export interface LineAccount {
  /** The breakers do not apply to it. */
  readonly force: boolean;
  /** Lines that its sweep did not find in Odoo. */
  readonly gone: number;
  readonly removed: number;
}

/**
 * Until the transaction ends, no other transaction can count the removed lines of these runs and add its own, so the
 * limit is exact. All lock in the same order, so that transactions with several runs do not deadlock.
 */
export async function lockLineAccounts(db: Queryable, runIds: readonly number[]): Promise<void> {
  await db.execute(sql`
    select pg_advisory_xact_lock(${LOCK_FAMILIES.lineRemovals}, hash) from (
      select distinct hashint8(id) as hash
      from unnest(${`{${runIds.join(',')}}`}::bigint[]) as run (id) order by hash) as hashes`);
}

/** The accounts of some runs, by id. */
export async function lineAccounts(
  db: Queryable,
  runIds: readonly number[],
): Promise<ReadonlyMap<number, LineAccount>> {
  const rows = await db.execute<{ id: string; force: boolean; gone: number; removed: number }>(sql`
    select id, force, lines_gone as gone, (select coalesce(sum(lines_removed), 0)::int from ${syncRunItem} as item
      where item.run_id = run.id and (item.lines_removed > 0 or item.lines_kept > 0)) as removed
    from ${syncLog} as run where ${isAnyOf(sql`run.id`, runIds)}`);
  return new Map(rows.map(({ id, ...account }) => [Number(id), account]));
}

/** Lines of the mirror that are not archived, counted up to `limit` (null: all of them). */
export async function countLiveLines(
  { db, line: bcLine }: MirrorStore,
  limit: number | null,
): Promise<number> {
  const [row] = await db.execute<{ lines: number }>(sql`
    select count(*)::int as lines from (
      select from ${bcLine} where ${bcLine.archivedAt} is null limit ${limit}::bigint) as live`);
  return row?.lines ?? 0;
}

/** Lines that a run kept although Odoo no longer shows them. */
export interface KeptLines {
  readonly lines: number;
  readonly documents: number;
}

export async function countKeptLines(db: Queryable, runId: number): Promise<KeptLines> {
  const [row] = await db.execute<{ lines: number; documents: number }>(sql`
    select coalesce(sum(lines_kept), 0)::int as lines, count(*)::int as documents
    from ${syncRunItem} where run_id = ${runId} and lines_kept > 0`);
  return row ?? { lines: 0, documents: 0 };
}
