import { bigserial, boolean, integer, jsonb, pgTable, primaryKey, text } from 'drizzle-orm/pg-core';
import type { OdooFieldDescription } from '../../odoo/types.ts';
import { bigid, moment } from './columns.ts';
import type { SourceReader } from './sync.ts';

/** The last `fields_get` description of every mirrored field: what the read API can filter and sort by. */
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

/**
 * `changed`: type, relation, selection, label or any other attribute. A renamed field is one removed and one added.
 * `reader`: another user of Odoo, other settings of that user (language, time zone, companies) or another ODOO_CONTEXT.
 */
export const MODEL_CHANGES = ['added', 'removed', 'changed', 'reader'] as const;

/** The `field` of a change of kind `reader`. No field of Odoo has such a name. */
export const READER_FIELD = '(reader)';

/**
 * One row for each field that was added, removed or redefined, and for each change of the reader. The first description
 * is not a change.
 */
export const modelChange = pgTable('model_change', {
  id: bigserial('id', { mode: 'number' }).primaryKey(),
  model: text('model').notNull(),
  field: text('field').notNull(),
  kind: text('kind', { enum: MODEL_CHANGES }).notNull(),
  /** Null when the field was added. A change of the reader has only the values that changed. */
  old: jsonb('old').$type<OdooFieldDescription | SourceReader>(),
  /** Null when the field was removed. A change of the reader has only the values that changed. */
  new: jsonb('new').$type<OdooFieldDescription | SourceReader>(),
  /** Records must be read again in full, because their content differs. A new label alone does not require it. */
  reread: boolean('reread').notNull(),
  /** The run that detected the change. */
  runId: bigid('run_id').notNull(),
  at: moment('at').notNull().defaultNow(),
});

export type ModelChangeRow = typeof modelChange.$inferSelect;
