import type postgres from 'postgres';
import type { StoredBc } from './check-mirror.ts';
import { grouped } from './check-mirror.ts';
import type { History } from './history.ts';
import { BC } from './history.ts';
import type { Entry } from './past.ts';
import { Past } from './past.ts';

interface EntryRow extends Entry {
  readonly bc: number;
}

export interface TrailCheck {
  readonly entries: number;
  readonly problems: readonly string[];
}

/**
 * Plays the audit trail of each BC backwards from the mirror. Each entry names the state before and after
 * it; a change that is missing or recorded twice breaks this chain. Each state that an entry left must have
 * been in Odoo before the entry was written: that finds a change missing next to `created`, which holds no content.
 */
export async function checkTrail(
  sql: postgres.Sql,
  bcs: readonly StoredBc[],
  history: History,
): Promise<TrailCheck> {
  const rows = await sql<EntryRow[]>`
    select odoo_id::int as bc, id::int, action, changes, (extract(epoch from at) * 1000)::float8 as at
    from audit_log order by odoo_id, id desc`;
  const trails = grouped(rows, ({ bc }) => bc);
  const problems = bcs.flatMap((bc) => replay(bc, trails.get(bc.id) ?? [], history));
  const known = new Set(bcs.map(({ id }) => id));
  for (const id of trails.keys()) if (!known.has(id)) problems.push(`BC ${id} has a trail and no row`);
  return { entries: rows.length, problems };
}

/** `newestFirst`: the whole trail of one BC. */
function replay(bc: StoredBc, newestFirst: readonly Entry[], history: History): string[] {
  const past = new Past(bc, history);
  for (const entry of newestFirst) past.undo(entry);
  past.expectNothingBefore();
  return past.problems.map((problem) => `${BC} ${bc.id}: ${problem}`);
}
