import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { MirrorSettings } from '../../config/index.ts';
import type { Database } from '../../db/client.ts';
import { connectionCounts } from '../../db/mirror-stats.ts';
import { lastSightings } from '../../db/upstream-health.ts';
import type { GatewayObservers } from '../../gateway.ts';
import { type Queues, workersBy } from '../../queues/queues.ts';
import { errorCode } from '../../shared/errors.ts';
import type { Log } from '../../shared/logger.ts';
import { resultWithin } from '../../shared/timeout.ts';
import type { TrytonClient } from '../../tryton/client.ts';
import type { CallOutcome } from '../../tryton/options.ts';
import { mirrorMetrics } from './mirror-metrics.ts';
import { clearGauge, openRegistry, optionalGauge, type Scraped, textOf } from './registry.ts';
import { callMetrics } from './rpc-metrics.ts';

/** In seconds: from a cached answer to one that waits for a slow server. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

interface Answered {
  readonly method: string;
  /** The template, such as `/api/v1/bc/:odooId`, because full paths would be an unlimited number of labels. */
  readonly route: string | undefined;
  readonly status: number;
  readonly ms: number;
}

function httpMetrics(registry: Registry): (answer: Answered) => void {
  const duration = new Histogram({
    name: 'passerelle_http_request_duration_seconds',
    help: 'Time until an answer of the API was sent, by route template; "none" where no route fits.',
    labelNames: ['method', 'route', 'status'],
    buckets: BUCKETS,
    registers: [registry],
  });
  return ({ method, route = 'none', status, ms }) => {
    duration.observe({ method, route, status }, ms / 1000);
  };
}

const JOB_STATES = ['waiting', 'active', 'delayed', 'prioritized', 'completed', 'failed'] as const;

/** The queues as Redis has them: the same in every API process. */
function queueMetrics(registry: Registry) {
  const jobs = optionalGauge(
    registry,
    'passerelle_queue_jobs',
    'Jobs of a queue by state. The number of completed and failed jobs is limited (RETAIN_*_JOBS). The queue upkeep ' +
      'of the first mirror is that of all mirrors.',
    ['mirror', 'queue', 'state'],
  );
  const workers = optionalGauge(
    registry,
    'passerelle_workers',
    'Workers that are connected to Redis and start runs of the mirror.',
    ['mirror'],
  );
  return {
    /** Waits for Redis as long as the connection of the queues does. Until then the metrics are absent. */
    refresh: async (mirrors: readonly string[], queuesOf: (mirror: string) => Queues): Promise<void> => {
      clearGauge(jobs);
      clearGauge(workers);
      const opened = mirrors.map((mirror) => ({ mirror, ...queuesOf(mirror) }));
      const [connected, ...counted] = await Promise.all([
        workersBy(opened.map(({ sync }) => sync)),
        ...opened.flatMap(({ mirror, sync, pages, bc, upkeep }) =>
          [sync, pages, bc, upkeep].map(async (queue) => ({
            mirror,
            queue: queue.name,
            counts: await queue.getJobCounts(...JOB_STATES),
          })),
        ),
      ]);
      for (const [at, mirror] of mirrors.entries()) workers.set({ mirror }, connected[at] ?? 0);
      for (const { mirror, queue, counts } of counted) {
        for (const state of JOB_STATES) jobs.set({ mirror, queue, state }, counts[state] ?? 0);
      }
    },
  };
}

/** Alerts compare the lag of a mirror with it. */
function intervalMetrics(registry: Registry) {
  const interval = optionalGauge(
    registry,
    'passerelle_sync_interval_seconds',
    'The pause between incremental runs of a mirror (SYNC_EVERY). Absent if it is off.',
    ['mirror'],
  );
  return (mirrors: ApiSources['config']['mirrors']): void => {
    clearGauge(interval);
    for (const { name: mirror, everyMs } of mirrors)
      if (everyMs !== null) interval.set({ mirror }, everyMs / 1000);
  };
}

const CONNECTION_STATES = ['active', 'idle', 'idle in transaction'];

/** Availability of PostgreSQL and Redis, and connections to PostgreSQL. */
function storeMetrics(registry: Registry) {
  const up = new Gauge({
    name: 'passerelle_up',
    help: 'Whether a store answered this scrape: 1 or 0. Metrics of a store that did not answer are absent.',
    labelNames: ['store'],
    registers: [registry],
  });
  const connections = optionalGauge(
    registry,
    'passerelle_postgresql_connections',
    'Connections to PostgreSQL of all processes, by state.',
    ['state'],
  );
  return {
    setUp: (store: 'postgresql' | 'redis', isUp: boolean) => up.set({ store }, isUp ? 1 : 0),
    refresh: async (db: Database): Promise<void> => {
      clearGauge(connections);
      const counts = await connectionCounts(db);
      for (const state of CONNECTION_STATES) connections.set({ state }, 0);
      for (const { state, connections: some } of counts) connections.set({ state }, some);
    },
  };
}

const OUTCOMES = ['hit', 'miss', 'stale', 'bypass', 'error'] as const;

/** The circuit is read from Redis, which all processes share. */
function trytonMetrics(registry: Registry) {
  const registers = [registry];
  const cache = new Counter({
    name: 'passerelle_tryton_cache_requests_total',
    help:
      'Calls that the cache was asked for. bypass: not a read, not cacheable or too large; error: Redis did not ' +
      'answer; stale: an expired answer, returned while a new one is fetched.',
    labelNames: ['outcome'],
    registers,
  });
  const logins = new Counter({
    name: 'passerelle_tryton_logins_total',
    help: 'Times that this process signed in to Tryton: at the start, and when a session is renewed.',
    labelNames: ['outcome'],
    registers,
  });
  const circuit = optionalGauge(
    registry,
    'passerelle_tryton_circuit_open',
    '1 while no login is tried because Tryton refused one; the same in every process.',
  );
  for (const outcome of ['success', 'failure']) logins.inc({ outcome }, 0);
  return {
    signedIn: (error: Error | null) => logins.inc({ outcome: error === null ? 'success' : 'failure' }),
    refresh: async (tryton: TrytonClient): Promise<void> => {
      const counters = Object.values(tryton.cacheCounters());
      cache.reset();
      for (const outcome of OUTCOMES) {
        cache.inc(
          { outcome },
          counters.reduce((sum, one) => sum + one[outcome], 0),
        );
      }
      circuit.set((await tryton.circuit()) === null ? 0 : 1);
    },
  };
}

/** The last calls to Odoo and Tryton of all processes. They survive a restart. */
function upstreamMetrics(registry: Registry) {
  const success = optionalGauge(
    registry,
    'passerelle_upstream_last_success_timestamp_seconds',
    'When a server behind us last gave an answer.',
    ['server'],
  );
  const error = optionalGauge(
    registry,
    'passerelle_upstream_last_error_timestamp_seconds',
    'When a server behind us, or the way to it, last failed.',
    ['server'],
  );
  return {
    refresh: async (db: Database): Promise<void> => {
      clearGauge(success);
      clearGauge(error);
      for (const { server, succeededAt, failedAt } of await lastSightings(db)) {
        if (succeededAt !== null) success.set({ server }, succeededAt);
        if (failedAt !== null) error.set({ server }, failedAt);
      }
    },
  };
}

/** A slower store counts as down. Prometheus waits ten seconds for the whole scrape. */
const STORE_LIMIT_MS = 2000;

interface ApiSources {
  readonly db: Database;
  readonly config: { readonly mirrors: readonly Pick<MirrorSettings, 'name' | 'everyMs'>[] };
  readonly queuesOf: (mirror: string) => Queues;
  /** Null if no Tryton is configured. */
  readonly tryton: TrytonClient | null;
  /** Gets a message for each group of metrics that is left out. */
  readonly log: Log;
}

export type ApiMetrics = ReturnType<typeof openApiMetrics>;

/** The metrics of an API process, and those of all processes, which are read at each scrape. */
export function openApiMetrics() {
  const registry = openRegistry();
  const stores = storeMetrics(registry);
  const queues = queueMetrics(registry);
  const tryton = trytonMetrics(registry);
  const setIntervals = intervalMetrics(registry);
  const ofPostgres = [stores, mirrorMetrics(registry), upstreamMetrics(registry)];
  const refresh = async ({ db, config, queuesOf, tryton: client, log }: ApiSources) => {
    const mirrors = config.mirrors.map(({ name }) => name);
    setIntervals(config.mirrors);
    const [postgresql, redis] = await Promise.all([
      inTime(
        'PostgreSQL',
        log,
        ofPostgres.map((part) => () => part.refresh(db, mirrors)),
      ),
      inTime('Redis', log, [() => queues.refresh(mirrors, queuesOf)]),
      inTime('the gateway', log, client === null ? [] : [() => tryton.refresh(client)]),
    ]);
    stores.setUp('postgresql', postgresql);
    stores.setUp('redis', redis);
    return textOf(registry);
  };
  const observe = callMetrics(registry);
  const called = ({ method, ms, error }: CallOutcome) =>
    observe({ server: 'tryton', method, ms, code: error === null ? null : errorCode(error) });
  let scraping: Promise<Scraped> | null = null;
  return {
    registry,
    answered: httpMetrics(registry),
    gateway: {
      called,
      signedIn: (login) => {
        tryton.signedIn(login.error);
        called(login);
      },
    } satisfies GatewayObservers,
    /** Never rejects. Concurrent scrapes share one result. */
    scrape: (sources: ApiSources): Promise<Scraped> => {
      scraping ??= refresh(sources).finally(() => {
        scraping = null;
      });
      return scraping;
    },
  };
}

/** Whether all parts finished in time. */
async function inTime(from: string, log: Log, works: readonly (() => Promise<void>)[]): Promise<boolean> {
  const done = () => Promise.all(works.map((work) => work()));
  const why = (reason: string) => log.warn({ from, reason }, 'metrics are left out');
  return (await resultWithin(done, STORE_LIMIT_MS, why)) !== null;
}
