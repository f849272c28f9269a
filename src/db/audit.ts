import type { Queryable } from './connection.ts';
import type { AuditAction, DocumentChanges } from './schema/audit.ts';
import { auditLog } from './schema/audit.ts';

/** One change of one BC by one run. */
export async function recordChange(
  db: Queryable,
  change: { odooId: number; runId: number; action: AuditAction; changes: DocumentChanges },
): Promise<void> {
  await db.insert(auditLog).values(change);
}
