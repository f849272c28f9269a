import { type AnyColumn, and, eq, type SQL, sql } from 'drizzle-orm';
import type { Queryable } from '../client.ts';
import { hideRunMessages } from '../runs/failures.ts';
import type { ArchiveReason, AuditTable } from '../schema/audit.ts';
import { isAnyOf } from '../schema/columns.ts';
import { erasedRecord } from '../schema/mirrors.ts';
import { syncFailure, syncLog } from '../schema/sync.ts';
import { recordChanges } from './audit-log.ts';
import type { MirrorStore } from './tables.ts';
import { lockDocuments } from './writes.ts';

/** The erased records of all mirrors: ids by model. */
export async function erasedRecords(db: Queryable): Promise<ReadonlyMap<string, ReadonlySet<number>>> {
  const { model, odooId } = erasedRecord;
  const rows = await db.select({ model, odooId }).from(erasedRecord);
  const byModel = new Map<string, Set<number>>();
  for (const row of rows) byModel.set(row.model, (byModel.get(row.model) ?? new Set()).add(row.odooId));
  return byModel;
}

/** Which of these records of a model were erased. */
export async function erasedAmong(
  db: Queryable,
  model: string,
  odooIds: readonly number[],
): Promise<ReadonlySet<number>> {
  const rows = await db
    .select({ odooId: erasedRecord.odooId })
    .from(erasedRecord)
    .where(and(eq(erasedRecord.model, model), isAnyOf(erasedRecord.odooId, odooIds)));
  return new Set(rows.map(({ odooId }) => odooId));
}

/** The rows of one record of a mirror. */
export interface RecordRows {
  readonly headers: number;
  readonly lines: number;
  readonly audits: number;
  /** Resolved ones too. */
  readonly failures: number;
}

const ERASED: ArchiveReason = 'erased';

/** The row and the audit entry of an earlier erasure stay. */
const isNotErased = (reason: AnyColumn | SQL) => sql`${reason} is distinct from ${ERASED}`;
const reasonOf = (audit: AuditTable) => sql`${audit.changes}->>'reason'`;

/** Counts the rows that `eraseRecord` would remove. */
export async function countRecordRows(
  { db, header, line, audit }: MirrorStore,
  key: string,
  odooId: number,
): Promise<RecordRows> {
  return {
    headers: await db.$count(header, and(eq(header.odooId, odooId), isNotErased(header.archiveReason))),
    lines: await db.$count(line, eq(line.bcOdooId, odooId)),
    audits: await db.$count(audit, and(eq(audit.odooId, odooId), isNotErased(reasonOf(audit)))),
    failures: await db.$count(syncFailure, and(eq(syncFailure.key, key), eq(syncFailure.odooId, odooId))),
  };
}

/**
 * Erases a record. Call it in a transaction. The row of the header stays without content, so that readers of the change
 * feed learn that they must delete their copy. A reading that began before is stale, because `fetch_seq` grows.
 *
 * @param contentHash of a record that has only its id.
 * @returns the rows that it removed or emptied.
 */
export async function eraseRecord(
  store: MirrorStore,
  { key, model }: { readonly key: string; readonly model: string },
  odooId: number,
  contentHash: string,
): Promise<RecordRows> {
  const { db: tx, header, line, audit } = store;
  await lockDocuments(store, [odooId]);
  await tx.insert(erasedRecord).values({ model, odooId }).onConflictDoNothing();
  const rows = await countRecordRows(store, key, odooId);
  // In the order in which all writers lock lines.
  await tx.execute(sql`
    delete from ${line} where id in (
      select id from ${line} where ${line.bcOdooId} = ${odooId} order by odoo_id for update)`);
  await tx.delete(audit).where(and(eq(audit.odooId, odooId), isNotErased(reasonOf(audit))));
  await tx.delete(syncFailure).where(and(eq(syncFailure.key, key), eq(syncFailure.odooId, odooId)));
  await hideRunMessages(tx, key);
  if (rows.headers === 0) return rows;
  await tx.execute(sql`
    update ${header} set fields = jsonb_build_object('id', odoo_id), content_hash = ${contentHash}, binary_sizes = '{}',
      odoo_create_date = null, odoo_write_date = null, archived_at = now(), archive_reason = ${ERASED},
      fetch_seq = nextval('fetch_seq'), changed_xid = pg_current_xact_id(), changed_at = now()
    where ${header.odooId} = ${odooId}`);
  const runId = await noteErasure(tx, key, odooId);
  await recordChanges(store, [{ odooId, runId, action: 'archived', changes: { reason: ERASED } }]);
  return rows;
}

/** The run of the log that the audit entry names. `force`: it does not count for the limit of sweeps. */
async function noteErasure(tx: Queryable, key: string, odooId: number): Promise<number> {
  const now = sql<Date>`clock_timestamp()`;
  const [run] = await tx
    .insert(syncLog)
    .values({
      ...{ key, mode: 'single', trigger: 'cli', status: 'success', odooIds: [odooId], force: true },
      ...{ startedAt: now, plannedAt: now, finishedAt: now, durationMs: 0, planned: 1, archived: 1 },
    })
    .returning({ id: syncLog.id });
  if (run === undefined) throw new Error('insert into sync_log returned no row');
  return run.id;
}

/** Removes the tombstone of a record. @returns whether it had one. */
export async function liftErasure(db: Queryable, model: string, odooId: number): Promise<boolean> {
  const lifted = await db
    .delete(erasedRecord)
    .where(and(eq(erasedRecord.model, model), eq(erasedRecord.odooId, odooId)))
    .returning({ odooId: erasedRecord.odooId });
  return lifted.length > 0;
}
