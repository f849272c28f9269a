import { z } from 'zod';
import type { TrytonSightings } from '../../db/tryton-health.ts';
import { errorMessage } from '../../errors.ts';
import type { TrytonClient } from '../../tryton/client.ts';
import type { Api } from '../app.ts';
import type { ApiDeps } from '../deps.ts';
import { requireTryton } from '../guards.ts';
import { problemResponses } from '../problem.ts';
import { moment } from '../schemas.ts';
import { within } from '../within.ts';

const count = z.int();
const failure = z.object({ code: z.string(), message: z.string() });

const report = z
  .object({
    reachable: z.boolean().describe('the server answered'),
    authenticated: z.boolean().describe('a call with the session went through'),
    version: z.string().nullable(),
    latencyMs: z.number().nullable().describe('of the call with the session, else of the one without'),
    sessionAgeMs: z.number().nullable(),
    circuit: z
      .object({ open: z.literal(true), until: moment, code: z.string(), reason: z.string() })
      .nullable()
      .describe('not null: a login failed, and none is tried before that moment'),
    error: failure.nullable().describe('what went wrong now'),
    lastSuccess: z.object({ at: moment, method: z.string() }).nullable(),
    lastError: failure.extend({ at: moment, method: z.string() }).nullable(),
    cache: z
      .record(z.string(), z.object({ hit: count, miss: count, stale: count, bypass: count, error: count }))
      .describe('cached calls of this process, by method'),
  })
  .meta({
    examples: [
      {
        reachable: true,
        authenticated: true,
        version: '7.0.30',
        latencyMs: 12,
        sessionAgeMs: 86_000,
        circuit: null,
        error: null,
        lastSuccess: { at: '2026-11-21T08:00:00.000Z', method: 'model.party.party.read' },
        lastError: null,
        cache: { 'model.party.party.fields_get': { hit: 9, miss: 1, stale: 0, bypass: 0, error: 0 } },
      },
    ],
  });

/** How Tryton is. Requests that come at the same time share one look. */
export function trytonPingRoute(api: Api, deps: ApiDeps): void {
  let looking: Promise<z.infer<typeof report>> | null = null;
  api.get(
    '/api/v1/tryton/ping',
    {
      config: { scope: 'tryton:call' },
      schema: {
        tags: ['tryton'],
        summary: 'Whether Tryton is reachable and lets us in, how fast, and how it was last seen',
        description:
          'The status is 200 whatever was found, also when Tryton is down: read `reachable` and `authenticated`. ' +
          'lastSuccess and lastError outlive a restart; both are null while PostgreSQL is down.',
        response: { 200: report, ...problemResponses },
      },
    },
    async () => {
      const tryton = requireTryton(deps);
      looking ??= look(tryton, deps).finally(() => {
        looking = null;
      });
      return looking;
    },
  );
}

async function look(tryton: TrytonClient, deps: ApiDeps) {
  const { circuit, ...found } = await tryton.ping();
  const { success, error } = await lastSeen(deps);
  return {
    ...found,
    circuit: circuit && { ...circuit, open: true as const, until: new Date(circuit.until) },
    lastSuccess: success,
    lastError: error,
    cache: tryton.cacheCounters(),
  };
}

async function lastSeen({ trytonHealth, log }: ApiDeps): Promise<TrytonSightings> {
  const unknown = { success: null, error: null };
  if (trytonHealth === null) return unknown;
  try {
    return await within(trytonHealth.read(), 'PostgreSQL');
  } catch (error) {
    log.warn({ reason: errorMessage(error) }, 'tryton_health cannot be read for now');
    return unknown;
  }
}
