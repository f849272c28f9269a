import { sql } from 'drizzle-orm';
import { isAnyOf } from './columns.ts';
import type { Database } from './connection.ts';
import { lockRun } from './runs.ts';
import { syncRunItem, syncRunPage } from './schema/ledger.ts';

export interface PageToSplit {
  readonly runId: number;
  readonly page: number;
  /** The run's token: another holder's ledger is left alone. */
  readonly token: number | null;
}

/**
 * Moves what a page still owes of `odooIds` to new pages of `size` items, which are queued when there is room for them.
 * The run's row is locked: two pages that are split at once do not take the same numbers.
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
