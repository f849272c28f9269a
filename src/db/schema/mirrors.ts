import { pgTable, text } from 'drizzle-orm/pg-core';
import { moment } from './columns.ts';

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

export type MirrorRow = typeof mirrorTable.$inferSelect;
