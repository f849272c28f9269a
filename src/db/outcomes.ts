import { sql } from 'drizzle-orm';
import type { Queryable } from './connection.ts';
import type { ItemState } from './schema/ledger.ts';
import { syncRunItem } from './schema/ledger.ts';

/** What became of one BC that was stored, for the run that owed it. */
export interface StoredItem {
  readonly runId: number;
  readonly odooId: number;
  readonly state: Extract<ItemState, 'created' | 'updated' | 'unchanged'>;
  readonly linesSeen: number;
  readonly linesRemoved: number;
  /** Lines in the mirror that the reading lacked and that were not removed. */
  readonly linesKept: number;
  readonly rpcCalls: number;
}

/** Records each one's outcome in one statement; a failed one may still become a success, nothing else changes twice. */
export async function closeStored(db: Queryable, items: readonly StoredItem[]): Promise<void> {
  await db.execute(sql`
    update ${syncRunItem} as item set state = r."state", gone_seq = null, lines_seen = r."linesSeen",
      lines_removed = r."linesRemoved", lines_kept = r."linesKept", rpc_calls = item.rpc_calls + r."rpcCalls", closed_at = clock_timestamp()
    from json_to_recordset(${JSON.stringify(items)}::text::json) as r("runId" bigint, "odooId" bigint, "state" text,
      "linesSeen" int, "linesRemoved" int, "linesKept" int, "rpcCalls" int)
    where item.run_id = r."runId" and item.odoo_id = r."odooId" and item.state in ('open', 'failed')`);
}
