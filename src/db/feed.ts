import type { SQL } from 'drizzle-orm';
import { sql } from 'drizzle-orm';
import type { Cancelling } from './cancel.ts';
import { cancellable } from './cancel.ts';
import type { Database, Queryable } from './connection.ts';
import type { Choice } from './documents-json.ts';
import { documentColumns } from './documents-json.ts';
import { idsOfPage, listedItems, PAGE_BYTES, weighedItems } from './documents-weight.ts';
import { hereSql, newestEpoch, openEpoch } from './feed-epoch.ts';
import { fieldsVersionSql } from './fields.ts';
import { bc } from './schema/documents.ts';

/** What became of a BC since a position: `archived` when it is gone from Odoo now. */
export const FEED_ACTIONS = ['created', 'updated', 'archived'] as const;

/** A change: the transaction that made it (`xid8` as text), and the BC. */
export interface FeedPoint {
  readonly xid: string;
  readonly odooId: number;
}

/** Before every change. */
const BEGINNING: FeedPoint = { xid: '0', odooId: 0 };

/** Where a reader of the feed is, in one epoch: the last change that it knows. */
export interface FeedPosition extends FeedPoint {
  readonly epoch: string;
  /** Where it was when nothing was left for the last time: what is new is new since then. */
  readonly caughtUp: FeedPoint;
}

export interface FeedQuery extends Choice {
  /** Fewer come where they weigh much: see `PAGE_BYTES`. */
  readonly limit: number;
  /** Exclusive; null is before the first change. */
  readonly after: FeedPosition | null;
}

export interface FeedPage {
  /** A JSON array of BCs with their `action`. */
  readonly items: string;
  /** Where to go on from, also where nothing is left now. */
  readonly next: FeedPosition;
  readonly hasMore: boolean;
  /** `after` was of another server's count: the page is the first one. */
  readonly restarted: boolean;
  readonly fieldsVersion: string;
}

/**
 * The next BCs that changed, each once, at its last change, in the order of (`changed_xid`, `odoo_id`).
 *
 * Only what no open transaction can come before: transaction ids are given out in order, but end in any. So an id
 * that is to be passed must be below the oldest that is still open. A BC that changes again
 * gets the id of a transaction that is still open: it moves, but never behind a reader.
 */
export async function readChanges(
  db: Database,
  query: FeedQuery,
  cancelling?: Cancelling,
): Promise<FeedPage> {
  const read = () =>
    cancelling === undefined ? readPage(db, query) : cancellable(db, cancelling, (tx) => readPage(tx, query));
  let page = await read();
  while (page === null) {
    await openEpoch(db);
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

/** Null where this server has no epoch yet. One statement: position, horizon and rows are of one moment. */
async function readPage(db: Queryable, query: FeedQuery): Promise<FeedPage | null> {
  const { after, limit } = query;
  const { epoch, xid, odooId, caughtUp } = after ?? { epoch: '', ...BEGINNING, caughtUp: BEGINNING };
  const from = sql`(select xid from start), (select odoo_id from start)`;
  const action = sql`case when ${bc.archivedAt} is not null then 'archived'
    when start.known_xid = '0' or (${bc.createdXid}, ${bc.odooId}) > (start.known_xid, ${caughtUp.odooId}::bigint)
    then 'created' else 'updated' end as "action"`;
  const item = (id: SQL) =>
    sql`select ${documentColumns(query)}, ${action} from start cross join ${bc} where ${bc.odooId} = ${id}`;
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
