import { and, desc, eq, lt } from 'drizzle-orm';
import type { Queryable } from './connection.ts';
import { auditLog } from './schema/audit.ts';
import { syncLog } from './schema/sync.ts';

/** The audit trail of a BC, newest first, with the run behind each change; `before` is an exclusive id. */
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
