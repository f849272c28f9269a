import { integer, jsonb, pgTable, primaryKey, text } from 'drizzle-orm/pg-core';
import type { OdooFieldDescription } from '../../odoo/types.ts';
import { moment } from '../columns.ts';

/** The last word of `fields_get` on every mirrored field: what the read API can filter and sort by. */
export const odooField = pgTable(
  'odoo_field',
  {
    model: text('model').notNull(),
    name: text('name').notNull(),
    type: text('type').notNull(),
    label: text('label').notNull(),
    relation: text('relation'),
    description: jsonb('description').$type<OdooFieldDescription>().notNull(),
    position: integer('position').notNull(),
    seenAt: moment('seen_at').notNull(),
  },
  (table) => [primaryKey({ columns: [table.model, table.name] })],
);

export type OdooFieldRow = typeof odooField.$inferSelect;
