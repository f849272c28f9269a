import { setTimeout as pause } from 'node:timers/promises';
import { sql } from 'drizzle-orm';
import { errorCode, PasserelleError } from '../errors.ts';
import type { Database, Transaction } from './connection.ts';
import { LOCKS } from './locks.ts';

/** How a migration waits for tables that others use. */
export interface Patience {
  /** Of one try, in milliseconds: so long are others held up behind it at most. */
  readonly lockMs: number;
  /** Between two tries, in milliseconds: what was held up gets through. */
  readonly pauseMs: number;
  readonly tries: number;
}

/** Some five minutes in all. */
export const PATIENCE: Patience = { lockMs: 2000, pauseMs: 3000, tries: 60 };

const TURN_MS = 500;

/** SQLSTATE: lock_timeout ran out, deadlock. */
const BLOCKED: readonly string[] = ['55P03', '40P01'];

/** A table stayed in use. Nothing was changed. */
export class MigrationBlockedError extends PasserelleError {
  override readonly name = 'MigrationBlockedError';
  readonly code = 'migration_blocked';
  override readonly retryable = true;
  constructor(tag: string, tries: number, cause: unknown) {
    super(
      `Migration ${tag} found its tables in use in each of ${tries} tries; look for long transactions in pg_stat_activity, end them, and migrate again.`,
      { cause },
    );
  }
}

interface Waiting {
  readonly patience: Patience;
  readonly onStep: (line: string) => void;
}

/**
 * One process at a time migrates; the turn ends with the session. It is asked for again and again: a session that waits
 * for a lock has a snapshot, which the other's `create index concurrently` would wait for in turn.
 */
export async function takeTurn(db: Database, onStep: (line: string) => void): Promise<void> {
  for (let told = false; ; told = true) {
    const [row] = await db.execute(sql`select pg_try_advisory_lock(${LOCKS.migration}) as mine`);
    if (row?.['mine'] === true) return;
    if (!told) onStep('another process is migrating: waiting for it');
    await pause(TURN_MS);
  }
}

/**
 * A transaction that never waits long for a lock: an `alter table` in the queue would hold up all who come after it.
 *
 * @throws MigrationBlockedError after the last try.
 */
export async function withLockTimeout(
  db: Database,
  tag: string,
  { patience: { lockMs, pauseMs, tries }, onStep }: Waiting,
  work: (tx: Transaction) => Promise<void>,
): Promise<void> {
  for (let tried = 1; ; tried++) {
    try {
      return await db.transaction(async (tx) => {
        await tx.execute(sql`select set_config('lock_timeout', ${String(lockMs)}, true)`);
        await work(tx);
      });
    } catch (error) {
      if (!BLOCKED.includes(errorCode(error))) throw error;
      if (tried === tries) throw new MigrationBlockedError(tag, tries, error);
      onStep(`${tag}: its tables are in use, letting others through and trying again`);
      await pause(pauseMs);
    }
  }
}
