import { type SQL, sql } from 'drizzle-orm';
import type { Cancelling, Database, Queryable, Transaction } from '../client.ts';
import { cancellable } from '../client.ts';
import { hereSql } from '../installation.ts';
import { LOCKS } from '../locks.ts';
import { fieldsVersionSql } from '../odoo-model/fields.ts';
import { isAnyOf } from '../schema/columns.ts';
import { feedEpoch, type HeaderTable } from '../schema/documents.ts';
import { allStores } from './mirrors.ts';
import { type Choice, documentColumns, idsOfPage, listedItems, PAGE_BYTES, weighedItems } from './queries.ts';
import type { MirrorStore } from './tables.ts';
import { lockDocuments } from './writes.ts';

/**
 * The newest epoch. `token` is its name in cursors. The id alone is not enough, because two copies of one database use
 * the same ids.
 */
const newestEpoch: SQL = sql`
  select ${feedEpoch.server} as server,
    concat_ws('-', ${feedEpoch.id}, (extract(epoch from ${feedEpoch.since}) * 1000000)::bigint) as token
  from ${feedEpoch} order by ${feedEpoch.id} desc limit 1`;

/** BCs stamped in one transaction: each holds a lock meanwhile. */
const BATCH = 500;

/** A transaction id that this server has not assigned yet, so another server assigned it. */
const isForeign = (xid: SQL): SQL => sql`${xid} >= pg_snapshot_xmax(pg_current_snapshot())`;
const isForeignTo = (table: HeaderTable): SQL => isForeign(sql`${table.changedXid}`);

/**
 * Opens an epoch of the change feed for this server, unless another process just did. Before that, the documents of all
 * mirrors with ids of another server that are still in the future here get new ids, in small transactions: a million
 * take minutes.
 *
 * A foreign id below the current one may stay: readers of the new epoch start from the beginning.
 */
async function openEpoch(db: Database): Promise<void> {
  let open = false;
  while (!open) open = await db.transaction(openOrStamp);
}

/** @returns whether the epoch is open. */
async function openOrStamp(tx: Transaction): Promise<boolean> {
  await tx.execute(sql`select pg_advisory_xact_lock(${LOCKS.feed})`);
  if (await isCurrent(tx)) return true;
  for (const store of await allStores(tx)) {
    const rows = await tx.execute<{ odoo_id: string }>(sql`
      select odoo_id from ${store.header} where ${isForeignTo(store.header)} order by changed_xid limit ${BATCH}`);
    if (rows.length === 0) continue;
    await stamp(
      store,
      rows.map((row) => Number(row.odoo_id)),
    );
    return false;
  }
  await tx.execute(sql`insert into ${feedEpoch} (server) values (${hereSql})`);
  return true;
}

async function isCurrent(tx: Queryable): Promise<boolean> {
  // A standby has no `hereSql`.
  const [epoch] = await tx.execute<{ current: boolean }>(sql`
    select case when pg_is_in_recovery() then false else server = ${hereSql} end as current
    from (${newestEpoch}) as epoch`);
  return epoch?.current === true;
}

/**
 * The condition that no reader of the feed ever sees the last change of the BC, or that the `changed_at` of the BC is
 * older than its last change.
 *
 * A transaction writes a change and its audit entry with one id and one time, while it holds the lock of the BC. So the
 * last entry belongs to the last change. Its id may be lower than that of the entry before: ids are assigned before the
 * lock is free. Readers do not miss such a change, because they wait for the lower id.
 *
 * The ids of a restored dump are of another server, so only an entry that the transaction of this id wrote here counts:
 * PostgreSQL keeps its id in `xmin`. While no epoch is open, ids of the future are expected: opening it replaces them.
 */
export async function hiddenChangeSql({ db, header: bc, audit }: MirrorStore): Promise<SQL> {
  return sql`(${bc.changedXid} is null or (${await isCurrent(db)}::boolean and ${isForeignTo(bc)})
    or exists (select from (select entry.at, entry.xid, entry.xmin = entry.xid::xid as is_own
        from ${audit} as entry where entry.odoo_id = ${bc.odooId} order by entry.id desc limit 1) as last
      where (last.is_own and last.xid > ${bc.changedXid}) or ${bc.changedAt} < last.at))`;
}

async function stamp(store: MirrorStore, odooIds: readonly number[]): Promise<void> {
  const { db, header: bc } = store;
  await lockDocuments(store, odooIds);
  await db.execute(sql`
    update ${bc} set changed_xid = pg_current_xact_id(),
      created_xid = case when ${isForeign(sql`${bc.createdXid}`)} then pg_current_xact_id() else created_xid end
    where ${isAnyOf(bc.odooId, odooIds)} and ${isForeignTo(bc)}`);
}

/** The change of a BC since a position: `archived` if it is now deleted in Odoo. */
export const FEED_ACTIONS = ['created', 'updated', 'archived'] as const;

/** A change: the transaction that made it (`xid8` as text), and the BC. */
interface FeedPoint {
  readonly xid: string;
  readonly odooId: number;
}

/** The position before all changes. */
const BEGINNING: FeedPoint = { xid: '0', odooId: 0 };

/** The position of a reader in one epoch: the last change that it knows. */
export interface FeedPosition extends FeedPoint {
  readonly epoch: string;
  /** The position at which the feed was last empty. Later changes are newer. */
  readonly caughtUp: FeedPoint;
}

interface FeedQuery extends Choice {
  /** Fewer if they are large: see `PAGE_BYTES`. */
  readonly limit: number;
  /** Exclusive; null is before the first change. */
  readonly after: FeedPosition | null;
}

interface FeedPage {
  /** A JSON array of BCs with their `action`. */
  readonly items: string;
  /** The position of the next request, also if nothing is left now. */
  readonly next: FeedPosition;
  readonly hasMore: boolean;
  /** `after` belongs to another server, so this is the first page. */
  readonly restarted: boolean;
  readonly fieldsVersion: string;
}

/**
 * The next BCs that changed, each once, at its last change, in the order of (`changed_xid`, `odoo_id`).
 *
 * Only changes that no open transaction can precede. Transaction ids are assigned in order, but transactions end in any
 * order. So a returned id must be below the oldest open one. A BC that changes again gets the id of an open
 * transaction: it moves, but never behind a reader.
 */
export async function readChanges(
  store: MirrorStore<Database>,
  query: FeedQuery,
  cancelling?: Cancelling,
): Promise<FeedPage> {
  const read = () =>
    cancelling === undefined
      ? readPage(store, query)
      : cancellable(store.db, cancelling, (db) => readPage({ ...store, db }, query));
  let page = await read();
  while (page === null) {
    await openEpoch(store.db);
    page = await read();
  }
  return page;
}

interface PageRow extends Record<string, unknown> {
  readonly current: boolean;
  readonly epoch: string | null;
  readonly followed: boolean;
  readonly items: string;
  readonly xid: string;
  readonly odoo_id: string;
  readonly more: boolean;
  readonly version: string;
}

/** Null if this server has no epoch yet. One statement, so position, horizon and rows are of one moment. */
async function readPage(store: MirrorStore, query: FeedQuery): Promise<FeedPage | null> {
  const { db, header: bc } = store;
  const { after, limit } = query;
  const { epoch, xid, odooId, caughtUp } = after ?? { epoch: '', ...BEGINNING, caughtUp: BEGINNING };
  const from = sql`(select xid from start), (select odoo_id from start)`;
  const action = sql`case when ${bc.archivedAt} is not null then 'archived'
    when start.known_xid = '0' or (${bc.createdXid}, ${bc.odooId}) > (start.known_xid, ${caughtUp.odooId}::bigint)
    then 'created' else 'updated' end as "action"`;
  const item = (id: SQL) =>
    sql`select ${documentColumns(store, query)}, ${action} from start cross join ${bc} where ${bc.odooId} = ${id}`;
  const [row] = await db.execute<PageRow>(sql`
    with recursive start as materialized (
      select epoch.server = ${hereSql} as current, epoch.token, followed, pg_snapshot_xmin(now) as horizon,
        case when followed then ${xid}::text::xid8 else '0' end as xid,
        case when followed then ${odooId}::bigint else 0 end as odoo_id,
        case when followed then ${caughtUp.xid}::text::xid8 else '0' end as known_xid
      from pg_current_snapshot() as now left join (${newestEpoch}) as epoch on true cross join lateral (
        select coalesce(epoch.token = ${epoch}::text and ${xid}::text::xid8 < pg_snapshot_xmax(now), false)
          as followed) as followed),
    page as materialized (
      select odoo_id, changed_xid, row_number() over (order by changed_xid, odoo_id) as place
      from ${bc} where (changed_xid, odoo_id) > (${from}) and changed_xid < (select horizon from start)
      order by changed_xid, odoo_id limit ${limit + 1}),
    ${weighedItems({ ids: idsOfPage(limit), item, bytes: PAGE_BYTES })}
    select start.current, start.token as epoch, start.followed, listed.items, ${fieldsVersionSql} as version,
      coalesce(last.changed_xid, start.xid)::text as xid, coalesce(last.odoo_id, start.odoo_id) as odoo_id,
      exists (select from page where place > listed.kept) as more
    from start cross join (${listedItems}) as listed left join page as last on last.place = listed.kept`);
  if (row === undefined || row.epoch === null || !row.current) return null;
  const point = { xid: row.xid, odooId: Number(row.odoo_id) };
  const known = row.followed ? caughtUp : BEGINNING;
  return {
    items: row.items,
    next: { ...point, epoch: row.epoch, caughtUp: row.more ? known : point },
    hasMore: row.more,
    restarted: after !== null && !row.followed,
    fieldsVersion: row.version,
  };
}
