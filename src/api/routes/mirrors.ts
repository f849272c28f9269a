import { getTableName } from 'drizzle-orm';
import { z } from 'zod';
import { keyOfSubject, openSubjects } from '../../db/alerts.ts';
import { mirrorSummaryWithRun } from '../../db/mirror-stats.ts';
import { viewsOf } from '../../db/odoo-model/typed-views.ts';
import { RUN_STATUSES } from '../../db/schema/sync.ts';
import type { Api, ApiContext } from '../context.ts';
import { reaches } from '../plugins/mirror-access.ts';
import { moment, run } from '../schemas.ts';
import type { ServedMirror, ServedMirrors } from './documents/place.ts';
import { expectation, overview } from './sync/overview.ts';

const lastRun = run.pick({ id: true, mode: true, status: true, finishedAt: true });

export const mirror = z.object({
  name: z.string(),
  key: z.string().describe('of its state and its runs'),
  isConfigured: z.boolean().describe('false: `bc`, which is always served, is not in the configuration'),
  model: z.string(),
  lineModel: z.string().nullable().describe('null: a mirror without lines'),
  table: z.string(),
  view: z.string().describe('the typed view of the table'),
  documents: z.int().describe('without archived ones; above 10,000, an estimate'),
  isSyncing: z.boolean(),
  lastSync: moment.nullable(),
  ...overview.pick({ ageSeconds: true, everySeconds: true, lateAfterSeconds: true }).shape,
  lastStatus: z.enum(RUN_STATUSES).nullable().describe('of `lastRun`'),
  lastRun: lastRun.nullable().describe('the newest run of the whole mirror that ended; null: none has'),
  openFailures: z.int(),
  openIncidents: z.int().describe('of this mirror only'),
});

const example = {
  ...{
    name: 'bc',
    key: 'bclinbc',
    isConfigured: true,
    model: 'dimagaz.bc',
    lineModel: 'dimagaz.bc.line',
    table: 'scrap_dimagaz_bc',
  },
  ...{ view: 'dimagaz_bc', documents: 10_014, isSyncing: false, lastSync: '2026-01-31T08:01:00.000Z' },
  ...{ ageSeconds: 7, everySeconds: 60, lateAfterSeconds: 600, lastStatus: 'success' },
  lastRun: { id: 311, mode: 'incremental', status: 'success', finishedAt: '2026-01-31T08:01:07.633Z' },
  ...{ openFailures: 0, openIncidents: 0 },
};

/** The mirrors of the configuration. */
export function mirrorsRoute(api: Api, deps: ApiContext, mirrors: ServedMirrors): void {
  api.get(
    '/api/v1/mirrors',
    {
      config: { scope: 'bc:read', mirror: 'own' },
      schema: {
        tags: ['mirrors'],
        summary: 'The mirrors and their state',
        description:
          'Their documents are at /api/v1/mirrors/{mirror}/documents. A key that is limited to some mirrors gets ' +
          'only those.',
        response: { 200: z.object({ items: z.array(mirror) }).meta({ examples: [{ items: [example] }] }) },
      },
    },
    async ({ apiKey }) => {
      const subjects = (await openSubjects(deps.db)).map(keyOfSubject);
      const reached = [...mirrors.values()].filter(({ name }) => reaches(apiKey, name));
      return {
        items: await Promise.all(
          reached.map(async (own) => ({
            ...(await present(own)),
            ...expectation(own.everyMs, deps.config),
            openIncidents: subjects.filter((key) => key === own.key).length,
          })),
        ),
      };
    },
  );
}

async function present({ name, key, isConfigured, models, store }: ServedMirror) {
  const summary = await mirrorSummaryWithRun(store, key);
  return {
    ...{ name, key, isConfigured, ...models },
    table: getTableName(store.header),
    view: viewsOf(store).header.name,
    ...summary,
    lastStatus: summary.lastRun?.status ?? null,
  };
}
