import type { Config } from '../src/config/index.ts';
import { pendingMigrations } from '../src/db/migrate.ts';
import { serveMetrics } from '../src/observability/metrics/http-server.ts';
import type { WorkerMetrics } from '../src/observability/metrics/worker-metrics.ts';
import { depth } from '../src/queues/queues.ts';
import { resultWithin } from '../src/shared/timeout.ts';
import type { SyncContext } from '../src/sync/context.ts';

/** A probe that takes longer is as bad as one that fails. */
const LIMIT_MS = 2000;

/**
 * Serves metrics and probes where METRICS_PORT says so; nothing otherwise. A worker without a mirror is always ready:
 * it has nothing to do.
 *
 * @throws MetricsPortError
 */
export async function serveProbes(
  { http, metrics: { port, token } }: Pick<Config, 'http' | 'metrics'>,
  metrics: WorkerMetrics,
  mirror: Pick<SyncContext, 'db' | 'queues'> | null,
): Promise<{ close(): void }> {
  if (port === null) return { close: () => {} };
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
