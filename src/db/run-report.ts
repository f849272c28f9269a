import { and, asc, eq, isNull } from 'drizzle-orm';
import type { Queryable } from './connection.ts';
import type { AuditLogRow } from './schema/audit.ts';
import { auditLog } from './schema/audit.ts';
import type { ItemState } from './schema/ledger.ts';
import { syncRunItem } from './schema/ledger.ts';
import { syncFailure } from './schema/sync.ts';

/** What became of each BC of a run, by ascending id. */
export async function runOutcomes(
  db: Queryable,
  runId: number,
): Promise<{ odooId: number; state: ItemState }[]> {
  return db
    .select({ odooId: syncRunItem.odooId, state: syncRunItem.state })
    .from(syncRunItem)
    .where(eq(syncRunItem.runId, runId))
    .orderBy(asc(syncRunItem.odooId));
}

/** What a run changed, in the order it did. */
export async function runChanges(db: Queryable, runId: number): Promise<AuditLogRow[]> {
  return db.select().from(auditLog).where(eq(auditLog.runId, runId)).orderBy(asc(auditLog.id));
}

/** The first open failures whose last try was in this run, by ascending Odoo id. */
export async function runFailures(
  db: Queryable,
  runId: number,
  limit: number,
): Promise<{ odooId: number; code: string; message: string }[]> {
  return db
    .select({ odooId: syncFailure.odooId, code: syncFailure.code, message: syncFailure.message })
    .from(syncFailure)
    .where(and(eq(syncFailure.runId, runId), isNull(syncFailure.resolvedAt)))
    .orderBy(asc(syncFailure.odooId))
    .limit(limit);
}
