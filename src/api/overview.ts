import { z } from 'zod';
import { countOpenFailures } from '../db/failures.ts';
import { countOpenIncidents } from '../db/incidents.ts';
import { readState } from '../db/lease.ts';
import { progress } from '../db/ledger.ts';
import { RUN_PHASES, runStage } from '../db/run-phase.ts';
import { findRun, listRuns } from '../db/runs.ts';
import { depth } from '../queues/queues.ts';
import { BC_KEY } from '../sync/document.ts';
import type { ApiDeps } from './deps.ts';
import { requireRedis } from './guards.ts';
import { moment, run, runWithProgress } from './schemas.ts';

const LAST_RUNS = 5;

const currentRun = runWithProgress.extend({
  phase: z
    .enum(RUN_PHASES)
    .describe(
      'planning: what it owes is not known yet; fetching: Odoo has not been asked for every page yet',
    ),
  elapsedMs: z.int().describe('since it started'),
});

/** The state of the mirror at a glance, as the API and its live events tell it. */
export const overview = z.object({
  key: z.string(),
  isSyncing: z.boolean(),
  lastSync: moment.nullable(),
  ageSeconds: z
    .int()
    .nullable()
    .describe("since lastSync, by PostgreSQL's clock; null before the first sync"),
  everySeconds: z
    .int()
    .nullable()
    .describe('between two scheduled runs (SYNC_EVERY); null: none is scheduled'),
  lateAfterSeconds: z
    .int()
    .nullable()
    .describe('the age at which the mirror counts as late (ALERT_STALE_INTERVALS); null: never'),
  currentRun: currentRun.nullable(),
  lastRuns: z.array(run),
  openFailures: z.int(),
  openIncidents: z.int().describe('what people were told of and is not over: /api/v1/sync/incidents'),
  queues: z.object({ sync: z.int(), pages: z.int(), bc: z.int() }).nullable(),
});
export type Overview = z.output<typeof overview>;

/** Rejects while PostgreSQL is down; without Redis, `queues` is null. */
export async function readOverview(deps: ApiDeps): Promise<Overview> {
  const [state, lastRuns, openFailures, openIncidents, queues] = await Promise.all([
    readState(deps.db, BC_KEY),
    listRuns(deps.db, { limit: LAST_RUNS }),
    countOpenFailures(deps.db, BC_KEY),
    countOpenIncidents(deps.db),
    depths(deps),
  ]);
  const currentId = state?.held === true ? state.leaseRunId : null;
  return {
    key: BC_KEY,
    isSyncing: currentId !== null,
    lastSync: state?.lastSync ?? null,
    ageSeconds: state?.ageSeconds ?? null,
    ...expectation(deps),
    currentRun: currentId === null ? null : await readCurrentRun(deps, currentId),
    lastRuns,
    openFailures,
    openIncidents,
    queues,
  };
}

function expectation({ config: { odoo, sync, alerts } }: ApiDeps) {
  const everyMs = odoo === null ? null : sync.everyMs;
  if (everyMs === null) return { everySeconds: null, lateAfterSeconds: null };
  const lateAfterSeconds = Math.ceil((everyMs * alerts.staleIntervals) / 1000);
  return { everySeconds: Math.ceil(everyMs / 1000), lateAfterSeconds };
}

async function readCurrentRun({ db }: ApiDeps, runId: number): Promise<Overview['currentRun']> {
  const [found, stage, items] = await Promise.all([
    findRun(db, runId),
    runStage(db, runId),
    progress(db, runId),
  ]);
  return found === null || stage === null ? null : { ...found, ...stage, progress: items };
}

/** The rest of the overview is worth showing without Redis. */
async function depths({ queues, redis }: ApiDeps): Promise<Overview['queues']> {
  try {
    await requireRedis(redis);
    const [sync, pages, bc] = await Promise.all([depth(queues.sync), depth(queues.pages), depth(queues.bc)]);
    return { sync, pages, bc };
  } catch {
    return null;
  }
}
