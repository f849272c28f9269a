import type { SQL } from 'drizzle-orm';
import { sql } from 'drizzle-orm';
import type { PgColumn } from 'drizzle-orm/pg-core';
import type { Queryable } from './connection.ts';
import { trytonHealth } from './schema/gateway.ts';
import { odooHealth } from './schema/sync.ts';

/** When and by what call a server last gave an answer, or last failed. Either may be unknown. */
export interface Sightings {
  readonly success: { readonly at: Date; readonly method: string } | null;
  readonly error: {
    readonly at: Date;
    readonly method: string;
    readonly code: string;
    readonly message: string;
  } | null;
}

interface SightingsRow {
  readonly lastSuccessAt: Date | null;
  readonly lastSuccessMethod: string | null;
  readonly lastErrorAt: Date | null;
  readonly lastErrorMethod: string | null;
  readonly lastErrorCode: string | null;
  readonly lastErrorMessage: string | null;
}

/** The columns that hold them; what was not seen is left out. */
export function sightingsColumns({ success, error }: Sightings): Partial<SightingsRow> {
  return {
    ...(success !== null && { lastSuccessAt: success.at, lastSuccessMethod: success.method }),
    ...(error !== null && {
      lastErrorAt: error.at,
      lastErrorMethod: error.method,
      lastErrorCode: error.code,
      lastErrorMessage: error.message,
    }),
  };
}

/** The same columns where there is a row already: of two moments the later one stays, whichever process comes last. */
export function laterSightings(table: { readonly [K in keyof SightingsRow]: PgColumn }) {
  const { lastSuccessAt, lastErrorAt } = table;
  return {
    lastSuccessMethod: later(lastSuccessAt, table.lastSuccessMethod),
    lastSuccessAt: later(lastSuccessAt, lastSuccessAt),
    lastErrorMethod: later(lastErrorAt, table.lastErrorMethod),
    lastErrorCode: later(lastErrorAt, table.lastErrorCode),
    lastErrorMessage: later(lastErrorAt, table.lastErrorMessage),
    lastErrorAt: later(lastErrorAt, lastErrorAt),
  };
}

/** The new value of a column where the new moment is later than the stored one, or there is none stored. */
export function later(moment: PgColumn, column: PgColumn): SQL {
  const given = (one: PgColumn) => sql`excluded.${sql.identifier(one.name)}`;
  return sql`case when ${given(moment)} > coalesce(${moment}, '-infinity') then ${given(column)} else ${column} end`;
}

export function sightingsOf(row: SightingsRow | undefined): Sightings {
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

/** Of all targets of a server the last moments, in epoch seconds. */
export interface LastSighting {
  readonly server: 'odoo' | 'tryton';
  readonly succeededAt: number | null;
  readonly failedAt: number | null;
}

export async function lastSightings(db: Queryable): Promise<LastSighting[]> {
  const last = (column: PgColumn) => sql`extract(epoch from max(${column}))::float8`;
  const rows = await db.execute<{ [K in keyof LastSighting]: LastSighting[K] }>(sql`
    select 'odoo' as server, ${last(odooHealth.lastSuccessAt)} as "succeededAt",
      ${last(odooHealth.lastErrorAt)} as "failedAt" from ${odooHealth}
    union all select 'tryton', ${last(trytonHealth.lastSuccessAt)}, ${last(trytonHealth.lastErrorAt)}
    from ${trytonHealth}`);
  return [...rows];
}
