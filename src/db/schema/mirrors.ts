import { pgTable, primaryKey, text } from 'drizzle-orm/pg-core';
import { bigid, moment } from './columns.ts';

/** One row per mirror that ever ran, with the names of its tables. It stays until `passerelle mirrors drop`. */
export const mirrorTable = pgTable('mirror', {
  /** Its key in `sync_state`, `sync_log` and `sync_failure`. */
  key: text('key').primaryKey(),
  name: text('name').notNull().unique(),
  model: text('model').notNull(),
  /** Null: a mirror without lines. */
  lineModel: text('line_model'),
  headerTable: text('header_table').notNull(),
  lineTable: text('line_table').notNull(),
  auditTable: text('audit_table').notNull(),
  createdAt: moment('created_at').notNull().defaultNow(),
});

/**
 * Records that were erased on request. While its row is here, a record is not read from Odoo again. By model: a mirror
 * may be renamed or dropped.
 */
export const erasedRecord = pgTable(
  'erased_record',
  {
    model: text('model').notNull(),
    odooId: bigid('odoo_id').notNull(),
    erasedAt: moment('erased_at').notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.model, table.odooId] })],
);

export type MirrorRow = typeof mirrorTable.$inferSelect;
