import type { Telemetry } from 'bullmq';
import type { Config, OdooConfig } from '../config/index.ts';
import { openDatabase } from '../db/client.ts';
import { bcStore } from '../db/documents/tables.ts';
import type { TraceStatement } from '../db/pool.ts';
import type { EndedRun } from '../db/runs/runs.ts';
import type { OdooCall } from '../odoo/call-limiter.ts';
import { createOdooClient } from '../odoo/client.ts';
import { openQueues } from '../queues/queues.ts';
import { openRedis, type RedisConnection } from '../queues/redis.ts';
import type { Log } from '../shared/logger.ts';
import { Semaphore } from '../shared/semaphore.ts';
import { OdooHealthRecorder } from '../upstream-health/odoo.ts';
import type { SyncContext } from './context.ts';
import { ModelMemory } from './model/document-model.ts';
import { SourceMemory } from './model/source.ts';
import { GROUPS_CONCURRENCY, openGroups } from './store/group-commit.ts';
import { bcDefinition } from './types.ts';

/**
 * Maximum of binary contents in one process, in base64: a scan of 20 MB is 27 MB, and needs about ten times that
 * meanwhile.
 */
const CONTENT_BYTES = 32 * 1024 * 1024;

/** Connections for plans, the watchdog, and BCs that are stored alone; groups and pages have their own. */
const OTHERS = 10;

/** Callbacks of the mirror. They must not throw. */
interface Observers {
  /** Null or unset: no traces are made. */
  readonly tracing?: { readonly queues: Telemetry; readonly statement: TraceStatement } | null;
  readonly called?: (call: OdooCall) => void;
  readonly ended?: (run: EndedRun) => void;
}

/** Opens what a process needs to run the mirror. It registers everything with `defer`. */
export function createSyncContext(
  config: Config & { readonly odoo: OdooConfig },
  log: Log,
  defer: (release: () => Promise<unknown> | unknown) => void,
  observers: Observers = {},
): { mirror: SyncContext; redis: RedisConnection } {
  const { tracing = null } = observers;
  const connections = GROUPS_CONCURRENCY + config.sync.pagesInFlight + OTHERS;
  const database = openDatabase(config.databaseUrl, {
    max: connections,
    trace: tracing?.statement,
    timeouts: config.databaseTimeouts,
  });
  defer(database.close);
  const redis = openRedis(config.redis, 'worker', log);
  defer(() => redis.disconnect());
  const queues = openQueues(redis, config.queuePrefix, log, tracing?.queues);
  defer(queues.close);
  const health = new OdooHealthRecorder(database.db, config.odoo, log);
  defer(() => health.close());
  const odoo = createOdooClient({
    ...config.odoo,
    onConnect: (server) => health.connected(server),
    onCall: (call) => {
      health.observe(call);
      observers.called?.(call);
    },
  });
  defer(() => odoo.close());
  const definition = bcDefinition(config.odoo, config.sync);
  const { groupSize: size, groupWaitMs: waitMs } = config.sync;
  const mirror: SyncContext = {
    definition,
    ...bcStore(database.db),
    odoo,
    models: new ModelMemory(),
    sources: new SourceMemory({ database: config.odoo.db, context: config.odoo.context }),
    contentMemory: new Semaphore(CONTENT_BYTES),
    groups: openGroups(() => mirror, { size, waitMs }),
    queues,
    settings: config.sync,
    retention: config.retention,
    log,
    onRunEnded: (run) => observers.ended?.(run),
  };
  return { mirror, redis };
}
