import type { Api } from '../app.ts';
import { bcApi } from '../bc-api.ts';
import type { ApiDeps } from '../deps.ts';
import type { ExportPlaces } from '../export-places.ts';
import type { StateFeed } from '../state-feed.ts';
import type { TrytonLooks } from '../tryton-looks.ts';
import { eventsRoute } from './events.ts';
import { failureRoutes } from './failures.ts';
import { incidentRoutes } from './incidents.ts';
import { modelRoute } from './model.ts';
import { requestRoutes } from './requests.ts';
import { runRoutes } from './runs.ts';
import { syncRoutes } from './sync.ts';
import { trytonPingRoute } from './tryton-ping.ts';
import { upstreamsRoute } from './upstreams.ts';

/** What one process has only one of, however often its routes are mounted. */
export interface Shared {
  readonly feed: StateFeed;
  /** Null where no Tryton is configured. */
  readonly looks: TrytonLooks | null;
  readonly exports: ExportPlaces;
}

/** Everything that callers with keys and the admin's dashboard have in common. */
export async function mirrorRoutes(api: Api, deps: ApiDeps, shared: Shared): Promise<void> {
  const { feed, looks, exports } = shared;
  await bcApi(api, deps, exports);
  syncRoutes(api, deps);
  eventsRoute(api, feed);
  modelRoute(api, deps);
  runRoutes(api, deps);
  failureRoutes(api, deps);
  incidentRoutes(api, deps);
  requestRoutes(api, deps);
  upstreamsRoute(api, deps, looks);
  trytonPingRoute(api, looks);
}
