import { sql } from 'drizzle-orm';
import { type ClockLimit, mirrorFindings, type Staleness } from '../../../src/alerts/checks.ts';
import { evaluateIncidents } from '../../../src/alerts/watcher.ts';
import type { Database } from '../../../src/db/client.ts';
import { recordFailure } from '../../../src/db/runs/failures.ts';
import type { AlertChannel } from '../../../src/db/schema/alerts.ts';
import { alertDelivery, alertIncident } from '../../../src/db/schema/alerts.ts';
import type { RunMode, RunStatus, SyncLogRow } from '../../../src/db/schema/sync.ts';
import { syncLog } from '../../../src/db/schema/sync.ts';

export const KEY = 'bclinbc';
/** Runs start when they are asked for: nothing is ever stale. */
const CALM: Staleness & ClockLimit = { everyMs: null, staleIntervals: 10, overlapMs: 600_000 };

export const truncateAll = (db: Database) =>
  db.execute(sql`truncate alert_incident, alert_delivery, sync_log, sync_run_item, sync_run_page, sync_failure,
    sync_state, tryton_health restart identity`);

const ago = (seconds: number) => sql<Date>`clock_timestamp() - ${seconds} * interval '1 second'`;

/** A run as a row of the log; a finished one ended `endedAgo` seconds ago. Returns its id. */
export async function addRun(
  db: Database,
  mode: RunMode,
  status: RunStatus,
  { endedAgo = 0, ...columns }: Partial<SyncLogRow> & { endedAgo?: number } = {},
): Promise<number> {
  const isOver = status !== 'queued' && status !== 'running';
  const times = { requestedAt: ago(endedAgo), ...(isOver && { finishedAt: ago(endedAgo) }) };
  const [row] = await db
    .insert(syncLog)
    .values({ key: KEY, mode, trigger: 'cli', status, ...times, ...columns })
    .returning({ id: syncLog.id });
  return row?.id ?? 0;
}

/** A BC that failed for good in that run. */
export const addFailure = (db: Database, odooId: number, runId: number, message = `BC ${odooId} is odd.`) =>
  recordFailure(db, { key: KEY, odooId, runId, jobId: null, code: 'odoo_access_denied', message });

/** One check of the mirror, without receivers unless channels are given. */
export const lookAtMirror = (
  db: Database,
  channels: readonly AlertChannel[] = [],
  settings: Partial<Staleness & ClockLimit> = {},
) => evaluateIncidents(db, 'mirror', channels, (tx) => mirrorFindings(tx, KEY, { ...CALM, ...settings }));

export const incidentsOf = (db: Database) => db.select().from(alertIncident).orderBy(alertIncident.id);
export const deliveriesOf = (db: Database) => db.select().from(alertDelivery).orderBy(alertDelivery.id);
