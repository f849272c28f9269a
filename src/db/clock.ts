import { sql } from 'drizzle-orm';
import type { Queryable } from './connection.ts';

/** PostgreSQL's clock: the one that all processes share. */
export async function databaseClock(db: Queryable): Promise<Date> {
  const [row] = await db.execute<{ now: string }>(sql`select clock_timestamp() as now`);
  return new Date(row?.now ?? Number.NaN);
}
