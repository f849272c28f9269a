import { createHash } from 'node:crypto';
import { eq, type SQL, sql } from 'drizzle-orm';
import type { Database, Queryable } from './client.ts';
import { BC_KEY, syncState } from './schema/sync.ts';

const HASH_LENGTH = 12;

/**
 * Identifies this copy of the mirror and its transaction counter: the system identifier of the server, its timeline
 * (changed by a promotion or a point-in-time recovery), the database and a table of it. A dump restored on the same
 * server has another database or table, and may lack rows that readers have seen. Every role may run it. The control
 * file has the timeline only after the next checkpoint.
 */
export const hereSql: SQL = sql`(select concat_ws('/', system_identifier,
  left(pg_walfile_name(pg_current_wal_lsn()), 8), (select oid from pg_database where datname = current_database()),
  'feed_epoch'::regclass::oid) from pg_control_system())`;

/**
 * Identifies an installation: the id of its mirror, and a hash of PostgreSQL's system identifier and the database's
 * oid. The hash separates a restored dump from its original, because a dump contains the id. The timeline is left out:
 * a failover to a standby must not change the result.
 *
 * `sync_state` has no row before the first run. Two processes may insert it at once; both then read the same one.
 */
export async function readInstallation(db: Queryable, key: string): Promise<string> {
  const found = await findInstallation(db, key);
  if (found !== null) return found;
  await db.insert(syncState).values({ key }).onConflictDoNothing();
  const inserted = await findInstallation(db, key);
  if (inserted === null) throw new Error(`sync_state has no row ${key} after it was inserted`);
  return inserted;
}

const known = new WeakMap<Database, Promise<string>>();

/** The installation of this database, read once for each pool. Jobs and fetched documents in Redis name it. */
export function installationOf(db: Database): Promise<string> {
  let read = known.get(db);
  if (read === undefined) {
    read = readInstallation(db, BC_KEY);
    known.set(db, read);
    read.catch(() => known.delete(db));
  }
  return read;
}

/** Null before the first run. */
export async function findInstallation(db: Queryable, key: string): Promise<string | null> {
  const [row] = await db
    .select({
      mirrorId: syncState.mirrorId,
      place: sql<string>`concat_ws('/', (select system_identifier from pg_control_system()),
        (select oid from pg_database where datname = current_database()))`,
    })
    .from(syncState)
    .where(eq(syncState.key, key));
  if (row === undefined) return null;
  return `${row.mirrorId}:${createHash('sha256').update(row.place).digest('hex').slice(0, HASH_LENGTH)}`;
}
