import { z } from 'zod';
import { keyOfSubject, openSubjects } from '../../../db/alerts.ts';
import { newestEnded } from '../../../db/mirror-stats.ts';
import { countOpenFailures } from '../../../db/runs/failures.ts';
import { readState } from '../../../db/runs/lease.ts';
import { RUN_PHASES, readCurrentRun } from '../../../db/runs/run-progress.ts';
import { listRuns } from '../../../db/runs/runs.ts';
import { shownSource } from '../../../db/runs/source.ts';
import { depth } from '../../../queues/queues.ts';
import type { ApiContext } from '../../context.ts';
import { answerWithin } from '../../errors.ts';
import { requireRedis } from '../../preconditions.ts';
import { exampleRun, moment, run, runWithProgress } from '../../schemas.ts';
import type { ServedMirror, ServedMirrors } from '../documents/place.ts';

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
  lineModel: z.string().nullable().describe('null: a mirror without lines'),
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

/** The state of a mirror, for the API and its live events. */
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
      .describe('between two scheduled runs (`every` of the mirror, or SYNC_EVERY); null: none is scheduled'),
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
    openIncidents: z
      .int()
      .describe(
        'incidents that are reported and not resolved: /api/v1/sync/incidents. Those of other mirrors do not count.',
      ),
    queues: z.object({ sync: z.int(), pages: z.int(), bc: z.int() }).nullable(),
  })
  .meta({ examples: [example] });
export type Overview = z.output<typeof overview>;

/** Rejects while PostgreSQL is down; without Redis, `queues` is null. */
export async function readOverview(
  deps: ApiContext,
  mirrors: ServedMirrors,
  { name, key, models, everyMs }: ServedMirror,
): Promise<Overview> {
  const others = new Set([...mirrors.values()].map((one) => one.key).filter((one) => one !== key));
  const [{ state, readAt }, lastRuns, lastMirrorRun, openFailures, subjects, queues] = await Promise.all([
    readState(deps.db, key).then((found) => ({ state: found, readAt: performance.now() })),
    listRuns(deps.db, { key, limit: LAST_RUNS }),
    newestEnded(deps.db, key, WHOLE_MIRROR),
    countOpenFailures(deps.db, key),
    openSubjects(deps.db),
    depths(deps, name),
  ]);
  const currentId = state?.held === true ? state.leaseRunId : null;
  const source = shownSource(state?.source ?? null);
  const current = currentId === null ? null : await readCurrentRun(deps.db, currentId);
  return {
    key,
    // Without lines, the stored source has a placeholder.
    source: source && { ...source, lineModel: models.lineModel === null ? null : source.lineModel },
    isSyncing: currentId !== null,
    lastSync: state?.lastSync ?? null,
    // The other queries may have taken long.
    ageSeconds: later(state?.ageSeconds ?? null, performance.now() - readAt),
    ...expectation(everyMs, deps.config),
    currentRun: current,
    lastRuns,
    lastMirrorRun,
    openFailures,
    openIncidents: subjects.filter((subject) => !others.has(keyOfSubject(subject))).length,
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

/** When the next run of a mirror is due, and from which age it counts as late. */
export function expectation(everyMs: number | null, { alerts }: ApiContext['config']) {
  if (everyMs === null) return { everySeconds: null, lateAfterSeconds: null };
  const lateAfterSeconds = Math.ceil((everyMs * alerts.staleIntervals) / 1000);
  return { everySeconds: Math.ceil(everyMs / 1000), lateAfterSeconds };
}

/** Null without Redis; the rest of the overview is returned. */
async function depths({ queuesOf, redis }: ApiContext, mirror: string): Promise<Overview['queues']> {
  const queues = queuesOf(mirror);
  try {
    await requireRedis(redis);
    const counted = Promise.all([depth(queues.sync), depth(queues.pages), depth(queues.bc)]);
    const [sync, pages, bc] = await answerWithin(counted, 'Redis');
    return { sync, pages, bc };
  } catch {
    return null;
  }
}
