import type { Api } from '../app.ts';
import { TrytonNotConfiguredError } from '../errors.ts';
import { problemResponses } from '../problem.ts';
import type { TrytonLooks } from '../tryton-looks.ts';
import { trytonReport } from '../tryton-looks.ts';

const report = trytonReport.meta({
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
export function trytonPingRoute(api: Api, looks: TrytonLooks | null): void {
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
      if (looks === null) throw new TrytonNotConfiguredError();
      return looks.now();
    },
  );
}
