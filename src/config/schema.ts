import { z } from 'zod';
import { PROTOCOLS } from '../odoo/types.ts';
import {
  addresses,
  asksForSizes,
  context,
  count,
  countOrOff,
  cronOrOff,
  duration,
  durationOrOff,
  fileText,
  hasNoUser,
  hosts,
  isPlainAddress,
  isSigningSecret,
  modelName,
  namesDatabase,
  oneOf,
  onOrOff,
  proxiesOrOff,
  timer,
  trueOrFalse,
  url,
} from './parsers.ts';

/**
 * Timeouts of every PostgreSQL session, and the wait for its tables. A timeout that is off is not sent, so the value of
 * the server applies.
 */
const databaseVariables = {
  DATABASE_IDLE_IN_TRANSACTION: durationOrOff
    .default(30_000)
    .describe(
      'PostgreSQL ends a session that is idle in a transaction for this long, for example of a frozen worker; must be shorter than SYNC_LEASE',
    ),
  DATABASE_LOCK_TIMEOUT: durationOrOff
    .default(60_000)
    .describe('a statement that waits for a lock for this long fails and is retried'),
  DATABASE_PEER_TIMEOUT: durationOrOff
    .default(60_000)
    .describe('a PostgreSQL connection whose other end is silent for this long is closed, by both ends'),
  DATABASE_AWAIT_MIGRATIONS: onOrOff
    .default(false)
    .describe(
      'whether API and worker wait while the database lacks migrations: on or off; off: they stop with an error',
    ),
} as const;

/** The variables of logs, metrics and traces. */
const observing = {
  LOG_LEVEL: oneOf(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
    .default('info')
    .describe('lowest level that is logged'),
  NODE_ENV: z
    .string()
    .default('development')
    .describe('if not production, a log on a terminal is formatted for people; otherwise the log is JSON'),
  METRICS_PORT: count(1, 65_535)
    .optional()
    .describe('port on which a worker serves /metrics, /healthz and /readyz; if unset, it serves none'),
  METRICS_TOKEN: z
    .string()
    .min(16, 'a secret of at least 16 characters')
    .optional()
    .describe('bearer token that /metrics requires; if unset, /metrics is open'),
  OTEL_EXPORTER_OTLP_ENDPOINT: url(/^https?$/, 'http://localhost:4318')
    .optional()
    .describe('OpenTelemetry collector that receives traces; if unset, none are made'),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: url(/^https?$/, 'http://localhost:4318/v1/traces')
    .optional()
    .describe('the same with its path, for traces only'),
  OTEL_SDK_DISABLED: trueOrFalse
    .default(false)
    .describe('true: no traces, whatever the values of the other OTEL_* variables'),
} as const;

/** How Redis is reached: a single server, sentinels, or a cluster. */
const redisVariables = {
  REDIS_URL: url(/^rediss?$/, 'redis://localhost:6379').describe('Redis 6.2 or newer, or Valkey'),
  REDIS_TLS_CA_FILE: fileText
    .optional()
    .describe('certificate authorities (PEM) for a rediss:// server; if unset, those of Node'),
  REDIS_TLS_CERT_FILE: fileText.optional().describe('client certificate (PEM) for a rediss:// server'),
  REDIS_TLS_KEY_FILE: fileText.optional().describe('key (PEM) of that certificate'),
  REDIS_SENTINELS: hosts(26_379)
    .optional()
    .describe(
      'sentinels that name the server, separated by commas; then only user, password, database and TLS of REDIS_URL are used',
    ),
  REDIS_SENTINEL_NAME: z
    .string()
    .default('mymaster')
    .describe('name of the server in the configuration of the sentinels'),
  REDIS_SENTINEL_PASSWORD: z.string().optional().describe('password of the sentinels'),
  REDIS_CLUSTER: onOrOff
    .default(false)
    .describe('whether REDIS_URL names a node of a Redis cluster: on or off'),
  QUEUE_PREFIX: z
    .string()
    .regex(/^[\w-]+$/, 'a text of letters, digits, _ or -')
    .default('passerelle')
    .describe('first part of every Redis key; two installations on one Redis need different prefixes'),
} as const;

const DAY_MS = 86_400_000;
const SWEEP_EVERY_MS = 900_000;

/** The variables of many mirrors. `mirrors-file.ts` reads the file. */
const mirrorVariables = {
  MIRRORS_FILE: z
    .string()
    .optional()
    .describe(
      'YAML file that defines the mirrors; if unset, the ODOO_* variables define one mirror named bc',
    ),
  FIELD_HASH_KEY: z
    .string()
    .min(32, 'a secret of at least 32 characters')
    .optional()
    .describe(
      'key of the HMAC-SHA-256 that replaces fields with the policy hash; with another key, equal values no longer match',
    ),
} as const;

/** Every variable once: schema, default, description. `.env.example` and the docs are checked against it. */
export const variables = {
  DATABASE_URL: url(/^postgres(ql)?$/, 'postgres://user:secret@localhost:5432/passerelle').describe(
    'PostgreSQL 14 or newer',
  ),
  ...databaseVariables,
  ...redisVariables,
  ODOO_URL: url(/^https?$/, 'https://odoo.example.com')
    .refine(
      isPlainAddress,
      'a URL without user, password, query and fragment; set ODOO_USER, ODOO_PASSWORD and ODOO_DB',
    )
    .optional()
    .describe('Odoo server; if unset, there is no mirror'),
  ODOO_DB: z.string().optional().describe('Odoo database'),
  ODOO_USER: z.string().optional().describe('Odoo login'),
  ODOO_PASSWORD: z.string().optional().describe('password or API key of that login'),
  ODOO_PROTOCOL: oneOf(['auto', ...PROTOCOLS])
    .default('auto')
    .describe('RPC protocol of Odoo; auto takes the best one that the server supports'),
  ODOO_TIMEOUT_MS: count(1, 600_000).default(30_000).describe('time limit of one call, in milliseconds'),
  ODOO_MAX_ANSWER: count(2 ** 24, 2 ** 29)
    .default(2 ** 28)
    .describe('maximum size of the answer of one call, in bytes; a larger page is read in halves'),
  ODOO_MODEL: modelName.default('dimagaz.bc').describe('header model'),
  ODOO_LINE_MODEL: modelName.default('dimagaz.bc.line').describe('line model'),
  ODOO_LINES_FIELD: z
    .string()
    .optional()
    .describe('the one2many field of the header that holds the lines; needed only if several fields fit'),
  ODOO_CONTEXT: context
    .refine(
      (given) => !asksForSizes(given),
      'a JSON object without bin_size, because the mirror would then store sizes instead of contents',
    )
    .default({})
    .describe('JSON merged into the context of every call'),
  ...mirrorVariables,
  ODOO_CONCURRENCY: count(1, 64).default(4).describe('maximum of concurrent calls, for each process'),
  ODOO_CALLS_PER_SECOND: count(1, 10_000)
    .optional()
    .describe('maximum of calls started per second, for each process; if unset, unlimited'),
  ODOO_HOOK_SECRET: z
    .string()
    .regex(/^[\w.~-]{24,}$/, 'a secret of at least 24 letters, digits or any of _ . ~ -')
    .optional()
    .describe('secret that Odoo sends with its webhooks to /hooks/odoo; if unset, the route does not exist'),
  ODOO_HOOK_DELAY: duration()
    .default(2000)
    .describe('how long webhook notifications are collected before the records are read from Odoo'),
  SYNC_EVERY: durationOrOff.default(60_000).describe('pause between incremental runs'),
  FULL_SYNC_CRON: cronOrOff.default('0 3 * * *').describe('when a full run starts, UTC'),
  SWEEP_EVERY: durationOrOff
    .default(SWEEP_EVERY_MS)
    .describe('pause between sweeps, which compare every id and write_date with the mirror'),
  SWEEP_REREAD: durationOrOff
    .default(DAY_MS)
    .describe(
      'sweeps read every BC again within this time, in equal shares, because some changes move no write_date; if SWEEP_EVERY is off, the share is that of 15m',
    ),
  SWEEP_MAX_SHARE: count(0, 100)
    .default(20)
    .describe(
      'largest share of the BCs that runs may archive in a day, and of the lines that one run may remove, in percent',
    ),
  SWEEP_MAX_COUNT: count(0, 10_000_000)
    .default(50)
    .describe(
      'number of BCs a day, or of lines in a run, that may leave the mirror even above the share; of a small mirror at most half',
    ),
  SYNC_PAGE_SIZE: count(1, 5000).default(500).describe('BCs per page job'),
  SYNC_OVERLAP: duration()
    .default(600_000)
    .describe(
      'how far a window starts before the end of the previous one; must exceed the longest transaction of Odoo',
    ),
  SYNC_PAGES_IN_FLIGHT: count(1, 64)
    .default(4)
    .describe('maximum of pages that are fetched but not stored yet, over all workers'),
  SYNC_BC_CONCURRENCY: count(1, 1000)
    .default(200)
    .describe('concurrent BC jobs of one worker; two full groups keep it busy'),
  SYNC_GROUP_SIZE: count(1, 500)
    .default(100)
    .describe('maximum of BCs stored in one transaction; 1 gives each its own'),
  SYNC_GROUP_WAIT_MS: count(0, 10_000)
    .default(20)
    .describe('a group that is not full is stored if no BC joined it for this many milliseconds'),
  SYNC_ATTEMPTS: count(1, 20).default(5).describe('attempts of a page or BC job until it counts as failed'),
  SYNC_BACKOFF: duration().default(2000).describe('initial retry delay; doubles after each attempt'),
  SYNC_LEASE: timer('3s').default(120_000).describe('how long a lease lasts after its last heartbeat'),
  SYNC_BINARIES: onOrOff
    .default(true)
    .describe('whether the contents of binary fields are mirrored: on or off'),
  QUEUE_LOCK: timer('1s')
    .default(30_000)
    .describe('how long the job of a crashed worker stays locked until another worker takes it'),
  PRUNE_EVERY: durationOrOff
    .default(3_600_000)
    .describe('pause between prunes, which delete rows past their retention'),
  RETAIN_RUNS: durationOrOff
    .default(90 * DAY_MS)
    .describe('how long runs, resolved failures and alerts are kept; off: forever'),
  RETAIN_ITEMS: durationOrOff
    .default(7 * DAY_MS)
    .describe('how long the per-BC items of a run are kept; off: as long as the run'),
  RETAIN_AUDIT: durationOrOff
    .default(730 * DAY_MS)
    .describe('how long the audit trail is kept; off: forever'),
  RETAIN_COMPLETED_JOBS: count(0, 100_000)
    .default(200)
    .describe('completed jobs that each queue keeps for bull-board'),
  RETAIN_FAILED_JOBS: count(0, 1_000_000)
    .default(10_000)
    .describe('failed jobs that each queue keeps for bull-board'),
  ALERT_WEBHOOK_URL: url(/^https?$/, 'https://hooks.example.com/passerelle')
    .optional()
    .describe('URL to which alerts are posted as signed JSON'),
  ALERT_WEBHOOK_SECRET: z
    .string()
    .min(16, 'a secret of at least 16 characters')
    .refine(isSigningSecret, 'a secret that is base64 after whsec_')
    .optional()
    .describe('key that signs the posted alerts'),
  SMTP_URL: url(/^smtps?$/, 'smtp://user:secret@mail.example.com:587')
    .optional()
    .describe('mail server that sends the alerts'),
  ALERT_EMAIL_TO: addresses.optional().describe('receivers of alerts by e-mail, separated by commas'),
  ALERT_EMAIL_FROM: addresses
    .refine((list) => list.length === 1, 'an address such as passerelle@example.com')
    .optional()
    .describe('sender of the e-mails; if unset, the first receiver'),
  ALERT_STALE_INTERVALS: count(1, 100_000)
    .default(10)
    .describe('the mirror counts as stale after this many intervals of SYNC_EVERY without a success'),
  TRYTON_RPC_URL: url(/^https?$/, 'http://tryton:8000/tryton/')
    .refine(namesDatabase, 'a URL that ends in the name of the database, such as http://tryton:8000/tryton/')
    .refine(hasNoUser, 'a URL without user and password, which belong in TRYTON_USER and TRYTON_PASSWORD')
    .optional()
    .describe('Tryton database, its name as the path; if unset, there is no gateway'),
  TRYTON_USER: z.string().optional().describe('Tryton login'),
  TRYTON_PASSWORD: z.string().optional().describe('password of that login'),
  TRYTON_CONTEXT: context.default({}).describe('JSON merged into the context of every Tryton call'),
  TRYTON_SESSION_TTL: count(1, 2_592_000)
    .default(86_400)
    .describe('lifetime of a Tryton session, in seconds'),
  TRYTON_TIMEOUT_MS: count(1, 600_000)
    .default(10_000)
    .describe('time limit of one Tryton call, in milliseconds'),
  TRYTON_RETRIES: count(0, 10).default(3).describe('retries of a read that got no answer'),
  TRYTON_DEADLINE_MS: count(1, 600_000)
    .default(30_000)
    .describe('time limit of a Tryton call with all its retries, in milliseconds'),
  TRYTON_MAX_ANSWER: count(2 ** 20, 2 ** 28)
    .default(8 * 2 ** 20)
    .describe(
      'maximum size of the answer of one Tryton call, in bytes; all answers of a batch together may have four times as many',
    ),
  TRYTON_LOGIN_COOLDOWN: duration(1)
    .default(300_000)
    .describe('pause after a refused login; Tryton forgets refused logins after 5m'),
  API_RATE_LIMIT: countOrOff(1, 10_000_000)
    .default(30_000)
    .describe('maximum of API requests per minute, for each key'),
  API_STATEMENT_TIMEOUT: durationOrOff
    .default(15_000)
    .describe('time limit of one PostgreSQL statement of the API; exports have none'),
  DOCS: onOrOff
    .default(true)
    .describe('whether the API serves its description at /docs and /openapi.json without a login: on or off'),
  HOST: z
    .string()
    .default('127.0.0.1')
    .describe('address the API listens on, and a worker with METRICS_PORT'),
  PORT: count(0, 65_535).default(3000).describe('port the API listens on'),
  SHUTDOWN_DRAIN: timer('0s')
    .default(0)
    .describe(
      'how long the API still accepts requests after a stop signal, while /readyz answers 503 to load balancers',
    ),
  SHUTDOWN_DEADLINE: timer('1s')
    .default(25_000)
    .describe('time limit for requests and jobs in progress after a stop signal, for API and worker'),
  TRUST_PROXY: proxiesOrOff
    .default(false)
    .describe(
      'proxies whose X-Forwarded-For and X-Forwarded-Proto are trusted: their number between client and API, or their addresses or networks, separated by commas; off: none',
    ),
  ...observing,
  ADMIN_USER: z.string().default('admin').describe('login of the admin pages'),
  ADMIN_PASSWORD: z
    .string()
    .min(1)
    .optional()
    .describe(
      'password of the admin pages; production needs it, otherwise each start of the API generates one and writes it to stderr',
    ),
} as const;

export const environment = z.object(variables);
export type Environment = z.infer<typeof environment>;

/** The environment of API and worker. PostgreSQL must end the session of a frozen worker before its lease expires. */
export const processEnvironment = environment.superRefine((env, { addIssue }) => {
  const { DATABASE_IDLE_IN_TRANSACTION: idleMs, SYNC_LEASE: leaseMs } = env;
  if (idleMs === null || idleMs < leaseMs) return;
  const message = `a duration shorter than SYNC_LEASE (${leaseMs} ms), or off; it is ${idleMs} ms`;
  addIssue({ code: 'custom', path: ['DATABASE_IDLE_IN_TRANSACTION'], message });
});

export type Settings = ReturnType<typeof shape>;
export type OdooConfig = NonNullable<Settings['odoo']>;
export type RedisConfig = Settings['redis'];
export type TrytonConfig = NonNullable<Settings['tryton']>;
export type SyncConfig = Settings['sync'];
export type AlertsConfig = Settings['alerts'];
export type RetentionConfig = Settings['retention'];

/** The environment, grouped by concern. */
export function shape(env: Environment) {
  return {
    databaseUrl: env.DATABASE_URL,
    databaseTimeouts: databaseTimeouts(env),
    /** Whether API and worker wait while the database lacks migrations. */
    awaitMigrations: env.DATABASE_AWAIT_MIGRATIONS,
    redis: redisShape(env, env.REDIS_URL),
    queuePrefix: queuePrefix(env),
    logLevel: env.LOG_LEVEL,
    /** Readable lines if the log goes to a terminal. */
    prettyLogs: env.NODE_ENV !== 'production',
    metrics: {
      /** Null: a worker opens no port. */
      port: env.METRICS_PORT ?? null,
      /** Null: /metrics is open. */
      token: env.METRICS_TOKEN ?? null,
    },
    /** Whether traces are made. The SDK reads the target from OTEL_* itself. */
    tracing:
      !env.OTEL_SDK_DISABLED &&
      (env.OTEL_EXPORTER_OTLP_ENDPOINT ?? env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT) !== undefined,
    shutdown: { drainMs: env.SHUTDOWN_DRAIN, deadlineMs: env.SHUTDOWN_DEADLINE },
    /** Null if no Odoo is configured: there is no mirror. */
    odoo: env.ODOO_URL === undefined ? null : odooShape(env, env.ODOO_URL),
    /** Without a secret, webhooks of Odoo are not accepted. */
    hooks: { secret: env.ODOO_HOOK_SECRET, delayMs: env.ODOO_HOOK_DELAY },
    /** Null: no mirror has the policy hash. */
    fieldHashKey: env.FIELD_HASH_KEY ?? null,
    sync: {
      everyMs: env.SYNC_EVERY,
      fullCron: env.FULL_SYNC_CRON,
      sweepEveryMs: env.SWEEP_EVERY,
      /** Sweeps read all BCs again within this time; null: never. */
      rereadMs: env.SWEEP_REREAD,
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
      /** Null: PostgreSQL does not end the sessions of frozen processes. */
      frozenMs: env.DATABASE_IDLE_IN_TRANSACTION,
      binaries: env.SYNC_BINARIES,
      pruneEveryMs: env.PRUNE_EVERY,
      keepCompleted: env.RETAIN_COMPLETED_JOBS,
      keepFailed: env.RETAIN_FAILED_JOBS,
    },
    /** How long rows are kept, in milliseconds; null: forever. */
    retention: { runsMs: env.RETAIN_RUNS, itemsMs: env.RETAIN_ITEMS, auditMs: env.RETAIN_AUDIT },
    alerts: alertsShape(env),
    /** Null if no Tryton is configured: there is no gateway. */
    tryton: env.TRYTON_RPC_URL === undefined ? null : trytonShape(env, env.TRYTON_RPC_URL),
    http: {
      host: env.HOST,
      port: env.PORT,
      adminUser: env.ADMIN_USER,
      adminPassword: env.ADMIN_PASSWORD,
      /** Requests per minute and key; null: unlimited. */
      rateLimit: env.API_RATE_LIMIT,
      statementTimeoutMs: env.API_STATEMENT_TIMEOUT,
      /** Whether /docs and /openapi.json exist. */
      docs: env.DOCS,
      /** The number of trusted proxies, or their addresses and networks; false: none. */
      trustProxy: env.TRUST_PROXY,
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
    /** PEM texts; undefined: the default of Node. */
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

/**
 * In a cluster, the prefix is in braces. Keys with the same text in braces share a slot, which scripts on several keys
 * need.
 */
export function queuePrefix({
  QUEUE_PREFIX,
  REDIS_CLUSTER,
}: Pick<Environment, 'QUEUE_PREFIX' | 'REDIS_CLUSTER'>) {
  return REDIS_CLUSTER ? `{${QUEUE_PREFIX}}` : QUEUE_PREFIX;
}

export function odooShape(env: Omit<Environment, 'DATABASE_URL' | 'REDIS_URL'>, odooUrl: string) {
  return {
    url: odooUrl,
    db: env.ODOO_DB ?? '',
    user: env.ODOO_USER ?? '',
    password: env.ODOO_PASSWORD ?? '',
    protocol: env.ODOO_PROTOCOL,
    timeoutMs: env.ODOO_TIMEOUT_MS,
    maxAnswerBytes: env.ODOO_MAX_ANSWER,
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
    /** Null if no webhook is configured. */
    webhook:
      ALERT_WEBHOOK_URL === undefined ? null : { url: ALERT_WEBHOOK_URL, secret: ALERT_WEBHOOK_SECRET ?? '' },
    /** Null if no e-mail is configured. */
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
    maxAnswerBytes: env.TRYTON_MAX_ANSWER,
    loginCooldownMs: env.TRYTON_LOGIN_COOLDOWN,
  };
}
