import type { ApiConfig } from '../config.ts';
import type { Database } from '../db/connection.ts';
import type { Health } from '../gateway/health.ts';
import type { Logger } from '../logger.ts';
import type { ApiMetrics } from '../metrics/api.ts';
import type { RedisConnection } from '../queues/connection.ts';
import type { Queues } from '../queues/queues.ts';
import type { Tracing } from '../telemetry/tracing.ts';
import type { TrytonClient } from '../tryton/client.ts';

/** What the API works with. All of it is opened and closed by the caller. */
export interface ApiDeps {
  readonly config: ApiConfig;
  readonly db: Database;
  /** A small pool for /readyz, API keys and cancellations. It answers while slow queries hold all connections of `db`. */
  readonly reserveDb: Database;
  readonly queues: Queues;
  readonly redis: RedisConnection;
  /** Fails fast: what is kept there can be done without. */
  readonly cacheRedis: RedisConnection;
  /** Null where no Tryton is configured. */
  readonly tryton: TrytonClient | null;
  readonly trytonHealth: Pick<Health, 'read'> | null;
  readonly log: Logger;
  readonly metrics: ApiMetrics;
  /** Null: no traces are made. */
  readonly tracing: Pick<Tracing, 'http'> | null;
  /** Aborted as soon as the process is asked to stop. */
  readonly stopping: AbortSignal;
}
