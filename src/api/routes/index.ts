import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { Checks } from '../../checks/index.ts';
import type { Api, ApiContext } from '../context.ts';
import type { QueryLimit } from '../plugins/query-limit.ts';
import type { ExportPlaces } from './documents/export.ts';
import { documentsApi } from './documents/index.ts';
import { placesOf, type ServedMirrors } from './documents/place.ts';
import { mirrorsRoute } from './mirrors.ts';
import { checksRoute } from './sync/checks.ts';
import { eventsRoute, type SyncStateBroadcaster } from './sync/events.ts';
import { failureRoutes } from './sync/failures.ts';
import { incidentRoutes } from './sync/incidents.ts';
import { modelRoute } from './sync/model.ts';
import { requestRoutes, resyncRoute, runRoutes, syncRoutes } from './sync/runs.ts';
import { upstreamsRoute } from './sync/upstreams.ts';
import { type TrytonStatusProbe, trytonPingRoute } from './tryton/ping.ts';

/** Objects that all mounts of the routes share. */
export interface Shared {
  /** By name. */
  readonly mirrors: ServedMirrors;
  readonly feed: SyncStateBroadcaster;
  readonly checks: Checks;
  /** Null if no Tryton is configured. */
  readonly trytonStatus: TrytonStatusProbe | null;
  readonly exports: ExportPlaces;
  readonly queries: QueryLimit;
}

/** The routes that are mounted twice: for callers with keys, and for the dashboard. */
export async function mirrorRoutes(api: Api, deps: ApiContext, shared: Shared): Promise<void> {
  const { feed, checks, trytonStatus, queries, mirrors } = shared;
  for (const place of placesOf(mirrors)) {
    await documentsApi(api, deps, place, shared);
    resyncRoute(api, deps, place);
  }
  await api.register(async (scope) => {
    queries.guard(scope);
    const limited = scope.withTypeProvider<ZodTypeProvider>();
    mirrorsRoute(limited, deps, mirrors);
    syncRoutes(limited, deps, mirrors);
    modelRoute(limited, mirrors);
    runRoutes(limited, deps, mirrors);
    failureRoutes(limited, deps, mirrors);
    incidentRoutes(limited, deps, mirrors);
  });
  eventsRoute(api, feed, mirrors);
  requestRoutes(api, deps, mirrors);
  upstreamsRoute(api, deps, trytonStatus);
  checksRoute(api, checks);
  trytonPingRoute(api, trytonStatus);
}
