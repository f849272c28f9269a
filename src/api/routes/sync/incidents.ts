import { z } from 'zod';
import { keyOfSubject, listIncidents, type ReportedIncident } from '../../../db/alerts.ts';
import { ALERT_CHANNELS, ALERT_EVENTS, INCIDENT_KINDS } from '../../../db/schema/alerts.ts';
import type { Api, ApiContext } from '../../context.ts';
import { reachedKeys } from '../../plugins/mirror-access.ts';
import { doc, limit, moment, pageOf, toPage } from '../../schemas.ts';
import { findServed, mirrorName, type ServedMirrors } from '../documents/place.ts';

const delivery = z.object({
  event: z.enum(ALERT_EVENTS),
  channel: z.enum(ALERT_CHANNELS),
  attempts: z.int(),
  nextAttemptAt: moment.nullable().describe('null once it was delivered or given up'),
  deliveredAt: moment.nullable(),
  givenUpAt: moment.nullable(),
  lastError: z.string().nullable(),
});

export const incident = z.object({
  id: z.int(),
  kind: z.enum(INCIDENT_KINDS),
  subject: z.string(),
  mirror: z.string().nullable().describe('null: it is about no mirror of the configuration'),
  code: z.string(),
  message: z.string(),
  runId: z.int().nullable(),
  openedAt: moment,
  resolvedAt: moment.nullable().describe('null while it is open'),
  deliveries: z.array(delivery).describe('alerts that were sent, and those that are still to be sent'),
});

const example = {
  ...{ id: 5, kind: 'mirror_stale', subject: 'bclinbc', mirror: 'bc', code: 'mirror_stale' },
  message: 'No run has succeeded since 2026-01-31T07:00:00.000Z.',
  ...{ runId: null, openedAt: '2026-01-31T07:11:00.000Z', resolvedAt: null, deliveries: [] },
};

const cursorText = 'nextCursor of the page before';
const cursor = z
  .string()
  .regex(/^(open|over)-[1-9]\d{0,14}$/, cursorText)
  .transform((text) => ({ open: text.startsWith('open'), id: Number(text.slice('open-'.length)) }))
  .optional()
  .meta(doc(cursorText, 'open-5'));

const oneMirror = mirrorName
  .optional()
  .describe('a mirror of GET /api/v1/mirrors: incidents of the other mirrors are left out')
  .meta({ examples: ['bc'] });

export function incidentRoutes(api: Api, { db }: ApiContext, mirrors: ServedMirrors): void {
  const named = [...mirrors.values()];
  const names = new Map(named.map(({ key, name }) => [key, name]));
  api.get(
    '/api/v1/sync/incidents',
    {
      config: { scope: 'bc:read', mirror: 'own', problems: ['mirror_not_found'] },
      schema: {
        tags: ['sync'],
        summary: 'Incidents: those that are open first, each newest first',
        description:
          'Incidents that are reported by e-mail or webhook, and the state of their delivery. A key that is limited ' +
          'to some mirrors gets only the incidents of those.',
        querystring: z.strictObject({ mirror: oneMirror, limit, cursor }),
        response: { 200: pageOf(incident, example) },
      },
    },
    async ({ query: { mirror, limit: size, cursor: after = null }, apiKey }) => {
      const own = mirror === undefined ? null : findServed(mirrors, mirror);
      const without = own === null ? [] : named.filter((one) => one !== own).map(({ key }) => key);
      const page = { limit: size + 1, after, only: reachedKeys(apiKey), without };
      const rows = await listIncidents(db, page);
      return toPage(
        rows.map((row) => ({ ...toIncident(row), mirror: names.get(keyOfSubject(row.subject)) ?? null })),
        size,
        (last) => `${last.resolvedAt === null ? 'open' : 'over'}-${last.id}`,
      );
    },
  );
}

function toIncident({ deliveries, ...row }: ReportedIncident) {
  return {
    ...row,
    deliveries: deliveries.map((one) => ({
      ...one,
      nextAttemptAt: one.deliveredAt === null && one.givenUpAt === null ? one.nextAttemptAt : null,
    })),
  };
}
