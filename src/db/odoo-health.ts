import { desc, eq, sql } from 'drizzle-orm';
import type { PgColumn } from 'drizzle-orm/pg-core';
import type { Queryable } from './connection.ts';
import { odooHealth } from './schema/sync.ts';
import type { Sightings } from './sightings.ts';
import { later, laterSightings, sightingsColumns, sightingsOf } from './sightings.ts';

/** How Odoo answers, as far as a process that asked it knows. */
export interface OdooManner {
  readonly version: string | null;
  readonly protocol: string | null;
  /** Of the calls of the last minute that went well, the middle one. */
  readonly latencyMs: number | null;
}

/** How Odoo was last seen, by whichever worker. */
export interface OdooHealth extends Sightings, OdooManner {
  /** `mirror@https://odoo.example.com/prod`, see `odooTarget`. */
  readonly target: string;
}

/** Notes what was seen of Odoo. Of two moments the later one stays, and the manner of the later success. */
export async function recordOdooHealth(
  db: Queryable,
  target: string,
  seen: Sightings,
  manner: OdooManner,
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

/** How that Odoo was last seen; without a target, the one that was seen last. Null: none was seen yet. */
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
