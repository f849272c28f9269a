import { setFlagsFromString } from 'node:v8';
import { startAlerts } from '../src/alerts/watcher.ts';
import { ConfigError, configWarnings, type MirrorConfig, readConfig } from '../src/config/index.ts';
import { MirrorModelChangedError, registerMirror } from '../src/db/documents/mirrors.ts';
import { whenMigrated } from '../src/db/schema-check.ts';
import { mirrorProblems } from '../src/discovery/check-mirrors.ts';
import { openWorkerMetrics, type WorkerMetrics } from '../src/observability/metrics/worker-metrics.ts';
import { startTracing } from '../src/observability/tracing/index.ts';
import { createOdooClient } from '../src/odoo/client.ts';
import { ForeignQueuesError } from '../src/queues/owner.ts';
import { errorMessage } from '../src/shared/errors.ts';
import { forceExitAfter, stopSignal, withResources } from '../src/shared/lifecycle.ts';
import { createLogger, type Logger } from '../src/shared/logger.ts';
import { openMirrors } from '../src/sync/create-context.ts';
import { keepQueues } from '../src/sync/queue-ownership.ts';
import { serveProbes } from './health-checks.ts';
import { newSlots } from './shared-concurrency.ts';
import { startWorkers } from './worker-pool.ts';

/**
 * V8 (Node 20 and 24) collects old objects when the heap has grown by 60 %. Its own default lets the heap of a worker
 * grow to four times its live size, because fetched pages become garbage quickly.
 */
const HEAP_GROWTH = '--heap-growing-percent=60';

/** Warnings of the configuration, until they are written. */
const warnings: string[] = [];

async function main(): Promise<void> {
  setFlagsFromString(HEAP_GROWTH);
  warnings.push(...configWarnings());
  const { odoo, ...config } = readConfig();
  const log = createLogger(config.logLevel, 'worker', 'at once', config.prettyLogs);
  for (const warning of warnings.splice(0)) log.warn({}, warning);
  const metrics = openWorkerMetrics(config.mirrors.map(({ name }) => name));
  if (odoo !== null) return work({ ...config, odoo }, log, metrics);
  // After an exit the supervisor would start the worker again.
  log.warn(
    'ODOO_URL is not set: there is no mirror, and this worker has nothing to do. Set it and start the worker again.',
  );
  const probes = await serveProbes(config, metrics, null, log);
  await stopSignal();
  await probes.close();
}

async function work(config: MirrorConfig, log: Logger, metrics: WorkerMetrics): Promise<void> {
  const stopped = stopSignal();
  await withResources(async (defer) => {
    const tracing = await startTracing(config, 'passerelle-worker');
    defer(() => tracing?.stop());
    const { mirrors, db, redis } = openMirrors(config, log, defer, { ...metrics.mirror, tracing });
    const probes = await serveProbes(config, metrics, { db, mirrors }, log);
    defer(() => probes.close());
    if (!(await whenMigrated(db, config, log, stopped))) return;
    await checkMirrors(config, log);
    for (const mirror of config.mirrors) await registerMirror(db, mirror);
    // The API checks the gateway.
    const alerts = startAlerts({ db, log, config, probe: null });
    defer(() => alerts.stop());
    const owner = keepQueues({ db, redis, prefix: config.queuePrefix, server: config.redis }, log);
    defer(owner.stop);
    // At once, even with jobs in progress: they would write to the queues of another installation.
    owner.lost.catch(end);
    const signal = await Promise.race([owner.claimed, stopped]);
    if (signal !== undefined) {
      log.info({ signal }, 'stopping');
      forceExitAfter(config.shutdown.deadlineMs, log);
      return;
    }
    warnOfShortOverlap(config.sync.overlapMs, log);
    const slots = newSlots();
    const workers = await Promise.all(
      mirrors.map((mirror, at) =>
        startWorkers(mirror, {
          ...{ redis, prefix: config.queuePrefix, scheduled: true, upkeep: at === 0, slots },
          ...{ worked: metrics.worked, telemetry: tracing?.queuesOf(mirror.definition.name) },
        }),
      ),
    );
    for (const { source, definition, log: own } of mirrors)
      own.info({ odoo: source.target, model: definition.model }, 'worker started');
    log.info({ signal: await stopped }, 'stopping');
    // BullMQ delivers aborted jobs again, to another worker.
    forceExitAfter(config.shutdown.deadlineMs, log);
    await Promise.all(workers.map((started) => started.stop()));
  });
}

/** Longer than a busy Odoo takes. A hanging one must not delay the mirrors that it answers. */
const CHECK_MS = 15_000;

/**
 * Checks the file of the mirrors against Odoo, before anything runs. While Odoo is down, the runs report it.
 *
 * @throws ConfigError
 */
async function checkMirrors({ odoo, mirrors, placeOf }: MirrorConfig, log: Logger): Promise<void> {
  if (placeOf === null) return;
  const client = createOdooClient({ ...odoo, timeoutMs: Math.min(odoo.timeoutMs, CHECK_MS), context: {} });
  try {
    await client.connect();
    const problems = await mirrorProblems(client, mirrors, placeOf);
    if (problems.length > 0) throw new ConfigError(problems);
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    log.warn({ reason: errorMessage(error) }, 'MIRRORS_FILE was not checked against Odoo');
  } finally {
    await client.close();
  }
}

/** Few transactions of Odoo last longer. */
const SHORT_OVERLAP_MS = 60_000;

/** Odoo sets `write_date` when a transaction begins, and other sessions see it when the transaction ends. */
function warnOfShortOverlap(overlapMs: number, log: Logger): void {
  if (overlapMs >= SHORT_OVERLAP_MS) return;
  log.warn(
    { overlapMs },
    'SYNC_OVERLAP is shorter than a minute: incremental runs miss the changes of a transaction of Odoo that lasts ' +
      'longer, until the next sweep; set it to the longest transaction of Odoo, for example 10m',
  );
}

const isConfiguration = (error: unknown) =>
  error instanceof ConfigError ||
  error instanceof ForeignQueuesError ||
  error instanceof MirrorModelChangedError;

/** Exit code 2: the configuration is wrong, or the queues belong to another installation. */
function end(error: unknown): never {
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write([...warnings, message].map((line) => `${line}\n`).join(''));
  process.exit(isConfiguration(error) ? 2 : 1);
}

main().catch(end);
