import { setTimeout as pause } from 'node:timers/promises';
import type { CircuitProbe } from './alerts/checks.ts';
import { startAlerts } from './alerts/watcher.ts';
import { buildApp, closeWhenAnswered } from './api/app.ts';
import { type ApiConfig, ConfigError, configWarnings, readApiConfig } from './config/index.ts';
import { type Database, openDatabase } from './db/client.ts';
import { MirrorModelChangedError, registerMirror } from './db/documents/mirrors.ts';
import { whenMigrated } from './db/schema-check.ts';
import { circuitProbe, openGateway } from './gateway.ts';
import { openApiMetrics } from './observability/metrics/api-metrics.ts';
import { startTracing } from './observability/tracing/index.ts';
import { ForeignQueuesError } from './queues/owner.ts';
import { mirrorPrefix, openQueues } from './queues/queues.ts';
import { openRedis, type RedisConnection } from './queues/redis.ts';
import { forceExitAfter, stopSignal, withResources } from './shared/lifecycle.ts';
import { createLogger, type Logger, mirrorLog } from './shared/logger.ts';
import { BC_MIRROR } from './shared/mirror-names.ts';
import { resultWithin } from './shared/timeout.ts';
import { keepQueues } from './sync/queue-ownership.ts';

/** Maximum wait for the queues to close. */
const CLOSE_LIMIT_MS = 1000;

/** Maximum of connections to PostgreSQL. */
const API_CONNECTIONS = 10;
/** Connections for work that must continue while slow queries hold all others. */
const RESERVE_CONNECTIONS = 2;

/** Maximum of queries that wait for one of the pools: each holds its request too. More are refused. */
const MAX_WAITING = 10_000;

/** Maximum wait for the first checks of the database and the queues. PostgreSQL or Redis may not be available. */
const FIRST_CHECK_MS = 2000;

process.exitCode = await main();
// A socket that waits for a lost server must not keep the process alive.
process.exit();

/**
 * @returns the exit code: 0 stopped on request, 1 could not run, 2 the configuration is wrong or the queues belong to
 * another installation.
 */
async function main(): Promise<number> {
  const warnings: string[] = [];
  try {
    warnings.push(...configWarnings());
    const config = readApiConfig();
    const log = createLogger(config.logLevel, 'api', 'in batches', config.prettyLogs);
    for (const warning of warnings.splice(0)) log.warn({}, warning);
    await serve(config, log);
    return 0;
  } catch (error) {
    process.stderr.write([...warnings, explain(error)].map((line) => `${line}\n`).join(''));
    return isConfiguration(error) ? 2 : 1;
  }
}

/**
 * Listens until SIGTERM or SIGINT. PostgreSQL and Redis may start later: `/readyz` reports missing servers.
 *
 * @throws DatabaseNotMigratedError, MirrorTablesDeniedError, MirrorModelChangedError, ForeignQueuesError as soon as
 * PostgreSQL and Redis answer.
 */
async function serve(config: ApiConfig, log: Logger): Promise<void> {
  const stopped = stopSignal();
  warnOfNothingToServe(config, log);
  const stopping = new AbortController();
  await withResources(async (defer) => {
    const metrics = openApiMetrics();
    const tracing = await startTracing(config, 'passerelle-api');
    defer(() => tracing?.stop());
    const timeouts = { ...config.databaseTimeouts, statementMs: config.http.statementTimeoutMs };
    const pool = { trace: tracing?.statement, timeouts, maxWaiting: MAX_WAITING };
    const { db, close } = openDatabase(config.databaseUrl, { max: API_CONNECTIONS, ...pool });
    defer(close);
    const reserve = openDatabase(config.databaseUrl, { max: RESERVE_CONNECTIONS, ...pool });
    defer(reserve.close);
    const redis = openRedis(config.redis, 'producer', log);
    defer(() => redis.disconnect());
    const cacheRedis = openRedis(config.redis, 'cache', log);
    defer(() => cacheRedis.disconnect());
    const open = (name: string) => {
      const prefix = mirrorPrefix(config.queuePrefix, name);
      const own = openQueues(redis, prefix, mirrorLog(log, name), tracing?.queuesOf(name));
      // A queue that never reached Redis would wait for it before it closes.
      defer(() => resultWithin(() => own.close(), CLOSE_LIMIT_MS));
      return own;
    };
    const queues = open(BC_MIRROR);
    const names = config.mirrors.map(({ name }) => name).filter((name) => name !== BC_MIRROR);
    const others = new Map(names.map((name) => [name, open(name)]));
    const queuesOf = (name: string) => others.get(name) ?? queues;
    const stores = { db, redis: cacheRedis, prefix: config.queuePrefix };
    const gateway = openGateway(config.tryton, stores, log, defer, metrics.gateway);
    const observed = { metrics, tracing, log, stopping: stopping.signal };
    const probe = circuitProbe(gateway.tryton);
    const checks = startChecks({ db, redis, config, log, probe, stopping: stopping.signal }, defer, stopped);
    // An API that must stop does not listen at all if both servers answer.
    await Promise.race([checks.first, pause(FIRST_CHECK_MS), checks.failed]);
    const app = await buildApp({
      config,
      db,
      reserveDb: reserve.db,
      queues,
      queuesOf,
      redis,
      cacheRedis,
      ...observed,
      ...gateway,
    });
    defer(() => closeWhenAnswered(app));
    const url = await app.listen({ host: config.http.host, port: config.http.port });
    log.info(
      {
        url,
        tryton: gateway.tryton?.server,
        bc: `${url}/api/v1/bc`,
        dashboard: `${url}/admin`,
        queues: `${url}/admin/queues`,
        ready: `${url}/readyz`,
      },
      'listening',
    );
    showGeneratedPassword(config.http);
    try {
      log.info({ signal: await Promise.race([stopped, checks.failed]) }, 'stopping');
      stopping.abort();
      await pause(config.shutdown.drainMs);
    } finally {
      stopping.abort();
      forceExitAfter(config.shutdown.deadlineMs, log);
    }
  });
}

/** Dependencies of the checks. */
interface Checked {
  readonly db: Database;
  readonly redis: RedisConnection;
  readonly config: ApiConfig;
  readonly log: Logger;
  readonly probe: CircuitProbe | null;
  readonly stopping: AbortSignal;
}

/**
 * Checks the migrations, then the owner of the queues and the alerts, which need tables. `first` resolves after the
 * first check of each; `failed` rejects if this process must stop.
 */
function startChecks(
  { db, redis, config, log, probe, stopping }: Checked,
  defer: (release: () => unknown) => void,
  stopped: Promise<unknown>,
): { readonly first: Promise<void>; readonly failed: Promise<never> } {
  const owner = whenMigrated(db, config, log, stopped).then(async (isMigrated) => {
    if (!isMigrated || stopping.aborted) return null;
    for (const mirror of config.mirrors) await registerMirror(db, mirror);
    const alerts = startAlerts({ db, log, config, probe });
    defer(() => alerts.stop());
    // Without an Odoo there are no runs, and the queues stay empty.
    if (config.odoo === null) return null;
    const kept = keepQueues({ db, redis, prefix: config.queuePrefix, server: config.redis }, log);
    defer(() => kept.stop());
    return kept;
  });
  return {
    first: owner.then((kept) => kept?.tried),
    failed: owner.then((kept) => kept?.lost ?? new Promise<never>(() => {})),
  };
}

function warnOfNothingToServe({ odoo, tryton }: ApiConfig, log: Logger): void {
  if (odoo !== null || tryton !== null) return;
  log.warn(
    {},
    'ODOO_URL and TRYTON_RPC_URL are not set: this API has nothing to serve but the orders that the database already ' +
      'has. Set one of them and start the API again.',
  );
}

/** Not through the logger, because logs are collected and stored, and many people can read them. */
function showGeneratedPassword({
  adminUser,
  adminPassword,
  adminPasswordIsGenerated,
}: ApiConfig['http']): void {
  if (!adminPasswordIsGenerated) return;
  process.stderr.write(
    `Admin password for this start: ${adminPassword} (user ${adminUser}). Set ADMIN_PASSWORD to choose your own.\n`,
  );
}

// A function, because nothing after the end of the process is evaluated.
function isConfiguration(error: unknown): boolean {
  return (
    error instanceof ConfigError ||
    error instanceof ForeignQueuesError ||
    error instanceof MirrorModelChangedError
  );
}

type ListenError = NodeJS.ErrnoException & { address?: string; hostname?: string; port?: number };

function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code, address, hostname, port } = error as ListenError;
  if (code === 'EADDRINUSE') return `Port ${port} on ${address} is taken; stop what uses it or set PORT.`;
  if (code === 'EACCES') return `Port ${port} needs more rights; set PORT above 1023.`;
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN' || code === 'EADDRNOTAVAIL') {
    return `${address ?? hostname} is not an address of this machine; check HOST.`;
  }
  return error.message;
}
