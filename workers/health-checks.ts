import type { Config } from '../src/config/index.ts';
import { pendingMigrations } from '../src/db/migrate.ts';
import { serveMetrics } from '../src/observability/metrics/http-server.ts';
import type { WorkerMetrics } from '../src/observability/metrics/worker-metrics.ts';
import { depth } from '../src/queues/queues.ts';
import { resultWithin } from '../src/shared/timeout.ts';
import type { SyncContext } from '../src/sync/context.ts';

/** A check that takes longer counts as failed. */
const LIMIT_MS = 2000;

/**
 * Serves metrics and probes if METRICS_PORT is set. A worker without a mirror has no work, so it is always
 * ready.
 *
 * @throws MetricsPortError
 */
export async function serveProbes(
  { http, metrics: { port, token } }: Pick<Config, 'http' | 'metrics'>,
  metrics: WorkerMetrics,
  mirror: Pick<SyncContext, 'db' | 'queues'> | null,
): Promise<{ close(): Promise<unknown> }> {
  if (port === null) return { close: async () => {} };
  const missing = async () => (mirror === null ? [] : missingOf(mirror));
  return serveMetrics({ host: http.host, port, token, scrape: () => metrics.scrape(), missing });
}

async function missingOf({ db, queues }: Pick<SyncContext, 'db' | 'queues'>): Promise<string[]> {
  const [pending, jobs] = await Promise.all([
    resultWithin(() => pendingMigrations(db), LIMIT_MS),
    resultWithin(() => depth(queues.sync), LIMIT_MS),
  ]);
  return [
    ...(pending === null ? ['postgresql'] : []),
    ...(pending !== null && pending.length > 0 ? ['migrations'] : []),
    ...(jobs === null ? ['redis'] : []),
  ];
}
