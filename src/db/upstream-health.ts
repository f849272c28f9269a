import { desc, eq, type SQL, sql } from 'drizzle-orm';
import type { PgColumn } from 'drizzle-orm/pg-core';
import type { Queryable } from './client.ts';
import { trytonHealth } from './schema/gateway.ts';
import { odooHealth } from './schema/sync.ts';

/** When and with which call a server last succeeded or failed. Both may be unknown. */
export interface LastSeen {
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

/** The columns of the values; missing ones are left out. */
function sightingsColumns({ success, error }: LastSeen): Partial<SightingsRow> {
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

/** The same columns if there is already a row: the later time stays, whichever process writes last. */
function laterSightings(table: { readonly [K in keyof SightingsRow]: PgColumn }) {
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

/** The new value of a column if the new time is later than the stored one, or if none is stored. */
function later(moment: PgColumn, column: PgColumn): SQL {
  const given = (one: PgColumn) => sql`excluded.${sql.identifier(one.name)}`;
  return sql`case when ${given(moment)} > coalesce(${moment}, '-infinity') then ${given(column)} else ${column} end`;
}

function sightingsOf(row: SightingsRow | undefined): LastSeen {
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

/** The last times over all targets of a server, in epoch seconds. */
interface LastSighting {
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

/** The state of Odoo, as far as a calling process knows it. */
export interface OdooConnectionStats {
  readonly version: string | null;
  readonly protocol: string | null;
  /** Median duration of the successful calls of the last minute. */
  readonly latencyMs: number | null;
}

/** The last state of Odoo, as seen by any worker. */
export interface OdooHealth extends LastSeen, OdooConnectionStats {
  /** `mirror@https://odoo.example.com/prod`, see `odooTarget`. */
  readonly target: string;
}

/** Records the state of Odoo. The later time wins, with the connection of the later success. */
export async function recordOdooHealth(
  db: Queryable,
  target: string,
  seen: LastSeen,
  manner: OdooConnectionStats,
): Promise<void> {
  const known = (column: PgColumn) => sql`coalesce(${later(odooHealth.lastSuccessAt, column)}, ${column})`;
  await db
    .insert(odooHealth)
    .values({ target, ...manner, ...sightingsColumns(seen) })
    .onConflictDoUpdate({
      target: odooHealth.target,
      set: {
        // A process that is still signing in does not know them yet.
        version: known(odooHealth.version),
        protocol: known(odooHealth.protocol),
        latencyMs: known(odooHealth.latencyMs),
        ...laterSightings(odooHealth),
      },
    });
}

/** The last state of that Odoo; without a target, of the one that was seen last. Null: none was seen yet. */
export async function findOdooHealth(db: Queryable, target?: string): Promise<OdooHealth | null> {
  const { lastSuccessAt, lastErrorAt } = odooHealth;
  const [row] = await db
    .select()
    .from(odooHealth)
    .where(target === undefined ? undefined : eq(odooHealth.target, target))
    .orderBy(desc(sql`greatest(${lastSuccessAt}, ${lastErrorAt})`))
    .limit(1);
  if (row === undefined) return null;
  const { version, protocol, latencyMs } = row;
  return { target: row.target, version, protocol, latencyMs, ...sightingsOf(row) };
}

/** Records the state of Tryton. The later time wins, whichever process writes last. */
export async function recordTrytonHealth(db: Queryable, target: string, seen: LastSeen): Promise<void> {
  await db
    .insert(trytonHealth)
    .values({ target, ...sightingsColumns(seen) })
    .onConflictDoUpdate({ target: trytonHealth.target, set: laterSightings(trytonHealth) });
}

/** The recorded state of a target; empty at first. */
export async function findTrytonHealth(db: Queryable, target: string): Promise<LastSeen> {
  const [row] = await db.select().from(trytonHealth).where(eq(trytonHealth.target, target));
  return sightingsOf(row);
}
