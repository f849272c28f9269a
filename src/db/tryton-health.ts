import { eq, sql } from 'drizzle-orm';
import type { PgColumn } from 'drizzle-orm/pg-core';
import type { Queryable } from './connection.ts';
import { trytonHealth } from './schema/gateway.ts';

/** When and by what call Tryton last gave an answer, or last failed. Either may be unknown. */
export interface TrytonSightings {
  readonly success: { readonly at: Date; readonly method: string } | null;
  readonly error: {
    readonly at: Date;
    readonly method: string;
    readonly code: string;
    readonly message: string;
  } | null;
}

/** Notes what was seen. Of two moments the later one stays, whichever process comes last. */
export async function recordTrytonHealth(
  db: Queryable,
  target: string,
  { success, error }: TrytonSightings,
): Promise<void> {
  const seen = {
    ...(success !== null && { lastSuccessAt: success.at, lastSuccessMethod: success.method }),
    ...(error !== null && {
      lastErrorAt: error.at,
      lastErrorMethod: error.method,
      lastErrorCode: error.code,
      lastErrorMessage: error.message,
    }),
  };
  const { lastSuccessAt, lastErrorAt } = trytonHealth;
  await db
    .insert(trytonHealth)
    .values({ target, ...seen })
    .onConflictDoUpdate({
      target: trytonHealth.target,
      set: {
        lastSuccessMethod: later(lastSuccessAt, trytonHealth.lastSuccessMethod),
        lastSuccessAt: later(lastSuccessAt, lastSuccessAt),
        lastErrorMethod: later(lastErrorAt, trytonHealth.lastErrorMethod),
        lastErrorCode: later(lastErrorAt, trytonHealth.lastErrorCode),
        lastErrorMessage: later(lastErrorAt, trytonHealth.lastErrorMessage),
        lastErrorAt: later(lastErrorAt, lastErrorAt),
      },
    });
}

/** The new value of a column where the new moment is later than the stored one, or there is none stored. */
function later(moment: PgColumn, column: PgColumn) {
  const given = (one: PgColumn) => sql`excluded.${sql.identifier(one.name)}`;
  return sql`case when ${given(moment)} > coalesce(${moment}, '-infinity') then ${given(column)} else ${column} end`;
}

/** What is known of a target; nothing at first. */
export async function findTrytonHealth(db: Queryable, target: string): Promise<TrytonSightings> {
  const [row] = await db.select().from(trytonHealth).where(eq(trytonHealth.target, target));
  const { lastSuccessAt = null, lastErrorAt = null } = row ?? {};
  return {
    success: lastSuccessAt && { at: lastSuccessAt, method: row?.lastSuccessMethod ?? '' },
    error: lastErrorAt && {
      at: lastErrorAt,
      method: row?.lastErrorMethod ?? '',
      code: row?.lastErrorCode ?? '',
      message: row?.lastErrorMessage ?? '',
    },
  };
}
