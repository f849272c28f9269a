import { sql } from 'drizzle-orm';
import { recordChanges } from './audit.ts';
import { isAnyOf } from './columns.ts';
import type { Queryable } from './connection.ts';
import { lockDocuments } from './documents.ts';
import type { ArchiveReason } from './schema/audit.ts';
import { bc, bcLine } from './schema/documents.ts';
import { syncRunItem } from './schema/ledger.ts';

/** BCs archived in one transaction: each holds a lock of its own meanwhile. */
const BATCH = 500;

const REASON: ArchiveReason = 'gone';

/** What a run found gone, the mirror still shows, and nobody has read since. */
const archivable = (runId: number) => sql`
  from ${syncRunItem} as item join ${bc} on ${bc.odooId} = item.odoo_id
  where item.run_id = ${runId} and item.state = 'gone' and ${bc.archivedAt} is null and ${bc.fetchSeq} < item.gone_seq`;

export interface ArchiveAccount {
  /** BCs that the run is about to archive. */
  readonly pending: number;
  /** BCs that it has archived already. */
  readonly done: number;
  /** BCs in the mirror that were not archived when the run began to archive. */
  readonly mirrored: number;
}

/** What a run would archive, before it does. Counts what it did already, so that a resumed run decides the same. */
export async function archiveAccount(db: Queryable, runId: number): Promise<ArchiveAccount> {
  const [row] = await db.execute<Record<keyof ArchiveAccount, number>>(sql`
    select (select count(*)::int ${archivable(runId)}) as pending, done,
      (select count(*)::int from ${bc} where ${bc.archivedAt} is null) + done as mirrored
    from (select count(*)::int as done from ${syncRunItem} where run_id = ${runId} and state = 'archived') as before`);
  return { pending: row?.pending ?? 0, done: row?.done ?? 0, mirrored: row?.mirrored ?? 0 };
}

/**
 * Archives the next BCs that a run found gone, with their lines and an entry in the audit trail. To be called in a
 * transaction. A BC whose last reading ended after the run began to look for it stays. A reading that had begun before the
 * archiving, and found the BC, does not bring it back: it is read again.
 *
 * @param after only those with a greater id: the ledger is not gone through from its beginning each time.
 * @returns the last id that was looked at; null: there are no more.
 */
export async function archiveSome(tx: Queryable, runId: number, after: number): Promise<number | null> {
  const some = await ids(
    tx,
    sql`select item.odoo_id ${archivable(runId)} and item.odoo_id > ${after} order by item.odoo_id limit ${BATCH}`,
  );
  const last = some.at(-1);
  if (last === undefined) return null;
  await lockDocuments(tx, some);
  // Somebody may have stored one of them until the lock was ours.
  const gone = await ids(
    tx,
    sql`select item.odoo_id ${archivable(runId)} and ${isAnyOf(bc.odooId, some)} order by item.odoo_id`,
  );
  await tx.execute(sql`
    update ${bcLine} set archived_at = now(), archive_reason = ${REASON}
    where ${isAnyOf(bcLine.bcOdooId, gone)} and ${bcLine.archivedAt} is null`);
  await tx.execute(sql`
    update ${bc} set archived_at = now(), archive_reason = ${REASON}, fetch_seq = nextval('fetch_seq'),
      changed_xid = pg_current_xact_id(), changed_at = now()
    where ${isAnyOf(bc.odooId, gone)}`);
  await tx.execute(sql`
    update ${syncRunItem} set state = 'archived'
    where ${syncRunItem.runId} = ${runId} and ${isAnyOf(syncRunItem.odooId, gone)}`);
  await recordChanges(
    tx,
    gone.map((odooId) => ({ odooId, runId, action: 'archived', changes: { reason: REASON } })),
  );
  return last;
}

async function ids(tx: Queryable, query: ReturnType<typeof sql>): Promise<number[]> {
  return (await tx.execute<{ odoo_id: string }>(query)).map((row) => Number(row.odoo_id));
}
