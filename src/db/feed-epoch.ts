import type { SQL } from 'drizzle-orm';
import { sql } from 'drizzle-orm';
import { isAnyOf } from './columns.ts';
import type { Database, Queryable, Transaction } from './connection.ts';
import { lockDocuments } from './documents.ts';
import { LOCKS } from './locks.ts';
import { bc, feedEpoch } from './schema/documents.ts';

/**
 * Which copy of the mirror this is, and who counts its transactions: the server's system identifier, its timeline, which
 * a promotion or a recovery to a point in time changes, the database and a table of it. A dump brought back on its own
 * server has another database or another table, and may lack what readers have seen. Any role may ask. The control file
 * would tell the timeline only after the next checkpoint.
 */
export const hereSql: SQL = sql`(select concat_ws('/', system_identifier,
  left(pg_walfile_name(pg_current_wal_lsn()), 8), (select oid from pg_database where datname = current_database()),
  'feed_epoch'::regclass::oid) from pg_control_system())`;

/** The newest epoch. `token` is its name in cursors; not the id alone, which two copies of one database both count. */
export const newestEpoch: SQL = sql`
  select ${feedEpoch.server} as server,
    concat_ws('-', ${feedEpoch.id}, (extract(epoch from ${feedEpoch.since}) * 1000000)::bigint) as token
  from ${feedEpoch} order by ${feedEpoch.id} desc limit 1`;

/** BCs stamped in one transaction: each holds a lock of its own meanwhile. */
const BATCH = 500;

/** A transaction that this server has not begun yet: another server counted it. */
const isForeign = (xid: SQL): SQL => sql`${xid} >= pg_snapshot_xmax(pg_current_snapshot())`;
const changedXid = sql`${bc.changedXid}`;
const createdXid = sql`${bc.createdXid}`;

/**
 * Opens an epoch of the change feed for this server, unless somebody else just did. What another server stamped with
 * transactions that are yet to come here is stamped anew first, in small transactions: a million BCs are minutes.
 *
 * A foreign number below those that are yet to come may stay: no reader has passed it, since all begin anew.
 */
export async function openEpoch(db: Database): Promise<void> {
  let open = false;
  while (!open) open = await db.transaction(openOrStamp);
}

/** @returns whether the epoch is open. */
async function openOrStamp(tx: Transaction): Promise<boolean> {
  await tx.execute(sql`select pg_advisory_xact_lock(${LOCKS.feed})`);
  if (await isCurrent(tx)) return true;
  const rows = await tx.execute<{ odoo_id: string }>(sql`
    select odoo_id from ${bc} where ${isForeign(changedXid)} order by changed_xid limit ${BATCH}`);
  if (rows.length > 0) {
    await stamp(
      tx,
      rows.map((row) => Number(row.odoo_id)),
    );
    return false;
  }
  await tx.execute(sql`insert into ${feedEpoch} (server) values (${hereSql})`);
  return true;
}

async function isCurrent(tx: Queryable): Promise<boolean> {
  const [epoch] = await tx.execute<{ current: boolean }>(
    sql`select server = ${hereSql} as current from (${newestEpoch}) as epoch`,
  );
  return epoch?.current === true;
}

async function stamp(tx: Queryable, odooIds: readonly number[]): Promise<void> {
  await lockDocuments(tx, odooIds);
  await tx.execute(sql`
    update ${bc} set changed_xid = pg_current_xact_id(),
      created_xid = case when ${isForeign(createdXid)} then pg_current_xact_id() else created_xid end
    where ${isAnyOf(bc.odooId, odooIds)} and ${isForeign(changedXid)}`);
}
