import { existsSync } from 'node:fs';
import { z } from 'zod';
import { PasserelleError } from './errors.ts';
import { variables } from './variables.ts';

/** One message that lists every variable that is missing or wrong. */
export class ConfigError extends PasserelleError {
  override readonly name = 'ConfigError';
  readonly code = 'bad_configuration';
  constructor(problems: readonly string[]) {
    super(`Configuration is not usable:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
  }
}

const required = 'is required';

const environment = z.object(variables);
type Environment = z.infer<typeof environment>;

export type OdooConfig = NonNullable<Config['odoo']>;
export type TrytonConfig = NonNullable<Config['tryton']>;
export type SyncConfig = Config['sync'];
export type Config = ReturnType<typeof shape>;

export type MirrorConfig = Config & { readonly odoo: OdooConfig };

type Source = Readonly<Record<string, string | undefined>>;

/** The environment, and what a `.env` file in the working directory adds to it; a variable that is set wins. */
function environmentOfProcess(): Source {
  if (existsSync('.env')) process.loadEnvFile('.env');
  return process.env;
}

/**
 * Reads the environment, once, and shapes it by concern. `defaults` stand in for what is not set.
 *
 * @throws ConfigError that names every missing or wrong variable and what was expected.
 */
export function readConfig(source: Source = environmentOfProcess(), defaults: Source = {}): Config {
  const given = { ...defaults, ...whatIsSet(source) };
  const missing = [
    ...(given['ODOO_URL'] === undefined ? [] : missingOdoo(given)),
    ...(given['TRYTON_RPC_URL'] === undefined ? [] : missingTryton(given)),
  ];
  return shape(valid(environment, given, missing));
}

/**
 * The same for a process that has nothing to do without an Odoo.
 *
 * @throws ConfigError
 */
export function readMirrorConfig(
  source: Source = environmentOfProcess(),
  defaults: Source = {},
): MirrorConfig {
  const given = { ...defaults, ...whatIsSet(source) };
  const { odoo, ...config } = shape(valid(environment, given, missingOdoo(given)));
  if (odoo === null) throw new ConfigError([`ODOO_URL ${required}`]);
  return { ...config, odoo };
}

/**
 * The one variable that the migrations need.
 *
 * @throws ConfigError
 */
export function readDatabaseUrl(source: Source = environmentOfProcess()): string {
  return valid(environment.pick({ DATABASE_URL: true }), whatIsSet(source), []).DATABASE_URL;
}

/**
 * What it takes to call Tryton and nothing else. Redis may be missing: then nothing is shared.
 *
 * @throws ConfigError
 */
export function readTrytonConfig(source: Source = environmentOfProcess(), defaults: Source = {}) {
  const given = { ...defaults, ...whatIsSet(source) };
  const unset = given['TRYTON_RPC_URL'] === undefined;
  const missing = unset
    ? [`TRYTON_RPC_URL ${required} to call Tryton: ${variables.TRYTON_RPC_URL.description}`]
    : [];
  const env = valid(environment.partial({ DATABASE_URL: true, REDIS_URL: true }), given, [
    ...missing,
    ...missingTryton(given),
  ]);
  return {
    tryton: trytonShape(env, env.TRYTON_RPC_URL ?? ''),
    redisUrl: env.REDIS_URL,
    queuePrefix: env.QUEUE_PREFIX,
    logLevel: env.LOG_LEVEL,
  };
}

/** An empty variable counts as one that is not set. */
function whatIsSet(source: Source): Source {
  return Object.fromEntries(
    Object.entries(source).filter(([, value]) => value !== undefined && value !== ''),
  );
}

function valid<T>(schema: z.ZodType<T>, given: Source, missing: readonly string[]): T {
  const parsed = schema.safeParse(given);
  const wrong = parsed.success ? [] : parsed.error.issues.map((issue) => problem(issue, given));
  if (!parsed.success || missing.length > 0) throw new ConfigError([...wrong, ...missing]);
  return parsed.data;
}

function problem(issue: z.core.$ZodIssue, given: Source): string {
  const name = String(issue.path[0]);
  const expected = /^(an?|one of) /.test(issue.message) ? `expected ${issue.message}` : issue.message;
  return given[name] === undefined ? `${name} ${required}: ${expected}` : `${name}: ${expected}`;
}

function missingOdoo(given: Source): string[] {
  return (['ODOO_URL', 'ODOO_DB', 'ODOO_USER', 'ODOO_PASSWORD'] as const)
    .filter((name) => given[name] === undefined)
    .map((name) => `${name} ${required} to read Odoo: ${variables[name].description}`);
}

function missingTryton(given: Source): string[] {
  return (['TRYTON_USER', 'TRYTON_PASSWORD'] as const)
    .filter((name) => given[name] === undefined)
    .map((name) => `${name} ${required} to call Tryton: ${variables[name].description}`);
}

function shape(env: Environment) {
  return {
    databaseUrl: env.DATABASE_URL,
    redisUrl: env.REDIS_URL,
    queuePrefix: env.QUEUE_PREFIX,
    logLevel: env.LOG_LEVEL,
    /** Null where no Odoo is configured: then there is no mirror. */
    odoo: env.ODOO_URL === undefined ? null : odooShape(env, env.ODOO_URL),
    /** The header model whose fields the read API knows, Odoo or not. */
    model: env.ODOO_MODEL,
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
      attempts: env.SYNC_ATTEMPTS,
      backoffMs: env.SYNC_BACKOFF,
      leaseMs: env.SYNC_LEASE,
    },
    /** Null where no Tryton is configured: then there is no gateway. */
    tryton: env.TRYTON_RPC_URL === undefined ? null : trytonShape(env, env.TRYTON_RPC_URL),
    http: {
      host: env.HOST,
      port: env.PORT,
      adminUser: env.ADMIN_USER,
      adminPassword: env.ADMIN_PASSWORD,
      /** Requests per minute and key; null: as many as come. */
      rateLimit: env.API_RATE_LIMIT,
    },
  };
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

function trytonShape(env: Pick<Environment, `TRYTON_${string}` & keyof Environment>, url: string) {
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
