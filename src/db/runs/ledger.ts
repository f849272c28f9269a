import { and, desc, eq, gt, inArray, sql } from 'drizzle-orm';
import type { Database, Queryable } from '../client.ts';
import { isAnyOf } from '../schema/columns.ts';
import { type ItemState, syncRunItem, syncRunPage } from '../schema/ledger.ts';
import { syncLog } from '../schema/sync.ts';
import { lockRun } from './runs.ts';

interface PlannedItem {
  readonly odooId: number;
  readonly page: number;
}

/** Writes the items of a run. Existing items stay unchanged. */
export async function addItems(db: Queryable, runId: number, items: readonly PlannedItem[]): Promise<void> {
  await db.execute(sql`
    insert into ${syncRunItem} (run_id, odoo_id, page)
    select ${runId}, (item->>0)::bigint, (item->>1)::int
    from jsonb_array_elements(${JSON.stringify(items.map(({ odooId, page }) => [odooId, page]))}::jsonb) as item
    on conflict do nothing`);
}

/** Writes one page for each page number of the items. Returns the number of items. */
export async function addPages(db: Queryable, runId: number): Promise<number> {
  await db.execute(sql`
    insert into ${syncRunPage} (run_id, page)
    select distinct run_id, page from ${syncRunItem} where run_id = ${runId} on conflict do nothing`);
  return db.$count(syncRunItem, eq(syncRunItem.runId, runId));
}

/** Null: the run has no such item, or was pruned. */
export async function itemState(db: Queryable, runId: number, odooId: number): Promise<ItemState | null> {
  const [row] = await db
    .select({ state: syncRunItem.state })
    .from(syncRunItem)
    .where(and(eq(syncRunItem.runId, runId), eq(syncRunItem.odooId, odooId)));
  return row?.state ?? null;
}

/** Open ids of a page, ascending. */
export async function openItems(db: Queryable, runId: number, page: number): Promise<number[]> {
  const rows = await db
    .select({ odooId: syncRunItem.odooId })
    .from(syncRunItem)
    .where(and(eq(syncRunItem.runId, runId), eq(syncRunItem.page, page), eq(syncRunItem.state, 'open')))
    .orderBy(syncRunItem.odooId);
  return rows.map((row) => row.odooId);
}

/** The open items of a run, ascending, in slices. */
export async function* owedIds(db: Queryable, runId: number, slice = 10_000): AsyncGenerator<number[]> {
  for (let last = 0; ; ) {
    const rows = await db
      .select({ odooId: syncRunItem.odooId })
      .from(syncRunItem)
      .where(and(eq(syncRunItem.runId, runId), eq(syncRunItem.state, 'open'), gt(syncRunItem.odooId, last)))
      .orderBy(syncRunItem.odooId)
      .limit(slice);
    if (rows.length === 0) return;
    yield rows.map((row) => row.odooId);
    last = rows.at(-1)?.odooId ?? last;
  }
}

/** Those of them that a sweep did not find: Odoo is asked for them by id again. */
export async function absentItems(db: Queryable, runId: number, page: number): Promise<number[]> {
  const open = [eq(syncRunItem.runId, runId), eq(syncRunItem.page, page), eq(syncRunItem.state, 'open')];
  const rows = await db
    .select({ odooId: syncRunItem.odooId })
    .from(syncRunItem)
    .where(and(...open, syncRunItem.absent))
    .orderBy(syncRunItem.odooId);
  return rows.map((row) => row.odooId);
}

/**
 * Reopens items that were found deleted and are not archived, because the check is old. Finished pages must be queued
 * again.
 */
export async function reopenGone(db: Queryable, runId: number): Promise<void> {
  await db.execute(sql`
    with reopened as (
      update ${syncRunItem} set state = 'open', gone_seq = null, closed_at = null
      where run_id = ${runId} and state = 'gone' returning page)
    update ${syncRunPage} set state = 'planned', generation = generation + 1
    where run_id = ${runId} and state = 'done' and page in (select page from reopened)`);
}

/**
 * Whether the run has open items. Reads from the end: pages are processed in ascending order, so the index finds open
 * items there.
 */
export async function hasOpenItems(db: Queryable, runId: number): Promise<boolean> {
  const rows = await db
    .select({ odooId: syncRunItem.odooId })
    .from(syncRunItem)
    .where(and(eq(syncRunItem.runId, runId), eq(syncRunItem.state, 'open')))
    .orderBy(desc(syncRunItem.page))
    .limit(1);
  return rows.length > 0;
}

/** Whether one of these pages has no open item left. The last open item of each is found from its end. */
export async function isAnyDone(db: Queryable, runId: number, pages: readonly number[]): Promise<boolean> {
  const [row] = await db.execute<{ done: boolean }>(sql`
    select exists (
      select 1 from unnest(${`{${pages.join(',')}}`}::int[]) as wanted (page) where (
        select true from ${syncRunItem} as item
        where item.run_id = ${runId} and item.page = wanted.page and item.state = 'open'
        order by item.page desc limit 1) is null) as done`);
  return row?.done === true;
}

interface ItemOutcome {
  readonly runId: number;
  /** The fencing token of the job. A running run that another holder has is not changed. Unset: not checked. */
  readonly token?: number | null;
  readonly odooIds: readonly number[];
  readonly state: Exclude<ItemState, 'open'>;
  readonly linesSeen?: number;
  readonly linesRemoved?: number;
  readonly rpcCalls?: number;
  /** For deleted BCs: the sequence number of the fetch that did not find it. */
  readonly goneSeq?: number;
}

/** Records outcomes of open items. A failed one may still succeed; nothing else changes twice. */
export async function closeItems(db: Queryable, outcome: ItemOutcome): Promise<void> {
  const {
    runId,
    token,
    odooIds,
    state,
    linesSeen = 0,
    linesRemoved = 0,
    rpcCalls = 0,
    goneSeq = null,
  } = outcome;
  await db
    .update(syncRunItem)
    .set({
      state,
      goneSeq,
      linesSeen,
      linesRemoved,
      rpcCalls: sql`${syncRunItem.rpcCalls} + ${rpcCalls}`,
      closedAt: sql`clock_timestamp()`,
    })
    .where(
      and(
        eq(syncRunItem.runId, runId),
        isAnyOf(syncRunItem.odooId, odooIds),
        inArray(syncRunItem.state, state === 'failed' ? ['open'] : ['open', 'failed']),
        token === undefined ? undefined : isNotSuperseded(runId, token),
      ),
    );
}

const isNotSuperseded = (runId: number, token: number | null) => sql`not exists (
  select from ${syncLog} as run
  where run.id = ${runId} and run.status = 'running' and run.lease_token is distinct from ${token}::bigint)`;

export async function addPageCalls(db: Queryable, runId: number, page: number, calls: number): Promise<void> {
  await db
    .update(syncRunPage)
    .set({ rpcCalls: sql`${syncRunPage.rpcCalls} + ${calls}` })
    .where(and(eq(syncRunPage.runId, runId), eq(syncRunPage.page, page)));
}

export interface QueuedPage {
  readonly page: number;
  readonly generation: number;
}

/** Closes pages without open items. @returns their numbers. */
export async function closePages(db: Queryable, runId: number): Promise<number[]> {
  const rows = await db.execute<{ page: number }>(sql`
    update ${syncRunPage} as p set state = 'done' where p.run_id = ${runId} and p.state = 'queued'
      and not exists (select 1 from ${syncRunItem} i where i.run_id = p.run_id and i.page = p.page and i.state = 'open')
    returning page`);
  return rows.map(({ page }) => page);
}

/** Takes the next pages, so that at most `inFlight` are queued. */
export async function nextPages(db: Queryable, runId: number, inFlight: number): Promise<QueuedPage[]> {
  const queued = await db.$count(
    syncRunPage,
    and(eq(syncRunPage.runId, runId), eq(syncRunPage.state, 'queued')),
  );
  const room = Math.max(0, inFlight - queued);
  return db.execute<{ page: number; generation: number } & Record<string, unknown>>(sql`
    update ${syncRunPage} set state = 'queued', queued_at = clock_timestamp()
    where run_id = ${runId} and page in (
      select page from ${syncRunPage} where run_id = ${runId} and state = 'planned' order by page limit ${room})
    returning page, generation`);
}

/** Pages that were queued more than `graceMs` ago. The jobs of later ones may not have reached the queue yet. */
export async function queuedPages(db: Queryable, runId: number, graceMs: number): Promise<QueuedPage[]> {
  return db
    .select({ page: syncRunPage.page, generation: syncRunPage.generation })
    .from(syncRunPage)
    .where(
      and(
        eq(syncRunPage.runId, runId),
        eq(syncRunPage.state, 'queued'),
        sql`${syncRunPage.queuedAt} < clock_timestamp() - ${graceMs} * interval '1 millisecond'`,
      ),
    );
}

/** Queued pages, all or these, under a new generation: their old jobs are lost or fenced off. */
export async function renewPages(
  db: Queryable,
  runId: number,
  pages: readonly number[] | 'all',
): Promise<QueuedPage[]> {
  return db.execute<{ page: number; generation: number } & Record<string, unknown>>(sql`
    update ${syncRunPage} set generation = generation + 1, queued_at = clock_timestamp()
    where run_id = ${runId} and state = 'queued' and ${pages === 'all' ? sql`true` : isAnyOf(syncRunPage.page, pages)}
    returning page, generation`);
}

/** The number of items of a run in each state. */
export async function progress(db: Queryable, runId: number): Promise<Partial<Record<ItemState, number>>> {
  const rows = await db
    .select({ state: syncRunItem.state, items: sql<number>`count(*)::int` })
    .from(syncRunItem)
    .where(eq(syncRunItem.runId, runId))
    .groupBy(syncRunItem.state);
  return Object.fromEntries(rows.map(({ state, items }) => [state, items]));
}

interface PageToSplit {
  readonly runId: number;
  readonly page: number;
  /** The token of the run. The ledger of another holder is not changed. */
  readonly token: number | null;
}

/**
 * Moves the open items `odooIds` of a page to new pages of `size` items, which are queued later. It locks the row of
 * the run, so two pages that are split at once do not take the same numbers.
 */
export async function splitPage(
  db: Database,
  { runId, page, token }: PageToSplit,
  odooIds: readonly number[],
  size: number,
): Promise<void> {
  await db.transaction(async (tx) => {
    const run = await lockRun(tx, runId);
    if (run?.status !== 'running' || run.leaseToken !== token) return;
    await tx.execute(sql`
      with last as (select max(page) as page from ${syncRunPage} where run_id = ${runId}),
      rest as (
        select odoo_id, ((row_number() over (order by odoo_id) - 1) / ${size})::int as part from ${syncRunItem}
        where run_id = ${runId} and page = ${page} and state = 'open' and ${isAnyOf(syncRunItem.odooId, odooIds)}),
      moved as (
        update ${syncRunItem} as item set page = last.page + 1 + rest.part from rest, last
        where item.run_id = ${runId} and item.odoo_id = rest.odoo_id returning item.page)
      insert into ${syncRunPage} (run_id, page) select distinct ${runId}::bigint, moved.page from moved`);
  });
}

/** The outcome of one stored BC, for the ledger of its run. */
interface StoredItem {
  readonly runId: number;
  readonly odooId: number;
  readonly state: Extract<ItemState, 'created' | 'updated' | 'unchanged'>;
  readonly linesSeen: number;
  readonly linesRemoved: number;
  /** Lines in the mirror that the reading lacked and that were not removed. */
  readonly linesKept: number;
  readonly rpcCalls: number;
  /** Odoo gave the id to another BC: no window missed a change of it. */
  readonly isAnother: boolean;
}

/** Records the outcomes in one statement. A failed one may still succeed; nothing else changes twice. */
export async function closeStored(db: Queryable, items: readonly StoredItem[]): Promise<void> {
  await db.execute(sql`
    update ${syncRunItem} as item set state = r."state", gone_seq = null, lines_seen = r."linesSeen",
      lines_removed = r."linesRemoved", lines_kept = r."linesKept",
      rpc_calls = item.rpc_calls + r."rpcCalls", late = item.late and not r."isAnother", closed_at = clock_timestamp()
    from json_to_recordset(${JSON.stringify(items)}::text::json) as r("runId" bigint, "odooId" bigint, "state" text,
      "linesSeen" int, "linesRemoved" int, "linesKept" int, "rpcCalls" int, "isAnother" boolean)
    where item.run_id = r."runId" and item.odoo_id = r."odooId" and item.state in ('open', 'failed')`);
}
