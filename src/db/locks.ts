import { sql } from 'drizzle-orm';
import { APPLICATION_NAME, type Queryable } from './client.ts';

/**
 * The numbers of the advisory locks, in one place so that no two are equal. The values have no meaning, but processes
 * of two versions must use the same ones.
 */
export const LOCKS = {
  /** One process at a time migrates. */
  migration: 7_264_531,
  // 7_264_532 was the watchdog's. Do not use it again: workers of older versions may still run.
  /** One process at a time compares the model of Odoo with the stored one. */
  model: 7_264_533,
  /** One process at a time creates views. */
  view: 7_264_534,
  /** One process at a time opens an epoch of the change feed. */
  feed: 7_264_535,
  /** One process at a time lets the sequence of readings jump. */
  sequence: 7_264_536,
  /** One process at a time creates or drops the tables of a mirror. */
  mirrors: 7_264_537,
} as const;

/** The first of the two numbers of a lock. PostgreSQL separates locks with two numbers from those with one. */
export const LOCK_FAMILIES = {
  /** Writers of the same BC; the second number is the id of the BC. */
  document: 2_023,
  /** One process at a time checks for incidents; the second number is the area. */
  alerts: 7_264_533,
  /** One transaction at a time removes lines for a run; the second number is a hash of the run's id. */
  lineRemovals: 2_024,
  /** Shared by writers of the documents of a mirror, exclusive while stored values are rewritten; a hash of its table. */
  rewriting: 2_025,
} as const;

/**
 * Ends the sessions of this role that wait for the rest of a statement for longer than `afterMs`.
 *
 * The driver sends a statement in two messages. If its process freezes between them, PostgreSQL counts the session as
 * active. Then `idle_in_transaction_session_timeout` does not start, and PostgreSQL holds `statement_timeout` back
 * while it reads. The session would keep its locks until the process ends.
 *
 * @returns how many it ended.
 */
export async function endFrozenSessions(db: Queryable, afterMs: number): Promise<number> {
  const rows = await db.execute(sql`
    select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and usename = current_user and application_name = ${APPLICATION_NAME}
      and state = 'active' and wait_event = 'ClientRead' and pid <> pg_backend_pid()
      and state_change < clock_timestamp() - ${afterMs} * interval '1 millisecond'`);
  return rows.length;
}
