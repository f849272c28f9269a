import { and, desc, eq, lt, sql } from 'drizzle-orm';
import type { Queryable } from '../client.ts';
import { PREPARED } from '../pool.ts';
import { type AuditAction, auditLog, type DocumentChanges } from '../schema/audit.ts';
import { syncLog } from '../schema/sync.ts';

/** One change of one BC by one run. */
export interface Change {
  readonly odooId: number;
  readonly runId: number;
  readonly action: AuditAction;
  readonly changes: DocumentChanges;
}

/** Writes changes into the audit trail, in this order. */
export async function recordChanges(db: Queryable, changes: readonly Change[]): Promise<void> {
  if (changes.length === 0) return;
  await db.execute(sql`${PREPARED}
    insert into ${auditLog} (odoo_id, run_id, action, changes)
    select r."odooId", r."runId", r."action", r."changes"
    from json_to_recordset(${JSON.stringify(changes)}::text::json) as r("odooId" bigint, "runId" bigint, "action" text,
      "changes" jsonb)`);
}

/** The audit trail of a BC, newest first, with the run of each change; `before` is an exclusive id. */
export async function listChanges(
  db: Queryable,
  odooId: number,
  page: { readonly limit: number; readonly before: number | undefined },
) {
  return db
    .select({
      id: auditLog.id,
      at: auditLog.at,
      action: auditLog.action,
      changes: auditLog.changes,
      run: { id: auditLog.runId, mode: syncLog.mode, trigger: syncLog.trigger },
    })
    .from(auditLog)
    .leftJoin(syncLog, eq(syncLog.id, auditLog.runId))
    .where(
      and(eq(auditLog.odooId, odooId), page.before === undefined ? undefined : lt(auditLog.id, page.before)),
    )
    .orderBy(desc(auditLog.id))
    .limit(page.limit);
}
