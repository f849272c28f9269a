import { sql } from 'drizzle-orm';
import type { Queryable } from './connection.ts';
import { APPLICATION_NAME } from './connection.ts';

/**
 * Ends the sessions of this role that wait for the rest of a statement for longer than `afterMs`.
 *
 * The driver sends a statement in two messages. If its process freezes between them, PostgreSQL counts the session as
 * active: `idle_in_transaction_session_timeout` does not start, and PostgreSQL holds `statement_timeout` back while it
 * reads. The session would keep its locks until the process ends.
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
