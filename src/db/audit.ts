import type { Queryable } from './connection.ts';
import type { AuditAction, DocumentChanges } from './schema/sync.ts';
import { auditLog } from './schema/sync.ts';

/** One change of one BC by one run. */
export async function recordChange(
  db: Queryable,
  change: { odooId: number; runId: number; action: AuditAction; changes: DocumentChanges },
): Promise<void> {
  await db.insert(auditLog).values(change);
}
