import { eq } from 'drizzle-orm';
import type { Queryable } from './connection.ts';
import { trytonHealth } from './schema/gateway.ts';
import type { Sightings } from './sightings.ts';
import { laterSightings, sightingsColumns, sightingsOf } from './sightings.ts';

/** Notes what was seen of Tryton. Of two moments the later one stays, whichever process comes last. */
export async function recordTrytonHealth(db: Queryable, target: string, seen: Sightings): Promise<void> {
  await db
    .insert(trytonHealth)
    .values({ target, ...sightingsColumns(seen) })
    .onConflictDoUpdate({ target: trytonHealth.target, set: laterSightings(trytonHealth) });
}

/** What is known of a target; nothing at first. */
export async function findTrytonHealth(db: Queryable, target: string): Promise<Sightings> {
  const [row] = await db.select().from(trytonHealth).where(eq(trytonHealth.target, target));
  return sightingsOf(row);
}
