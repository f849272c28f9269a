import { sql } from 'drizzle-orm';
import type { Queryable } from './connection.ts';
import { bc } from './schema/documents.ts';
import { syncFailure } from './schema/sync.ts';

/**
 * What is to be read though Odoo need not name it: BCs whose pause after a failure is over, and those that lines left
 * since `since` (see `markLeft`) and that nobody has read yet. One statement, since most runs find nothing.
 *
 * `since` is to be the last run's: one that Odoo no longer has is not tried for ever, it is the sweep's.
 */
export async function dueAgain(db: Queryable, key: string, since: Date | null): Promise<number[]> {
  const rows = await db.execute<{ odoo_id: string }>(sql`
    select odoo_id from ${syncFailure}
    where key = ${key} and resolved_at is null and next_attempt_at <= clock_timestamp()
    union
    select odoo_id from ${bc}
    where changed_at >= ${since?.toISOString() ?? null}::timestamptz and odoo_write_date is null and archived_at is null
    order by odoo_id`);
  return rows.map((row) => Number(row.odoo_id));
}
