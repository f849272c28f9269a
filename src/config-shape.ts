import { z } from 'zod';
import { variables } from './variables.ts';

export const environment = z.object(variables);
type Environment = z.infer<typeof environment>;

export type Config = ReturnType<typeof shape>;
export type OdooConfig = NonNullable<Config['odoo']>;
export type RedisConfig = Config['redis'];
export type TrytonConfig = NonNullable<Config['tryton']>;
export type SyncConfig = Config['sync'];
export type AlertsConfig = Config['alerts'];
export type RetentionConfig = Config['retention'];

/** What the environment says, by concern. */
export function shape(env: Environment) {
  return {
    databaseUrl: env.DATABASE_URL,
    databaseTimeouts: databaseTimeouts(env),
    redis: redisShape(env, env.REDIS_URL),
    queuePrefix: queuePrefix(env),
    logLevel: env.LOG_LEVEL,
    /** Lines for people, where they are written to a terminal. */
    prettyLogs: env.NODE_ENV !== 'production',
    metrics: {
      /** Null: a worker listens on nothing. */
      port: env.METRICS_PORT ?? null,
      /** Null: /metrics is open. */
      token: env.METRICS_TOKEN ?? null,
    },
    /** Whether traces are made; where they go and how, the SDK reads from OTEL_* itself. */
    tracing:
      !env.OTEL_SDK_DISABLED &&
      (env.OTEL_EXPORTER_OTLP_ENDPOINT ?? env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT) !== undefined,
    shutdown: { drainMs: env.SHUTDOWN_DRAIN, deadlineMs: env.SHUTDOWN_DEADLINE },
    /** Null where no Odoo is configured: then there is no mirror. */
    odoo: env.ODOO_URL === undefined ? null : odooShape(env, env.ODOO_URL),
    /** Without a secret no webhook of Odoo is listened to. */
    hooks: { secret: env.ODOO_HOOK_SECRET, delayMs: env.ODOO_HOOK_DELAY },
    /** The models whose fields the read API knows, Odoo or not. */
    model: env.ODOO_MODEL,
    lineModel: env.ODOO_LINE_MODEL,
    sync: {
      everyMs: env.SYNC_EVERY,
      fullCron: env.FULL_SYNC_CRON,
      sweepEveryMs: env.SWEEP_EVERY,
      sweepMaxShare: env.SWEEP_MAX_SHARE,
      sweepMaxCount: env.SWEEP_MAX_COUNT,
      pageSize: env.SYNC_PAGE_SIZE,
      overlapMs: env.SYNC_OVERLAP,
      pagesInFlight: env.SYNC_PAGES_IN_FLIGHT,
      bcConcurrency: env.SYNC_BC_CONCURRENCY,
      groupSize: env.SYNC_GROUP_SIZE,
      groupWaitMs: env.SYNC_GROUP_WAIT_MS,
      attempts: env.SYNC_ATTEMPTS,
      backoffMs: env.SYNC_BACKOFF,
      leaseMs: env.SYNC_LEASE,
      lockMs: env.QUEUE_LOCK,
      /** Null: sessions of frozen processes are left alone. */
      frozenMs: env.DATABASE_IDLE_IN_TRANSACTION,
      binaries: env.SYNC_BINARIES,
      pruneEveryMs: env.PRUNE_EVERY,
      keepCompleted: env.RETAIN_COMPLETED_JOBS,
      keepFailed: env.RETAIN_FAILED_JOBS,
    },
    /** How long rows are kept, in milliseconds; null: for ever. */
    retention: { runsMs: env.RETAIN_RUNS, itemsMs: env.RETAIN_ITEMS, auditMs: env.RETAIN_AUDIT },
    alerts: alertsShape(env),
    /** Null where no Tryton is configured: then there is no gateway. */
    tryton: env.TRYTON_RPC_URL === undefined ? null : trytonShape(env, env.TRYTON_RPC_URL),
    http: {
      host: env.HOST,
      port: env.PORT,
      adminUser: env.ADMIN_USER,
      adminPassword: env.ADMIN_PASSWORD,
      /** Requests per minute and key; null: as many as come. */
      rateLimit: env.API_RATE_LIMIT,
      statementTimeoutMs: env.API_STATEMENT_TIMEOUT,
      /** Addresses and networks of the proxies that are believed; false: none. */
      trustProxy: env.TRUST_PROXY.length > 0 && env.TRUST_PROXY,
    },
  };
}

/** Null: the setting is not sent to PostgreSQL. */
export function databaseTimeouts(
  env: Pick<Environment, 'DATABASE_IDLE_IN_TRANSACTION' | 'DATABASE_LOCK_TIMEOUT' | 'DATABASE_PEER_TIMEOUT'>,
) {
  return {
    idleInTransactionMs: env.DATABASE_IDLE_IN_TRANSACTION,
    lockMs: env.DATABASE_LOCK_TIMEOUT,
    peerMs: env.DATABASE_PEER_TIMEOUT,
  };
}

type RedisVariables = Pick<Environment, Exclude<`REDIS_${string}` & keyof Environment, 'REDIS_URL'>>;

export function redisShape(env: RedisVariables, url: string) {
  return {
    url,
    /** PEM texts; what is undefined is what Node has by itself. */
    tls: { ca: env.REDIS_TLS_CA_FILE, cert: env.REDIS_TLS_CERT_FILE, key: env.REDIS_TLS_KEY_FILE },
    /** Null: the URL names the server. */
    sentinel:
      env.REDIS_SENTINELS === undefined
        ? null
        : {
            hosts: env.REDIS_SENTINELS,
            name: env.REDIS_SENTINEL_NAME,
            password: env.REDIS_SENTINEL_PASSWORD,
          },
    cluster: env.REDIS_CLUSTER,
  };
}

/** In a cluster with braces: keys with the same text in braces are in one slot, as scripts on several of them need. */
export function queuePrefix({
  QUEUE_PREFIX,
  REDIS_CLUSTER,
}: Pick<Environment, 'QUEUE_PREFIX' | 'REDIS_CLUSTER'>) {
  return REDIS_CLUSTER ? `{${QUEUE_PREFIX}}` : QUEUE_PREFIX;
}

function odooShape(env: Environment, odooUrl: string) {
  return {
    url: odooUrl,
    db: env.ODOO_DB ?? '',
    user: env.ODOO_USER ?? '',
    password: env.ODOO_PASSWORD ?? '',
    protocol: env.ODOO_PROTOCOL,
    timeoutMs: env.ODOO_TIMEOUT_MS,
    model: env.ODOO_MODEL,
    lineModel: env.ODOO_LINE_MODEL,
    linesField: env.ODOO_LINES_FIELD,
    context: env.ODOO_CONTEXT,
    concurrency: env.ODOO_CONCURRENCY,
    callsPerSecond: env.ODOO_CALLS_PER_SECOND,
  };
}

function alertsShape(env: Environment) {
  const { ALERT_WEBHOOK_URL, ALERT_WEBHOOK_SECRET, SMTP_URL, ALERT_EMAIL_TO, ALERT_EMAIL_FROM } = env;
  return {
    /** Null where no webhook is configured. */
    webhook:
      ALERT_WEBHOOK_URL === undefined ? null : { url: ALERT_WEBHOOK_URL, secret: ALERT_WEBHOOK_SECRET ?? '' },
    /** Null where no e-mail is configured. */
    email:
      SMTP_URL === undefined || ALERT_EMAIL_TO === undefined
        ? null
        : { smtpUrl: SMTP_URL, to: ALERT_EMAIL_TO, from: ALERT_EMAIL_FROM?.[0] ?? ALERT_EMAIL_TO[0] ?? '' },
    staleIntervals: env.ALERT_STALE_INTERVALS,
  };
}

export function trytonShape(env: Pick<Environment, `TRYTON_${string}` & keyof Environment>, url: string) {
  return {
    url,
    user: env.TRYTON_USER ?? '',
    password: env.TRYTON_PASSWORD ?? '',
    context: env.TRYTON_CONTEXT,
    sessionTtlMs: env.TRYTON_SESSION_TTL * 1000,
    timeoutMs: env.TRYTON_TIMEOUT_MS,
    retries: env.TRYTON_RETRIES,
    deadlineMs: env.TRYTON_DEADLINE_MS,
    loginCooldownMs: env.TRYTON_LOGIN_COOLDOWN,
  };
}
