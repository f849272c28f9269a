import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { fileURLToPath } from 'node:url';
import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { ApiConfig } from '../config/index.ts';
import type { Database } from '../db/client.ts';
import type { ApiKeyRow, Scope } from '../db/schema/gateway.ts';
import type { ApiMetrics } from '../observability/metrics/api-metrics.ts';
import type { Tracing } from '../observability/tracing/sdk.ts';
import type { Queues } from '../queues/queues.ts';
import type { RedisConnection } from '../queues/redis.ts';
import type { Logger } from '../shared/logger.ts';
import type { BC_MIRROR } from '../shared/mirror-names.ts';
import type { TrytonClient } from '../tryton/client.ts';
import type { TrytonHealthRecorder } from '../upstream-health/tryton.ts';

/** The Fastify instance. Its routes infer their types from zod schemas. */
export type Api = FastifyInstance<
  Server,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>;

/**
 * The mirrors that a route without a parameter `mirror` concerns. `own`: the handler returns only what the key reaches,
 * see `reaches` in `mirror-access.ts`. `all`: limited keys are refused. `none`: the route has no data of a mirror.
 */
export type RouteMirror = typeof BC_MIRROR | 'own' | 'all' | 'none';

/** The key of a request. */
export type ApiKey = Readonly<
  Pick<ApiKeyRow, 'id' | 'prefix' | 'name' | 'scopes' | 'mirrors' | 'methods' | 'context'>
>;

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The scope that this route requires. Every route under /api has one. */
    scope?: Scope;
    /** The mirrors that a route with a scope concerns, if no parameter `mirror` names one: see `mirror-access.ts`. */
    mirror?: RouteMirror;
    /** Codes of the route's own problems, for the OpenAPI document. Those that any route may have are added. */
    problems?: readonly string[];
  }
  interface FastifyRequest {
    /** Null on routes that need no key. */
    apiKey: ApiKey | null;
  }
}

/** The dependencies of the API. The caller opens and closes them. */
export interface ApiContext {
  readonly config: ApiConfig;
  readonly db: Database;
  /** A small pool for /readyz, API keys and cancellations, for the time when slow queries hold all of `db`. */
  readonly reserveDb: Database;
  /** Those of the mirror `bc`, and the upkeep of all mirrors. */
  readonly queues: Queues;
  /** The queues of a mirror. */
  readonly queuesOf: (mirror: string) => Queues;
  readonly redis: RedisConnection;
  /** Fails fast, because the API works without the cache. */
  readonly cacheRedis: RedisConnection;
  /** Null if no Tryton is configured. */
  readonly tryton: TrytonClient | null;
  readonly trytonHealth: Pick<TrytonHealthRecorder, 'read'> | null;
  readonly log: Logger;
  readonly metrics: ApiMetrics;
  /** Null if tracing is off. */
  readonly tracing: Pick<Tracing, 'http'> | null;
  /** Aborted as soon as the process is asked to stop. */
  readonly stopping: AbortSignal;
}

/** Settings that are not environment variables: limits against slow clients, intervals, folder of the dashboard. */
export interface ApiSettings {
  /** Limit of a whole request, from its first byte, so that a slow sender does not hold a socket forever. */
  readonly requestTimeoutMs: number;
  /** Limit of its headers. */
  readonly headersTimeoutMs: number;
  /** How often both are checked. A request may last this much longer. */
  readonly timeoutCheckMs: number;
  /** Limit of an idle connection. */
  readonly keepAliveTimeoutMs: number;
  /** Limit of a client that stopped reading its answer. */
  readonly stalledTimeoutMs: number;
  /** Limit of a client that takes no further piece of an export, which holds a connection and a snapshot. */
  readonly exportPieceMs: number;
  /** Minimum interval of live events, and interval of heartbeats. */
  readonly eventEveryMs: number;
  readonly eventHeartbeatMs: number;
  /** Time limit for reading the state for live events. After it, listeners get a `problem` event. */
  readonly eventStateTimeoutMs: number;
  /** Maximum of running queries of one key, and the time that further requests of the key wait. */
  readonly queriesPerKey: number;
  readonly queryWaitMs: number;
  /** Folder of the built dashboard. */
  readonly webRoot: string;
}

/** The compiled file is in `dist/src/api`, the source in `src/api`. */
const webRoot = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? '../../dist/web/' : '../../web/', import.meta.url),
);

export const API_SETTINGS: ApiSettings = {
  requestTimeoutMs: 30_000,
  headersTimeoutMs: 15_000,
  timeoutCheckMs: 5000,
  // Longer than the 60 s of common load balancers, so that they close idle connections first.
  keepAliveTimeoutMs: 72_000,
  // Longer than the maximum of TRYTON_DEADLINE_MS.
  stalledTimeoutMs: 900_000,
  exportPieceMs: 60_000,
  eventEveryMs: 1000,
  eventHeartbeatMs: 15_000,
  // Counting the ledger of a large run is slow.
  eventStateTimeoutMs: 15_000,
  // Half of the connections of the process (`API_CONNECTIONS` in `server.ts`).
  queriesPerKey: 5,
  queryWaitMs: 5000,
  webRoot,
};
