import { and, desc, eq, lt, sql } from 'drizzle-orm';
import { PREPARED } from '../pool.ts';
import type { AuditAction, DocumentChanges } from '../schema/audit.ts';
import { syncLog } from '../schema/sync.ts';
import type { MirrorStore } from './tables.ts';

/** One change of one BC by one run. */
export interface Change {
  readonly odooId: number;
  readonly runId: number;
  readonly action: AuditAction;
  readonly changes: DocumentChanges;
}

/** Writes changes into the audit trail, in this order. */
export async function recordChanges({ db, audit }: MirrorStore, changes: readonly Change[]): Promise<void> {
  if (changes.length === 0) return;
  await db.execute(sql`${PREPARED}
    insert into ${audit} (odoo_id, run_id, action, changes)
    select r."odooId", r."runId", r."action", r."changes"
    from json_to_recordset(${JSON.stringify(changes)}::text::json) as r("odooId" bigint, "runId" bigint, "action" text,
      "changes" jsonb)`);
}

/** The audit trail of a BC, newest first, with the run of each change; `before` is an exclusive id. */
export async function listChanges(
  { db, audit }: MirrorStore,
  odooId: number,
  page: { readonly limit: number; readonly before: number | undefined },
) {
  return db
    .select({
      id: audit.id,
      at: audit.at,
      action: audit.action,
      changes: audit.changes,
      run: { id: audit.runId, mode: syncLog.mode, trigger: syncLog.trigger },
    })
    .from(audit)
    .leftJoin(syncLog, eq(syncLog.id, audit.runId))
    .where(and(eq(audit.odooId, odooId), page.before === undefined ? undefined : lt(audit.id, page.before)))
    .orderBy(desc(audit.id))
    .limit(page.limit);
}
