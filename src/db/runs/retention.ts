import { sql } from 'drizzle-orm';
import type { Queryable } from '../client.ts';
import type { MirrorStore } from '../documents/tables.ts';
import { alertDelivery, alertIncident } from '../schema/alerts.ts';
import { isAnyOf } from '../schema/columns.ts';
import { syncRunItem, syncRunPage } from '../schema/ledger.ts';
import { modelChange } from '../schema/model.ts';
import { syncFailure, syncLog, syncState } from '../schema/sync.ts';
import { newestPlanned } from './runs.ts';

/** The moment before which a row is too old, by the clock of PostgreSQL. */
const before = (ageMs: number) => sql`clock_timestamp() - ${ageMs} * interval '1 millisecond'`;

/** Runs whose items are kept at any age: the holder of a lease, and the run that the next one may continue. */
export async function heldRuns(db: Queryable): Promise<number[]> {
  const states = await db.select().from(syncState);
  const needed: number[] = [];
  for (const { key, leaseRunId } of states) {
    const newest = await newestPlanned(db, key);
    needed.push(...[leaseRunId, newest?.id].filter((id) => id != null));
  }
  return needed;
}

/** Runs that are kept because they are the newest of their mode: the newest success and the newest failure. */
export async function newestRuns(db: Queryable): Promise<number[]> {
  return ids(
    await db.execute(sql`
      select max(id) as id from ${syncLog} where mode <> 'single' and status in ('success', 'partial', 'failed')
      group by key, mode, status = 'failed'`),
  );
}

/** Deletable runs: those that ended more than `ageMs` ago and are not `needed`. */
export interface Expiry {
  readonly ageMs: number;
  readonly needed: readonly number[];
}

const expired = ({ ageMs, needed }: Expiry) =>
  sql`run.finished_at < ${before(ageMs)} and not ${isAnyOf(sql`run.id`, needed)}`;

/** The oldest deletable runs, by ascending id. */
export async function expiredRuns(db: Queryable, expiry: Expiry, limit: number): Promise<number[]> {
  return ids(
    await db.execute(sql`
      select run.id from ${syncLog} as run where ${expired(expiry)} order by run.id limit ${limit}`),
  );
}

/** The oldest deletable runs that still have items. Reads one item of each run. */
export async function runsWithItems(db: Queryable, expiry: Expiry, limit: number): Promise<number[]> {
  return ids(
    await db.execute(sql`
      with recursive holder as (
        (select run_id from ${syncRunItem} order by run_id limit 1)
        union all
        select (select run_id from ${syncRunItem} as item where item.run_id > holder.run_id order by run_id limit 1)
        from holder where holder.run_id is not null)
      select run.id from holder join ${syncLog} as run on run.id = holder.run_id
      where ${expired(expiry)} order by run.id limit ${limit}`),
  );
}

export async function deletePages(db: Queryable, runIds: readonly number[]): Promise<void> {
  await db.delete(syncRunPage).where(isAnyOf(syncRunPage.runId, runIds));
}

/** Deletes at most `limit` items of these runs, except locked rows. */
export async function deleteItems(db: Queryable, runIds: readonly number[], limit: number): Promise<number> {
  return counted(
    await db.execute(sql`
      with gone as (
        delete from ${syncRunItem} where ctid = any(array(
          select ctid from ${syncRunItem} where ${isAnyOf(syncRunItem.runId, runIds)}
          limit ${limit} for update skip locked)) returning 1)
      select count(*)::int as n from gone`),
  );
}

/** Deletes those of these runs that have no items left. A run is never deleted before its items. */
export async function deleteRuns(db: Queryable, runIds: readonly number[]): Promise<number> {
  return counted(
    await db.execute(sql`
      with gone as (
        delete from ${syncLog} as run where ${isAnyOf(sql`run.id`, runIds)}
          and not exists (select 1 from ${syncRunItem} as item where item.run_id = run.id) returning 1)
      select count(*)::int as n from gone`),
  );
}

/** Resolved failures. */
export async function deleteFailures(db: Queryable, ageMs: number, limit: number): Promise<number> {
  return counted(
    await db.execute(sql`
      with gone as (
        delete from ${syncFailure} where id = any(array(
          select id from ${syncFailure} where resolved_at < ${before(ageMs)}
          order by id limit ${limit} for update skip locked)) returning 1)
      select count(*)::int as n from gone`),
  );
}

/** Resolved and delivered incidents, with their notices. */
export async function deleteIncidents(db: Queryable, ageMs: number, limit: number): Promise<number> {
  return counted(
    await db.execute(sql`
      with over as (
        select id from ${alertIncident} as incident where resolved_at < ${before(ageMs)} and not exists (
          select 1 from ${alertDelivery} as delivery where delivery.incident_id = incident.id
            and delivery.delivered_at is null and delivery.given_up_at is null)
        order by id limit ${limit} for update skip locked),
      deliveries as (delete from ${alertDelivery} where incident_id in (select id from over)),
      gone as (delete from ${alertIncident} where id in (select id from over) returning 1)
      select count(*)::int as n from gone`),
  );
}

/**
 * Changes of the model that no run needs any more. The newest one that required a full read is kept, and so are those
 * that no full run has covered.
 */
export async function deleteModelChanges(db: Queryable, ageMs: number, limit: number): Promise<number> {
  return counted(
    await db.execute(sql`
      with gone as (
        delete from ${modelChange} where id = any(array(
          select id from ${modelChange} where at < ${before(ageMs)} and (not reread or (
            id < (select min(model_read) from ${syncState})
            and id < (select max(id) from ${modelChange} where reread)))
          order by id limit ${limit} for update skip locked)) returning 1)
      select count(*)::int as n from gone`),
  );
}

/** The last id of the next `size` rows of the audit trail after `after`; null at the end. */
export async function endOfAudit(
  { db, audit }: MirrorStore,
  after: number,
  size: number,
): Promise<number | null> {
  const [row] = await db.execute<{ id: string | null }>(sql`
    select max(id) as id from (select id from ${audit} where id > ${after} order by id limit ${size}) as slice`);
  return row?.id == null ? null : Number(row.id);
}

/** Deletes rows of the audit trail with `after < id <= upTo` that are past their retention. */
export async function deleteAudit(
  { db, audit }: MirrorStore,
  ageMs: number,
  { after, upTo }: { readonly after: number; readonly upTo: number },
): Promise<number> {
  return counted(
    await db.execute(sql`
      with gone as (
        delete from ${audit} where id = any(array(
          select id from ${audit} where id > ${after} and id <= ${upTo} and at < ${before(ageMs)}
          for update skip locked)) returning 1)
      select count(*)::int as n from gone`),
  );
}

const ids = (rows: readonly Record<string, unknown>[]) => rows.map(({ id }) => Number(id));
const counted = ([row]: readonly Record<string, unknown>[]) => Number(row?.['n'] ?? 0);
