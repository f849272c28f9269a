import { z } from 'zod';
import { countOpenFailures } from '../../db/failures.ts';
import { countOpenIncidents } from '../../db/incidents.ts';
import { readState } from '../../db/lease.ts';
import { progress } from '../../db/ledger.ts';
import { findRun, listRuns } from '../../db/runs.ts';
import { depth } from '../../queues/queues.ts';
import { BC_KEY } from '../../sync/document.ts';
import type { Api } from '../app.ts';
import type { ApiDeps } from '../deps.ts';
import { requireRedis } from '../guards.ts';
import { problemResponses } from '../problem.ts';
import { moment, run, runWithProgress } from '../schemas.ts';

const LAST_RUNS = 5;

const overview = z.object({
  key: z.string(),
  isSyncing: z.boolean(),
  lastSync: moment.nullable(),
  currentRun: runWithProgress.nullable(),
  lastRuns: z.array(run),
  openFailures: z.int(),
  openIncidents: z.int().describe('what people were told of and is not over: /api/v1/sync/incidents'),
  queues: z.object({ sync: z.int(), pages: z.int(), bc: z.int() }).nullable(),
});

/** The state of the mirror at a glance. */
export function syncRoutes(api: Api, deps: ApiDeps): void {
  api.get(
    '/api/v1/sync',
    {
      config: { scope: 'bc:read' },
      schema: {
        tags: ['sync'],
        summary:
          'State, current run, last runs, open failures and incidents, queue depths (null while Redis is down)',
        response: { 200: overview, ...problemResponses },
      },
    },
    async () => {
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
        currentRun: currentId === null ? null : await currentRun(deps, currentId),
        lastRuns,
        openFailures,
        openIncidents,
        queues,
      };
    },
  );
}

async function currentRun({ db }: ApiDeps, runId: number) {
  const [found, items] = await Promise.all([findRun(db, runId), progress(db, runId)]);
  return found === null ? null : { ...found, progress: items };
}

/** The rest of the overview is worth showing without Redis. */
async function depths({ queues, redis }: ApiDeps) {
  try {
    await requireRedis(redis);
    const [sync, pages, bc] = await Promise.all([depth(queues.sync), depth(queues.pages), depth(queues.bc)]);
    return { sync, pages, bc };
  } catch {
    return null;
  }
}
