import { sql } from 'drizzle-orm';
import { bigserial, index, jsonb, pgTable, text } from 'drizzle-orm/pg-core';
import { bigid, moment, xid8 } from './columns.ts';

export const AUDIT_ACTIONS = ['created', 'updated', 'archived', 'restored'] as const;
export type AuditAction = (typeof AUDIT_ACTIONS)[number];

/**
 * `gone`: Odoo no longer has the BC, or no longer shows it to our user; its lines are archived with it. `out_of_scope`:
 * Odoo has the BC, but the domain of the mirror no longer matches it. `removed`: a line left its BC in Odoo. `erased`:
 * the BC was erased from the mirror on request, and its row has no content. `replaced`, only in the audit trail: Odoo
 * gave the id to another BC, because it was restored from a backup.
 */
export type ArchiveReason = 'gone' | 'out_of_scope' | 'removed' | 'erased' | 'replaced';

/** A value before and after. Contents of binary fields are recorded as `{"bytes": n, "sha256": "…"}`. */
export interface FieldChange {
  readonly old: unknown;
  readonly new: unknown;
}

/** The changes of one run in one BC. Empty parts are missing. */
export interface DocumentChanges {
  readonly header?: Readonly<Record<string, FieldChange>>;
  readonly linesAdded?: readonly unknown[];
  readonly linesRemoved?: readonly unknown[];
  readonly linesChanged?: Readonly<Record<string, Readonly<Record<string, FieldChange>>>>;
  /** Why it was archived. */
  readonly reason?: ArchiveReason;
}

/** Every change of the mirror: who (the run) and what (old and new, field by field). */
export const auditTable = (name: string) =>
  pgTable(
    name,
    {
      id: bigserial('id', { mode: 'number' }).primaryKey(),
      odooId: bigid('odoo_id').notNull(),
      runId: bigid('run_id').notNull(),
      action: text('action', { enum: AUDIT_ACTIONS }).notNull(),
      changes: jsonb('changes').$type<DocumentChanges>().notNull(),
      at: moment('at').notNull().defaultNow(),
      xid: xid8('xid').notNull().default(sql`pg_current_xact_id()`),
    },
    (table) => [index(`${name}_odoo_id`).on(table.odooId, table.id), index(`${name}_run_id`).on(table.runId)],
  );

export type AuditTable = ReturnType<typeof auditTable>;

/** The audit trail of the mirror `bc`. */
export const auditLog = auditTable('audit_log');

export type AuditLogRow = typeof auditLog.$inferSelect;
