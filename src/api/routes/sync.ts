import type { Api } from '../app.ts';
import type { ApiDeps } from '../deps.ts';
import { overview, readOverview } from '../overview.ts';
import { problemResponses } from '../problem.ts';

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
    () => readOverview(deps),
  );
}
