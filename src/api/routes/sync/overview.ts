import { z } from 'zod';
import { countOpenIncidents } from '../../../db/alerts.ts';
import { newestEnded } from '../../../db/mirror-stats.ts';
import { countOpenFailures } from '../../../db/runs/failures.ts';
import { readState } from '../../../db/runs/lease.ts';
import { RUN_PHASES, readCurrentRun } from '../../../db/runs/run-progress.ts';
import { listRuns } from '../../../db/runs/runs.ts';
import { shownSource } from '../../../db/runs/source.ts';
import { BC_KEY } from '../../../db/schema/sync.ts';
import { depth } from '../../../queues/queues.ts';
import type { ApiContext } from '../../context.ts';
import { answerWithin } from '../../errors.ts';
import { requireRedis } from '../../preconditions.ts';
import { exampleRun, moment, run, runWithProgress } from '../../schemas.ts';

const LAST_RUNS = 5;
/** Modes that cover all BCs. */
const WHOLE_MIRROR = ['incremental', 'full', 'sweep'] as const;

const currentRun = runWithProgress.extend({
  phase: z
    .enum(RUN_PHASES)
    .describe('planning: the ids are not listed yet; fetching: some pages are not fetched yet'),
  elapsedMs: z.int().describe('since it started'),
});

const source = z.object({
  model: z.string(),
  lineModel: z.string(),
  database: z.string().describe('the name of the Odoo database'),
  unfinishedRun: z
    .int()
    .nullable()
    .describe('the run that did not finish the move to this source: the mirror has content of two sources'),
});

const example = {
  source: { model: 'dimagaz.bc', lineModel: 'dimagaz.bc.line', database: 'prod', unfinishedRun: null },
  ...{ key: 'bclinbc', isSyncing: false, lastSync: '2026-01-31T08:01:00.000Z' },
  ...{ ageSeconds: 42, everySeconds: 60, lateAfterSeconds: 600 },
  ...{ currentRun: null, lastRuns: [exampleRun], lastMirrorRun: exampleRun },
  ...{ openFailures: 0, openIncidents: 0, queues: { sync: 0, pages: 0, bc: 0 } },
};

/** The state of the mirror, for the API and its live events. */
export const overview = z
  .object({
    key: z.string(),
    source: source.nullable().describe('what the mirror was read from; null before the first run'),
    isSyncing: z.boolean(),
    lastSync: moment.nullable(),
    ageSeconds: z
      .int()
      .nullable()
      .describe(
        "since lastSync, by PostgreSQL's clock; below 0: lastSync is in its future, because Odoo's clock is ahead; " +
          'null before the first sync',
      ),
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
    lastMirrorRun: run
      .nullable()
      .describe('the newest run that ended, of those of the whole mirror: neither single nor skipped'),
    openFailures: z.int(),
    openIncidents: z.int().describe('incidents that are reported and not resolved: /api/v1/sync/incidents'),
    queues: z.object({ sync: z.int(), pages: z.int(), bc: z.int() }).nullable(),
  })
  .meta({ examples: [example] });
export type Overview = z.output<typeof overview>;

/** Rejects while PostgreSQL is down; without Redis, `queues` is null. */
export async function readOverview(deps: ApiContext): Promise<Overview> {
  const [{ state, readAt }, lastRuns, lastMirrorRun, openFailures, openIncidents, queues] = await Promise.all(
    [
      readState(deps.db, BC_KEY).then((found) => ({ state: found, readAt: performance.now() })),
      listRuns(deps.db, { key: BC_KEY, limit: LAST_RUNS }),
      newestEnded(deps.db, BC_KEY, WHOLE_MIRROR),
      countOpenFailures(deps.db, BC_KEY),
      countOpenIncidents(deps.db),
      depths(deps),
    ],
  );
  const currentId = state?.held === true ? state.leaseRunId : null;
  const current = currentId === null ? null : await readCurrentRun(deps.db, currentId);
  return {
    key: BC_KEY,
    source: shownSource(state?.source ?? null),
    isSyncing: currentId !== null,
    lastSync: state?.lastSync ?? null,
    // The other queries may have taken long.
    ageSeconds: later(state?.ageSeconds ?? null, performance.now() - readAt),
    ...expectation(deps),
    currentRun: current,
    lastRuns,
    lastMirrorRun,
    openFailures,
    openIncidents,
    queues,
  };
}

/** The state `ms` after it was read: only its ages differ. */
export function aged(state: Overview, ms: number): Overview {
  const { ageSeconds, currentRun: current } = state;
  return {
    ...state,
    ageSeconds: later(ageSeconds, ms),
    currentRun: current && { ...current, elapsedMs: current.elapsedMs + Math.round(ms) },
  };
}

const later = (seconds: number | null, ms: number): number | null =>
  seconds === null ? null : seconds + Math.round(ms / 1000);

function expectation({ config: { odoo, sync, alerts } }: ApiContext) {
  const everyMs = odoo === null ? null : sync.everyMs;
  if (everyMs === null) return { everySeconds: null, lateAfterSeconds: null };
  const lateAfterSeconds = Math.ceil((everyMs * alerts.staleIntervals) / 1000);
  return { everySeconds: Math.ceil(everyMs / 1000), lateAfterSeconds };
}

/** Null without Redis; the rest of the overview is returned. */
async function depths({ queues, redis }: ApiContext): Promise<Overview['queues']> {
  try {
    await requireRedis(redis);
    const counted = Promise.all([depth(queues.sync), depth(queues.pages), depth(queues.bc)]);
    const [sync, pages, bc] = await answerWithin(counted, 'Redis');
    return { sync, pages, bc };
  } catch {
    return null;
  }
}
