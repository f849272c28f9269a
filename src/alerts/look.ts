import { sql } from 'drizzle-orm';
import type { Database, Queryable } from '../db/connection.ts';
import { oweDeliveries } from '../db/deliveries.ts';
import { openIncident, resolveIncident } from '../db/incidents.ts';
import { LOCK_FAMILIES } from '../db/locks.ts';
import type { AlertChannel, IncidentRow } from '../db/schema/alerts.ts';
import type { Finding } from './finding.ts';

const AREAS = { mirror: 1, tryton: 2 } as const;

/** A process that is stopped in the middle of a look does not keep the others from looking. */
const LONGEST_PAUSE = '10s';

export interface News {
  readonly opened: readonly IncidentRow[];
  readonly resolved: readonly IncidentRow[];
}

/**
 * One look at how things stand: what is wrong and was not opens an incident, what is over ends one, and what the
 * channels are to be told of it is written in the same transaction. Looking twice changes nothing; while another process
 * looks this one does not, or it might act on what it read before that one wrote.
 */
export async function look(
  db: Database,
  area: keyof typeof AREAS,
  channels: readonly AlertChannel[],
  find: (tx: Queryable) => Promise<readonly Finding[]>,
): Promise<News> {
  return db.transaction(async (tx) => {
    const news = { opened: [] as IncidentRow[], resolved: [] as IncidentRow[] };
    await tx.execute(sql.raw(`set local idle_in_transaction_session_timeout = '${LONGEST_PAUSE}'`));
    const [lock] = await tx.execute<{ mine: boolean }>(
      sql`select pg_try_advisory_xact_lock(${LOCK_FAMILIES.alerts}::int, ${AREAS[area]}::int) as mine`,
    );
    if (lock?.mine !== true) return news;
    for (const finding of await find(tx)) {
      const changed = await act(tx, finding);
      if (changed !== null) news[finding.state === 'trouble' ? 'opened' : 'resolved'].push(changed);
    }
    for (const channel of channels) await oweDeliveries(tx, channel);
    return news;
  });
}

function act(tx: Queryable, finding: Finding): Promise<IncidentRow | null> {
  if (finding.state === 'trouble') {
    const { state: _, ...trouble } = finding;
    return openIncident(tx, trouble);
  }
  return finding.state === 'well' ? resolveIncident(tx, finding) : Promise.resolve(null);
}
