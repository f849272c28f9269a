import { getTableName } from 'drizzle-orm';
import { z } from 'zod';
import { mirrorSummary } from '../../db/mirror-stats.ts';
import { viewsOf } from '../../db/odoo-model/typed-views.ts';
import { RUN_STATUSES } from '../../db/schema/sync.ts';
import type { Api } from '../context.ts';
import { reaches } from '../plugins/mirror-access.ts';
import { moment } from '../schemas.ts';
import type { ServedMirror, ServedMirrors } from './documents/place.ts';

const mirror = z.object({
  name: z.string(),
  model: z.string(),
  lineModel: z.string().nullable().describe('null: a mirror without lines'),
  table: z.string(),
  view: z.string().describe('the typed view of the table'),
  documents: z.int().describe('an estimate'),
  isSyncing: z.boolean(),
  lastSync: moment.nullable(),
  ageSeconds: z.int().nullable(),
  lastStatus: z
    .enum(RUN_STATUSES)
    .nullable()
    .describe('of the newest run of the whole mirror that ended; null: none has'),
  openFailures: z.int(),
});

const example = {
  ...{ name: 'bc', model: 'dimagaz.bc', lineModel: 'dimagaz.bc.line', table: 'scrap_dimagaz_bc' },
  ...{ view: 'dimagaz_bc', documents: 10_014, isSyncing: false, lastSync: '2026-01-31T08:01:00.000Z' },
  ...{ ageSeconds: 7, lastStatus: 'success', openFailures: 0 },
};

/** The mirrors of the configuration. */
export function mirrorsRoute(api: Api, mirrors: ServedMirrors): void {
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
      const reached = [...mirrors.values()].filter(({ name }) => reaches(apiKey, name));
      return { items: await Promise.all(reached.map(present)) };
    },
  );
}

async function present({ name, key, models, store }: ServedMirror): Promise<z.output<typeof mirror>> {
  return {
    name,
    ...models,
    table: getTableName(store.header),
    view: viewsOf(store).header.name,
    ...(await mirrorSummary(store, key)),
  };
}
