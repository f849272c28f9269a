import { and, asc, eq, gt, lte, type SQL, sql } from 'drizzle-orm';
import type { OdooRecord } from '../../odoo/types.ts';
import type { Queryable } from '../client.ts';
import { isAnyOf } from '../schema/columns.ts';
import type { HeaderTable, LineTable } from '../schema/documents.ts';
import { syncRunItem } from '../schema/ledger.ts';
import { syncLog, syncState, type VerifiedCounts } from '../schema/sync.ts';
import { hiddenChangeSql } from './change-feed.ts';
import { newestSeq } from './fetch-sequence.ts';
import type { MirrorStore } from './tables.ts';

/** Maximum of rows in memory at once; large binary contents lower it. */
const ROWS = 100;
/** Maximum of example ids for each counter. */
const EXAMPLES = 20;

export interface StoredRow {
  readonly odooId: number;
  readonly fields: OdooRecord;
  readonly contentHash: string;
  readonly createDate: Date | null;
  readonly writeDate: Date | null;
  readonly binarySizes: Readonly<Record<string, string>>;
  readonly archived: boolean;
  /** The BC of a line; null for a header. */
  readonly bcOdooId: number | null;
}

export type StoredSizes = Pick<StoredRow, 'odooId' | 'binarySizes'>;

/** The rows with `after < odoo_id <= upTo`; with `ids` only those of them. */
export interface RowRange {
  readonly after: number;
  readonly upTo: number;
  readonly ids?: readonly number[];
}

/** The rows of a range, ascending, in groups. `split` decides which rows are read together. */
export async function* storedRows(
  db: Queryable,
  table: HeaderTable | LineTable,
  { after, upTo, ids }: RowRange,
  split: (rows: readonly StoredSizes[]) => readonly (readonly StoredSizes[])[],
): AsyncGenerator<StoredRow> {
  for (let last = after; ; ) {
    const known = await db
      .select({ odooId: table.odooId, binarySizes: table.binarySizes })
      .from(table)
      .where(
        and(
          gt(table.odooId, last),
          lte(table.odooId, upTo),
          ids === undefined ? undefined : isAnyOf(table.odooId, ids),
        ),
      )
      .orderBy(asc(table.odooId))
      .limit(ROWS);
    for (const some of split(known)) {
      yield* await rowsOf(
        db,
        table,
        some.map(({ odooId }) => odooId),
      );
    }
    if (known.length < ROWS) return;
    last = known.at(-1)?.odooId ?? upTo;
  }
}

async function rowsOf(
  db: Queryable,
  table: HeaderTable | LineTable,
  ids: readonly number[],
): Promise<StoredRow[]> {
  return db
    .select({
      odooId: table.odooId,
      fields: table.fields,
      contentHash: table.contentHash,
      createDate: table.odooCreateDate,
      writeDate: table.odooWriteDate,
      binarySizes: table.binarySizes,
      archived: sql<boolean>`${table.archivedAt} is not null`,
      bcOdooId: 'bcOdooId' in table ? table.bcOdooId : sql<null>`null`,
    })
    .from(table)
    .where(isAnyOf(table.odooId, ids))
    .orderBy(asc(table.odooId));
}

export interface Counted {
  readonly total: number;
  /** The first few examples. */
  readonly first: readonly { readonly id: number; readonly runId?: number }[];
}

/** Duplicate Odoo ids of a table. They exist only if the unique index is missing or corrupt. */
export async function duplicates(db: Queryable, table: HeaderTable | LineTable): Promise<Counted> {
  // Without the index, because this checks the index.
  return counted(
    await db.execute(sql`
      select odoo_id as id, count(*) over ()::int as total from (select odoo_id + 0 as odoo_id from ${table}) as t
      group by odoo_id having count(*) > 1 order by odoo_id limit ${EXAMPLES}`),
  );
}

/** Lines whose BC is not in the mirror. */
export async function orphanLines({ db, header: bc, line: bcLine }: MirrorStore): Promise<Counted> {
  return counted(
    await db.execute(sql`
      select line.odoo_id as id, count(*) over ()::int as total from ${bcLine} as line
      where not exists (select 1 from ${bc} as owner where owner.odoo_id = line.bc_odoo_id)
      order by line.odoo_id limit ${EXAMPLES}`),
  );
}

/** Open items of runs that ended well. Those of a failed run are covered by the next one. */
export async function openItemsOfEndedRuns(db: Queryable, key: string): Promise<Counted> {
  return counted(
    await db.execute(sql`
      select item.odoo_id as id, item.run_id as "runId", count(*) over ()::int as total
      from ${syncRunItem} as item join ${syncLog} as run on run.id = item.run_id
      where run.key = ${key} and item.state = 'open' and run.status in ('success', 'partial')
      order by item.run_id, item.odoo_id limit ${EXAMPLES}`),
  );
}

/** Readings with a number that the sequence has not given yet. */
export async function futureReadings(db: Queryable, table: HeaderTable | LineTable): Promise<Counted> {
  return counted(await db.execute(found(table, sql`${table.fetchSeq} > ${newestSeq}`)));
}

/** BCs whose last change is hidden from the readers of the change feed or of `updated_since`. */
export async function feedGaps(store: MirrorStore): Promise<Counted> {
  return counted(await store.db.execute(found(store.header, await hiddenChangeSql(store))));
}

/**
 * BCs whose last change is not in the audit trail, although it is younger than the retention (null: forever). A change
 * and its audit entry have the same time.
 */
export async function trailGaps(
  { db, header: bc, audit }: MirrorStore,
  auditMs: number | null,
): Promise<Counted> {
  const kept =
    auditMs === null
      ? sql`true`
      : sql`${bc.changedAt} >= clock_timestamp() - ${auditMs} * interval '1 millisecond'`;
  return counted(
    await db.execute(
      found(
        bc,
        sql`${kept} and not exists (
          select from ${audit} as entry where entry.odoo_id = ${bc.odooId} and entry.at >= ${bc.changedAt})`,
      ),
    ),
  );
}

const found = (table: HeaderTable | LineTable, wrong: SQL) => sql`
  select ${table.odooId} as id, count(*) over ()::int as total from ${table} where ${wrong}
  order by ${table.odooId} limit ${EXAMPLES}`;

/**
 * The counts of the last good verification. Null: no verification was good yet, or a forced sweep has ended since. Such a
 * sweep may remove any number of BCs and lines, so its counts are compared with nothing.
 */
export async function previousCounts(db: Queryable, key: string): Promise<VerifiedCounts | null> {
  const [row] = await db
    .select({ verified: syncState.verified })
    .from(syncState)
    .where(
      and(
        eq(syncState.key, key),
        sql`not exists (select from ${syncLog} as run where run.key = ${syncState.key} and run.mode = 'sweep' and run.force
          and run.status in ('success', 'partial') and run.finished_at > (${syncState.verified}->>'at')::timestamptz)`,
      ),
    );
  return row?.verified ?? null;
}

/** Keeps the counts of a good verification, unless the database is read-only, as a standby is. */
export async function keepCounts(
  db: Queryable,
  key: string,
  { headers, lines }: Pick<VerifiedCounts, 'headers' | 'lines'>,
): Promise<void> {
  const [row] = await db.execute<{ writable: boolean }>(
    sql`select current_setting('transaction_read_only') = 'off' as writable`,
  );
  if (row?.writable !== true) return;
  const verified = sql`jsonb_build_object('headers', ${headers}::int, 'lines', ${lines}::int, 'at', clock_timestamp())`;
  await db.update(syncState).set({ verified }).where(eq(syncState.key, key));
}

function counted(rows: readonly Record<string, unknown>[]): Counted {
  return {
    total: Number(rows[0]?.['total'] ?? 0),
    first: rows.map(({ id, runId }) => ({
      id: Number(id),
      ...(runId === undefined ? {} : { runId: Number(runId) }),
    })),
  };
}
