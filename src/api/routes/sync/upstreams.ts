import { z } from 'zod';
import type { OdooConfig } from '../../../config/index.ts';
import type { Queryable } from '../../../db/client.ts';
import { findOdooHealth } from '../../../db/upstream-health.ts';
import { odooTarget } from '../../../upstream-health/odoo.ts';
import type { Api, ApiContext } from '../../context.ts';
import { moment } from '../../schemas.ts';
import { type TrytonReport, type TrytonStatusProbe, trytonReport } from '../tryton/ping.ts';

const sighting = z.object({ at: moment, method: z.string() });

export const upstreams = z.object({
  odoo: z
    .object({
      version: z.string().nullable(),
      protocol: z.string().nullable(),
      latencyMs: z.number().nullable().describe('the median of the last minute of calls'),
      lastSuccess: sighting.nullable(),
      lastError: sighting.extend({ code: z.string(), message: z.string() }).nullable(),
    })
    .nullable()
    .describe('as a worker last saw it; null: no Odoo is configured'),
  tryton: trytonReport
    .omit({ cache: true })
    .extend({
      cacheHitRate: z
        .number()
        .nullable()
        .describe('from 0 to 1, of the cached calls of this process; null before the first one'),
    })
    .nullable()
    .describe('as it was at most 10 s ago; null: no Tryton is configured'),
});
type Upstreams = z.output<typeof upstreams>;

const example = {
  odoo: {
    ...{ version: '19.0', protocol: 'json2', latencyMs: 31, lastError: null },
    lastSuccess: { at: '2026-01-31T08:01:07.000Z', method: 'search_read' },
  },
  tryton: null,
};

export function upstreamsRoute(
  api: Api,
  { config, db }: ApiContext,
  trytonStatus: TrytonStatusProbe | null,
): void {
  api.get(
    '/api/v1/upstreams',
    {
      config: { scope: 'bc:read', mirror: 'all' },
      schema: {
        tags: ['sync', 'tryton'],
        summary: 'How Odoo and Tryton were last seen: version, latency, last success and error, cache',
        description:
          'The last calls of the workers to Odoo, and the state of Tryton, at most 10 s old. Null if it is not ' +
          'configured.',
        response: { 200: upstreams.meta({ examples: [example] }) },
      },
    },
    async () => {
      const [odoo, tryton] = await Promise.all([
        config.odoo === null ? null : odooAsSeen(db, config.odoo),
        trytonStatus === null ? null : trytonStatus.cached().then(summary),
      ]);
      return { odoo, tryton };
    },
  );
}

/** All null until a worker has called Odoo. */
async function odooAsSeen(db: Queryable, odoo: OdooConfig): Promise<Upstreams['odoo']> {
  const seen = await findOdooHealth(db, odooTarget(odoo));
  return {
    version: seen?.version ?? null,
    protocol: seen?.protocol ?? null,
    latencyMs: seen?.latencyMs ?? null,
    lastSuccess: seen?.success ?? null,
    lastError: seen?.error ?? null,
  };
}

/** Calls that bypass the cache do not count. */
function summary({ cache, ...report }: TrytonReport): Upstreams['tryton'] {
  const counts = Object.values(cache);
  const hits = counts.reduce((total, { hit }) => total + hit, 0);
  const asked = counts.reduce((total, { hit, miss, stale }) => total + hit + miss + stale, 0);
  return { ...report, cacheHitRate: asked === 0 ? null : hits / asked };
}
