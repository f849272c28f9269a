import { eq, sql } from 'drizzle-orm';
import { PasserelleError } from '../../shared/errors.ts';
import type { Database, Queryable } from '../client.ts';
import { hereSql } from '../installation.ts';
import { LOCKS } from '../locks.ts';
import { BC_KEY, syncState } from '../schema/sync.ts';

/** The numbers taken before and after a reading, and its start as ISO 8601. */
export interface Reading {
  readonly fetchSeq: number;
  readonly endSeq: number;
  readonly fetchedAt: string;
}

/** A reading that has not ended. */
type BegunReading = Omit<Reading, 'endSeq'>;

/**
 * PostgreSQL lost commits while Odoo was read: it failed over to a standby that lacked them, or was restored. The
 * numbers of this reading cannot be compared with stored ones.
 *
 * @fix Nothing: the worker reads Odoo again.
 */
class SequenceWentBackError extends PasserelleError {
  readonly code = 'sequence_went_back';
  override readonly retryable = true;
  constructor() {
    super(
      'PostgreSQL lost its last commits while Odoo was read, by a failover or a restore; Odoo is read again.',
    );
  }
}

/**
 * How far the sequence jumps after it went back. No failover loses so many numbers, so all numbers from before it are
 * smaller than all numbers after it. 2^53 has room for two million jumps.
 */
const JUMP = 2 ** 32;

/** The number that was taken last; 0 before the first one. A sequence that was just set returns its value itself. */
export const newestSeq = sql`(select last_value - (not is_called)::int from fetch_seq)`;

/** For each pool, the greatest number that it ever got. Null: the server has not been checked yet. */
const greatest = new WeakMap<Database, number>();

/**
 * Begins a reading of Odoo. Numbers grow with every call and order readings, also across a failover that loses commits:
 * the first process that notices it lets the sequence jump.
 */
export async function beginReading(db: Database): Promise<BegunReading> {
  return { fetchSeq: await nextNumber(db), fetchedAt: new Date().toISOString() };
}

/** Ends a reading, or extends it. @throws SequenceWentBackError */
export async function endReading(db: Database, begun: BegunReading): Promise<Reading> {
  const endSeq = await nextNumber(db);
  if (isOutdated(begun.fetchSeq, endSeq)) throw new SequenceWentBackError();
  return { fetchSeq: begun.fetchSeq, endSeq, fetchedAt: begun.fetchedAt };
}

/**
 * Whether a number was taken before commits were lost: it is greater than the newest one, or the sequence has jumped
 * since.
 */
export function isOutdated(seq: number, newest: number): boolean {
  return seq > newest || newest - seq >= JUMP / 2;
}

async function nextNumber(db: Database): Promise<number> {
  const known = greatest.get(db) ?? (await checkServer(db));
  let seq = await take(db);
  while (seq <= known) {
    await jumpBeyond(db, known);
    seq = await take(db);
  }
  // Other calls may have got greater numbers meanwhile.
  greatest.set(db, Math.max(seq, greatest.get(db) ?? 0));
  return seq;
}

async function take(db: Queryable): Promise<number> {
  const [row] = await db.execute<{ seq: string }>(sql`select nextval('fetch_seq') as seq`);
  return Number(row?.seq);
}

/**
 * Once for each pool: if another server, timeline or copy gave the numbers so far, it may have given more than this one
 * knows of. @returns the newest number.
 */
async function checkServer(db: Database): Promise<number> {
  const [row] = await db.execute<{ same: boolean; newest: string }>(sql`
    select coalesce(${syncState.sequenceServer} = ${hereSql}, false) as same, ${newestSeq} as newest
    from (select) as one left join ${syncState} on ${syncState.key} = ${BC_KEY}`);
  const newest = Number(row?.newest);
  if (row?.same !== true) await noteServer(db);
  return greatest.get(db) ?? newest;
}

/** The first server is only noted. */
async function noteServer(db: Database): Promise<void> {
  await db.insert(syncState).values({ key: BC_KEY }).onConflictDoNothing();
  await db.transaction(async (tx) => {
    const [row] = await tx
      .select({ server: syncState.sequenceServer, here: sql<string>`${hereSql}` })
      .from(syncState)
      .where(eq(syncState.key, BC_KEY))
      .for('update');
    if (row === undefined || row.server === row.here) return;
    if (row.server !== null) await jump(tx, 0);
    await tx.update(syncState).set({ sequenceServer: row.here }).where(eq(syncState.key, BC_KEY));
  });
}

/** Lets the sequence jump, unless another process just did. */
export async function jumpBeyond(db: Database, seq: number): Promise<void> {
  await db.transaction((tx) => jump(tx, seq));
}

async function jump(tx: Queryable, seq: number): Promise<void> {
  await tx.execute(sql`select pg_advisory_xact_lock(${LOCKS.sequence})`);
  await tx.execute(sql`
    select setval('fetch_seq', greatest(${seq}::bigint, newest) + ${JUMP}::bigint) from (select ${newestSeq} as newest) as s
    where ${seq}::bigint = 0 or newest <= ${seq}::bigint`);
}
