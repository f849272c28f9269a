import { sql } from 'drizzle-orm';
import { boolean, index, integer, pgTable, primaryKey, text } from 'drizzle-orm/pg-core';
import { bigid, moment } from './columns.ts';

/** `open`: to be done; the others are outcomes. `gone`: Odoo has no such id; `archived`: the run archived our copy. */
export const ITEM_STATES = ['open', 'created', 'updated', 'unchanged', 'gone', 'archived', 'failed'] as const;
export type ItemState = (typeof ITEM_STATES)[number];

/** `planned`: not in the queue yet. `queued`: its job was created. `done`: it has no open item. */
export const PAGE_STATES = ['planned', 'queued', 'done'] as const;

/** The ledger: every BC of a run, written before anything is queued. */
export const syncRunItem = pgTable(
  'sync_run_item',
  {
    runId: bigid('run_id').notNull(),
    odooId: bigid('odoo_id').notNull(),
    page: integer('page').notNull(),
    state: text('state', { enum: ITEM_STATES }).notNull().default('open'),
    /** The sweep did not find it in Odoo. It is requested by id again before it counts as gone. */
    absent: boolean('absent').notNull().default(false),
    /** The sweep found changes that were written before the current window. */
    late: boolean('late').notNull().default(false),
    /** The sequence number of the fetch that did not find it; content fetched later is kept. */
    goneSeq: bigid('gone_seq'),
    linesSeen: integer('lines_seen').notNull().default(0),
    linesRemoved: integer('lines_removed').notNull().default(0),
    /** Lines that Odoo no longer shows and that the mirror keeps: see `src/sync/store/line-breaker.ts`. */
    linesKept: integer('lines_kept').notNull().default(0),
    rpcCalls: integer('rpc_calls').notNull().default(0),
    closedAt: moment('closed_at'),
  },
  (table) => [
    primaryKey({ columns: [table.runId, table.odooId] }),
    index('sync_run_item_open').on(table.runId, table.page).where(sql`${table.state} = 'open'`),
    // The line breaker adds these up for each group of BCs that would remove lines.
    index('sync_run_item_lines')
      .on(table.runId, table.linesRemoved, table.linesKept)
      .where(sql`${table.linesRemoved} > 0 or ${table.linesKept} > 0`),
  ],
);

export const syncRunPage = pgTable(
  'sync_run_page',
  {
    runId: bigid('run_id').notNull(),
    page: integer('page').notNull(),
    state: text('state', { enum: PAGE_STATES }).notNull().default('planned'),
    /**
     * Grows each time the watchdog queues the page again. It is part of the job id, so an old job never hides the new
     * one.
     */
    generation: integer('generation').notNull().default(0),
    rpcCalls: integer('rpc_calls').notNull().default(0),
    queuedAt: moment('queued_at'),
  },
  (table) => [
    primaryKey({ columns: [table.runId, table.page] }),
    index('sync_run_page_owed').on(table.runId, table.state, table.page).where(sql`${table.state} <> 'done'`),
  ],
);
