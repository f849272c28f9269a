import { sql } from 'drizzle-orm';
import type { Queryable } from './connection.ts';
import { PREPARED } from './prepared.ts';
import type { AuditAction, DocumentChanges } from './schema/audit.ts';
import { auditLog } from './schema/audit.ts';

/** One change of one BC by one run. */
export interface Change {
  readonly odooId: number;
  readonly runId: number;
  readonly action: AuditAction;
  readonly changes: DocumentChanges;
}

/** Writes changes into the trail, in their order. */
export async function recordChanges(db: Queryable, changes: readonly Change[]): Promise<void> {
  if (changes.length === 0) return;
  await db.execute(sql`${PREPARED}
    insert into ${auditLog} (odoo_id, run_id, action, changes)
    select r."odooId", r."runId", r."action", r."changes"
    from json_to_recordset(${JSON.stringify(changes)}::text::json) as r("odooId" bigint, "runId" bigint, "action" text,
      "changes" jsonb)`);
}
