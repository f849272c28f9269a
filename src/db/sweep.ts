import type { SQL } from 'drizzle-orm';
import { sql } from 'drizzle-orm';
import type { Queryable } from './connection.ts';
import { bc, bcLine } from './schema/documents.ts';
import { syncRunItem } from './schema/ledger.ts';
import { syncFailure, syncLog } from './schema/sync.ts';

/** A record as a sweep lists it; `writeDate` is Odoo's text (UTC, whole seconds) or null. */
export interface Listed {
  readonly id: number;
  readonly writeDate: string | null;
}

/** What one slice of Odoo's ids covers: every id with `after < id <= upTo`. */
export interface Slice {
  readonly listed: readonly Listed[];
  readonly after: number;
  readonly upTo: number;
}

export interface Sweep {
  readonly key: string;
  readonly runId: number;
  /** Odoo's text of where the next incremental window begins; null while there is none. */
  readonly windowStart: string | null;
  /** The failed run that the next one carries on. */
  readonly owing: number | null;
}

/** A line that differs, and whether it had been written before the window. */
export interface DifferingLine {
  readonly id: number;
  readonly late: boolean;
}

const rowsOf = ({ listed }: Slice): SQL => sql`(
  select (entry->>0)::bigint as id, entry->>1 as write_date
  from jsonb_array_elements(${JSON.stringify(listed.map(({ id, writeDate }) => [id, writeDate]))}::jsonb) as entry)`;

/** A stored date in Odoo's own words, so that whatever Odoo sends can be compared with it. */
const storedDate = sql`to_char(mirror.odoo_write_date at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS')`;

/** It lost its date to be read again (`markLeft`): that it differs is no news. */
const isMarked = sql`(mirror.odoo_id is not null and mirror.odoo_write_date is null)`;

/** No window to come reaches back to it. */
const beforeWindow = ({ windowStart }: Sweep): SQL =>
  sql`coalesce(listed.write_date < ${windowStart}::text, false)`;

const openFailure = ({ key }: Sweep, odooId: SQL): SQL => sql`select 1 from ${syncFailure} as failure
  where failure.key = ${key} and failure.odoo_id = ${odooId} and failure.resolved_at is null`;

/** A later run offers it again, whenever it was written. */
const offeredAgain = (
  sweep: Sweep,
  odooId: SQL,
): SQL => sql`(exists (${openFailure(sweep, odooId)}) or exists (
  select 1 from ${syncRunItem} as owed
  where owed.run_id = ${sweep.owing} and owed.odoo_id = ${odooId} and owed.state = 'open'))`;

/** A BC that failed differs until it succeeds: it is offered again when its pause is over, not by each sweep. */
const paused = (sweep: Sweep, odooId: SQL): SQL =>
  sql`exists (${openFailure(sweep, odooId)} and failure.next_attempt_at > clock_timestamp())`;

/**
 * What of the mirror belongs into a slice. Joined in full with what Odoo lists there: PostgreSQL, which cannot know
 * how long the list is, compares each row with the whole list where a join lets it.
 */
const mirrored = (table: typeof bc | typeof bcLine, { after, upTo }: Slice): SQL =>
  sql`(select * from ${table} where odoo_id > ${after} and odoo_id <= ${upTo})`;

/** Writes into the ledger what differs in one slice of headers, and what of the mirror Odoo does not list there. */
export async function compareHeaders(db: Queryable, sweep: Sweep, slice: Slice): Promise<void> {
  const id = sql`listed.id`;
  await db.execute(sql`
    insert into ${syncRunItem} (run_id, odoo_id, page, late, absent)
    select ${sweep.runId}, coalesce(listed.id, mirror.odoo_id), 0,
      mirror.archived_at is null and not ${isMarked} and ${beforeWindow(sweep)} and not ${offeredAgain(sweep, id)},
      listed.id is null
    from ${rowsOf(slice)} as listed full join ${mirrored(bc, slice)} as mirror on mirror.odoo_id = listed.id
    where case when listed.id is null then mirror.archived_at is null
      else (mirror.odoo_id is null or mirror.archived_at is not null or ${storedDate} is distinct from listed.write_date)
        and not ${paused(sweep, id)} end
    on conflict do nothing`);
}

/** The lines of one slice that the mirror lacks or has with another date. */
export async function differingLines(db: Queryable, sweep: Sweep, slice: Slice): Promise<DifferingLine[]> {
  const rows = await db.execute<{ id: string; late: boolean }>(sql`
    select listed.id, ${beforeWindow(sweep)} as late
    from ${rowsOf(slice)} as listed left join ${bcLine} as mirror on mirror.odoo_id = listed.id
    where mirror.odoo_id is null or mirror.archived_at is not null or ${storedDate} is distinct from listed.write_date`);
  return rows.map(({ id, late }) => ({ id: Number(id), late }));
}

/**
 * Writes into the ledger the BCs of differing lines: those that Odoo gives them (`headers`), those that the mirror gives
 * them, and those whose lines are gone from the slice. BCs that the sweep has not seen are left out: they came later, or
 * cannot be seen. Counts the gone lines whose BC the sweep saw.
 */
export async function addOwners(
  db: Queryable,
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
      where ${bcLine.odooId} in (select value::bigint from jsonb_array_elements_text(${ids}::jsonb))
      union all
      select bc_odoo_id, false from gone
    ) as owner join ${bc} on ${bc.odooId} = owner.id and ${bc.archivedAt} is null
    where not ${paused(sweep, sql`owner.id`)}
    group by owner.id
    on conflict (run_id, odoo_id) do update set late = sync_run_item.late or excluded.late
      where not sync_run_item.absent`);
}

/** Spreads what a sweep found over pages: first what differs, then what is absent. */
export async function numberPages(db: Queryable, runId: number, pageSize: number): Promise<void> {
  await db.execute(sql`
    update ${syncRunItem} as item set page = numbered.page
    from (select odoo_id, ((row_number() over (order by absent, odoo_id) - 1) / ${pageSize})::int as page
      from ${syncRunItem} where run_id = ${runId}) as numbered
    where item.run_id = ${runId} and item.odoo_id = numbered.odoo_id`);
}
