import type { Telemetry } from 'bullmq';
import type { Config, MirrorSettings, OdooConfig, SyncConfig } from '../config/index.ts';
import { type Database, openDatabase } from '../db/client.ts';
import { tablesFor } from '../db/documents/mirrors.ts';
import type { TraceStatement } from '../db/pool.ts';
import type { EndedRun } from '../db/runs/runs.ts';
import type { OdooCall } from '../odoo/call-limiter.ts';
import { openOdooAccount } from '../odoo/client.ts';
import { mirrorPrefix, openQueues } from '../queues/queues.ts';
import { openRedis, type RedisConnection } from '../queues/redis.ts';
import { type Log, mirrorLog } from '../shared/logger.ts';
import { Semaphore } from '../shared/semaphore.ts';
import { OdooHealthRecorder } from '../upstream-health/odoo.ts';
import type { MirrorRunSettings, SyncContext } from './context.ts';
import { ModelMemory } from './model/document-model.ts';
import { SourceMemory } from './source/identity.ts';
import { odooSource } from './source/odoo-source.ts';
import { fieldRules, hidesTexts, mirrorClient } from './source/scope.ts';
import { GROUPS_CONCURRENCY, openGroups } from './store/group-commit.ts';
import { definitionOf } from './types.ts';

/**
 * Maximum of binary contents in one process, in base64: a scan of 20 MB is 27 MB, and needs about ten times that
 * meanwhile.
 */
const CONTENT_BYTES = 32 * 1024 * 1024;

/** Connections for plans, the watchdog, and BCs that are stored alone; groups and pages have their own. */
const OTHERS = 10;

/** Callbacks of the mirrors, with the name of the mirror. They must not throw. */
interface Observers {
  /** Null or unset: no traces are made. */
  readonly tracing?: {
    readonly queuesOf: (mirror: string) => Telemetry;
    readonly statement: TraceStatement;
  } | null;
  readonly called?: (call: OdooCall, mirror: string) => void;
  readonly ended?: (run: EndedRun, mirror: string) => void;
}

interface OpenMirrors {
  /** In the order of `opened`. */
  readonly mirrors: readonly SyncContext[];
  readonly db: Database;
  readonly redis: RedisConnection;
}

/**
 * Opens what a process needs to run its mirrors. They share the connections to PostgreSQL and Redis, the account of Odoo
 * and its limits, and the memory for binary contents. Each has its own tables, queues and memory of its model. It
 * registers everything with `defer`.
 *
 * @param opened the mirrors to open; a command needs one. The others still count for the policies of labels.
 */
export function openMirrors(
  config: Config & { readonly odoo: OdooConfig },
  log: Log,
  defer: (release: () => Promise<unknown> | unknown) => void,
  observers: Observers = {},
  opened: readonly MirrorSettings[] = config.mirrors,
): OpenMirrors {
  const { tracing = null } = observers;
  const connections = GROUPS_CONCURRENCY + config.sync.pagesInFlight + OTHERS;
  const { db, close } = openDatabase(config.databaseUrl, {
    max: connections,
    trace: tracing?.statement,
    timeouts: config.databaseTimeouts,
  });
  defer(close);
  const redis = openRedis(config.redis, 'worker', log);
  defer(() => redis.disconnect());
  const health = new OdooHealthRecorder(db, config.odoo, log);
  defer(() => health.close());
  const isHiding = config.mirrors.some((own) => hidesTexts(own, config.mirrors));
  const account = openOdooAccount({
    ...config.odoo,
    onConnect: (server) => health.connected(server),
    onCall: (call) => health.observe(isHiding ? { ...call, message: call.unquoted } : call),
  });
  defer(() => account.close());
  const contentMemory = new Semaphore(CONTENT_BYTES);
  const { groupSize: size, groupWaitMs: waitMs } = config.sync;
  const mirrors = opened.map((own): SyncContext => {
    const ownLog = mirrorLog(log, own.name);
    const prefix = mirrorPrefix(config.queuePrefix, own.name);
    const queues = openQueues(redis, prefix, ownLog, tracing?.queuesOf(own.name));
    defer(queues.close);
    const unscoped = account.client({
      context: own.context,
      onCall: (call) => observers.called?.(call, own.name),
    });
    const mirror: SyncContext = {
      ...tablesFor(own),
      db,
      definition: definitionOf(own),
      source: odooSource({
        odoo: mirrorClient(db, unscoped, own, config),
        unscoped,
        database: config.odoo.db,
        context: own.context,
      }),
      rules: fieldRules(own, config.fieldHashKey),
      models: new ModelMemory(),
      sources: new SourceMemory(),
      contentMemory,
      groups: openGroups(() => mirror, { size, waitMs }),
      queues,
      settings: settingsOf(own, config.sync),
      retention: config.retention,
      log: ownLog,
      onRunEnded: (run) => observers.ended?.(run, own.name),
    };
    return mirror;
  });
  return { mirrors, db, redis };
}

/** Sweeps that are off can still be requested. Their share is that of the usual interval. */
const USUAL_SWEEP_MS = 900_000;

function settingsOf(
  { everyMs, fullCron, sweepEveryMs, pageSize, binaries }: MirrorSettings,
  sync: SyncConfig,
): MirrorRunSettings {
  const { rereadMs } = sync;
  const sweepReread = rereadMs === null ? 0 : Math.min(1, (sweepEveryMs ?? USUAL_SWEEP_MS) / rereadMs);
  return { ...sync, everyMs, fullCron, sweepEveryMs, pageSize, binaries, sweepReread };
}
