import { type AnyColumn, and, asc, eq, gt, isNull, lte, sql } from 'drizzle-orm';
import type { Queryable } from '../client.ts';
import type { MirrorStore } from '../documents/tables.ts';
import { alertIncident } from '../schema/alerts.ts';
import { isAnyOf } from '../schema/columns.ts';
import { syncRunItem } from '../schema/ledger.ts';
import { type SyncFailureRow, syncFailure, syncLog } from '../schema/sync.ts';

interface Failure {
  readonly key: string;
  readonly odooId: number;
  readonly runId: number;
  readonly jobId: string | null;
  readonly code: string;
  readonly message: string;
}

/** First pause before a scheduled run retries the BC. It doubles with each failure, up to a day. */
const FIRST_PAUSE_SECONDS = 60;
const MAX_PAUSE_SECONDS = 86_400;

const pause = (failures: unknown) =>
  sql<Date>`clock_timestamp() + least(${MAX_PAUSE_SECONDS}, ${FIRST_PAUSE_SECONDS} * power(2, least(${failures}, 20) - 1)) * interval '1 second'`;

/** Opens an incident for a BC that failed for the last time, or adds to the open one. */
export async function recordFailure(db: Queryable, failure: Failure): Promise<void> {
  await db
    .insert(syncFailure)
    .values({ ...failure, nextAttemptAt: pause(sql`1`) })
    .onConflictDoUpdate({
      target: [syncFailure.key, syncFailure.odooId],
      targetWhere: isNull(syncFailure.resolvedAt),
      set: {
        code: failure.code,
        message: failure.message,
        runId: failure.runId,
        jobId: failure.jobId,
        failures: sql`${syncFailure.failures} + 1`,
        lastFailedAt: sql`clock_timestamp()`,
        nextAttemptAt: pause(sql`${syncFailure.failures} + 1`),
      },
    });
}

/** Resolves the open failures of BCs, for any run that succeeded. */
export async function resolveFailures(
  db: Queryable,
  key: string,
  odooIds: readonly number[],
  runId: number,
): Promise<void> {
  await db.execute(sql`
    update ${syncFailure} set resolved_at = clock_timestamp(), resolved_by_run_id = ${runId}
    where key = ${key} and ${isAnyOf(syncFailure.odooId, odooIds)} and resolved_at is null`);
}

/** Open failures whose pause is over. */
export async function dueFailures(db: Queryable, key: string): Promise<number[]> {
  const rows = await db
    .select({ odooId: syncFailure.odooId })
    .from(syncFailure)
    .where(
      and(
        eq(syncFailure.key, key),
        isNull(syncFailure.resolvedAt),
        lte(syncFailure.nextAttemptAt, sql`clock_timestamp()`),
      ),
    )
    .orderBy(asc(syncFailure.odooId));
  return rows.map((row) => row.odooId);
}

/** The next run retries every BC with an open failure. */
export async function endPauses(db: Queryable, key: string): Promise<void> {
  await db
    .update(syncFailure)
    .set({ nextAttemptAt: sql`least(${syncFailure.nextAttemptAt}, clock_timestamp())` })
    .where(and(eq(syncFailure.key, key), isNull(syncFailure.resolvedAt)));
}

/** Open failures by ascending id; `after` is exclusive. */
export async function listFailures(
  db: Queryable,
  key: string,
  page: { readonly limit: number; readonly after: number },
): Promise<SyncFailureRow[]> {
  return db
    .select()
    .from(syncFailure)
    .where(and(eq(syncFailure.key, key), isNull(syncFailure.resolvedAt), gt(syncFailure.id, page.after)))
    .orderBy(asc(syncFailure.id))
    .limit(page.limit);
}

/** The BCs with the oldest open failures. */
export async function oldestFailures(db: Queryable, key: string, limit: number): Promise<number[]> {
  const rows = await db
    .select({ odooId: syncFailure.odooId })
    .from(syncFailure)
    .where(and(eq(syncFailure.key, key), isNull(syncFailure.resolvedAt)))
    .orderBy(asc(syncFailure.id))
    .limit(limit);
  return rows.map(({ odooId }) => odooId);
}

/** The open failures of these BCs, by the id of the BC. */
export async function findOpenFailures(
  db: Queryable,
  key: string,
  odooIds: readonly number[],
): Promise<Map<number, SyncFailureRow>> {
  const rows = await db
    .select()
    .from(syncFailure)
    .where(
      and(eq(syncFailure.key, key), isAnyOf(syncFailure.odooId, odooIds), isNull(syncFailure.resolvedAt)),
    );
  return new Map(rows.map((row) => [row.odooId, row]));
}

export async function findOpenFailure(
  db: Queryable,
  key: string,
  odooId: number,
): Promise<SyncFailureRow | null> {
  return (await findOpenFailures(db, key, [odooId])).get(odooId) ?? null;
}

export async function countOpenFailures(db: Queryable, key: string): Promise<number> {
  return db.$count(syncFailure, and(eq(syncFailure.key, key), isNull(syncFailure.resolvedAt)));
}

/** Open failures whose BCs the run did not read, because their next try is later. */
export async function countPausedFailures(db: Queryable, key: string, runId: number): Promise<number> {
  return db.$count(
    syncFailure,
    and(
      eq(syncFailure.key, key),
      isNull(syncFailure.resolvedAt),
      sql`not exists (select from ${syncRunItem} as item
        where item.run_id = ${runId} and item.odoo_id = ${syncFailure.odooId})`,
    ),
  );
}

/**
 * BCs that must be read although Odoo does not list them: those whose retry is due, and those that lost a line after
 * `since` (see `markPreviousOwners`) and were not read since. One statement, because most runs find nothing.
 *
 * `since` is the window of the last run. A BC that Odoo no longer has is not retried forever, because the sweep
 * archives it.
 */
export async function findDueForRetry(
  { db, header: bc }: MirrorStore,
  key: string,
  since: Date | null,
): Promise<number[]> {
  const rows = await db.execute<{ odoo_id: string }>(sql`
    select odoo_id from ${syncFailure}
    where key = ${key} and resolved_at is null and next_attempt_at <= clock_timestamp()
    union
    select odoo_id from ${bc}
    where changed_at >= ${since?.toISOString() ?? null}::timestamptz and odoo_write_date is null and archived_at is null
    order by odoo_id`);
  return rows.map((row) => Number(row.odoo_id));
}

const HIDDEN_MESSAGE = 'The message was removed, because it may quote a hidden or erased value.';

/** SQLSTATEs, and errors that quote Odoo or a value. Other messages about a run stay. */
const mayQuote = (code: AnyColumn) =>
  sql`(${code} ~ '^[0-9A-Z]{5}$' or ${code} like 'odoo%' or ${code} = 'invalid_document')`;

/** Replaces the messages of failures of a mirror. */
export async function hideFailureMessages(db: Queryable, key: string): Promise<void> {
  await db.update(syncFailure).set({ message: HIDDEN_MESSAGE }).where(eq(syncFailure.key, key));
}

/** Replaces the messages of runs and incidents of a mirror that may quote values. */
export async function hideRunMessages(db: Queryable, key: string): Promise<void> {
  await db
    .update(syncLog)
    .set({ errorMessage: HIDDEN_MESSAGE })
    .where(and(eq(syncLog.key, key), mayQuote(syncLog.errorCode)));
  await db
    .update(alertIncident)
    .set({ message: HIDDEN_MESSAGE })
    .where(and(eq(alertIncident.subject, key), mayQuote(alertIncident.code)));
}
