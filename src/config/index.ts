/**
 * The configuration: environment variables, read once at the start of a process and grouped by concern.
 *
 * Lifecycle: an entry point calls one of the `read…Config` functions; the result never changes. `schema.ts` defines
 * each variable once with its type, default and description. The docs and `.env.example` are checked against it.
 *
 * Invariants: no other module reads `process.env`; an empty variable counts as unset; all problems are reported in one
 * ConfigError; a feature without its variables (Odoo, Tryton, alerts) is `null`.
 *
 * ```ts
 * const { databaseUrl, sync } = readConfig();
 * ```
 */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import type { z } from 'zod';
import { PasserelleError } from '../shared/errors.ts';
import {
  type Config,
  databaseTimeouts,
  environment,
  type OdooConfig,
  processEnvironment,
  queuePrefix,
  redisShape,
  shape,
  trytonShape,
  variables,
} from './schema.ts';

/** One or more environment variables are missing or not valid. The message lists all of them. */
export class ConfigError extends PasserelleError {
  readonly code = 'bad_configuration';
  constructor(problems: readonly string[]) {
    super(`Configuration is not usable:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
  }
}

const required = 'is required';

export type {
  AlertsConfig,
  Config,
  OdooConfig,
  RedisConfig,
  RetentionConfig,
  SyncConfig,
  TrytonConfig,
} from './schema.ts';

/** The configuration of the API process: its admin pages always have a password. */
export type ApiConfig = Config & {
  readonly http: { readonly adminPassword: string; readonly adminPasswordIsGenerated: boolean };
};

export type DatabaseConfig = Pick<Config, 'databaseUrl' | 'databaseTimeouts'>;
export type MirrorConfig = Config & { readonly odoo: OdooConfig };

type Source = Readonly<Record<string, string | undefined>>;

/**
 * The environment, plus the variables of a `.env` file in the working directory. A variable of the environment wins.
 */
function environmentOfProcess(): Source {
  if (existsSync('.env')) process.loadEnvFile('.env');
  return process.env;
}

/**
 * Reads the environment once and groups it by concern. `defaults` apply to unset variables.
 *
 * @throws ConfigError that names every missing or invalid variable and the expected value.
 */
export function readConfig(source: Source = environmentOfProcess(), defaults: Source = {}): Config {
  const given = { ...defaults, ...whatIsSet(source) };
  return shape(valid(processEnvironment, given, missingOfAny(given)));
}

/**
 * The same for the API process. Without `ADMIN_PASSWORD` it generates a random password for this start. Production
 * needs a password that the operator chose.
 *
 * @throws ConfigError
 */
export function readApiConfig(source: Source = environmentOfProcess(), defaults: Source = {}): ApiConfig {
  const given = { ...defaults, ...whatIsSet(source) };
  const config = shape(valid(processEnvironment, given, [...missingOfAny(given), ...missingPassword(given)]));
  const { adminPassword } = config.http;
  const admin = {
    adminPassword: adminPassword ?? randomBytes(12).toString('hex'),
    adminPasswordIsGenerated: adminPassword === undefined,
  };
  return { ...config, http: { ...config.http, ...admin } };
}

function missingPassword(given: Source): string[] {
  return given['NODE_ENV'] === 'production' && given['ADMIN_PASSWORD'] === undefined
    ? [`ADMIN_PASSWORD ${required} with NODE_ENV=production: ${variables.ADMIN_PASSWORD.description}`]
    : [];
}

function missingOfAny(given: Source): string[] {
  return [
    ...(given['ODOO_URL'] === undefined ? [] : missingOdoo(given)),
    ...(given['TRYTON_RPC_URL'] === undefined ? [] : missingTryton(given)),
    ...missingHalves(given),
  ];
}

/**
 * The configuration of a process that cannot work without an Odoo.
 *
 * @throws ConfigError
 */
export function readMirrorConfig(
  source: Source = environmentOfProcess(),
  defaults: Source = {},
): MirrorConfig {
  const given = { ...defaults, ...whatIsSet(source) };
  const { odoo, ...config } = shape(
    valid(processEnvironment, given, [...missingOdoo(given), ...missingHalves(given)]),
  );
  if (odoo === null) throw new ConfigError([`ODOO_URL ${required}`]);
  return { ...config, odoo };
}

/**
 * The variables of PostgreSQL only: the migrations and the API keys need no others.
 *
 * @throws ConfigError
 */
export function readDatabaseConfig(source: Source = environmentOfProcess()): DatabaseConfig {
  const names = {
    DATABASE_URL: true,
    DATABASE_IDLE_IN_TRANSACTION: true,
    DATABASE_LOCK_TIMEOUT: true,
    DATABASE_PEER_TIMEOUT: true,
  } as const;
  const env = valid(environment.pick(names), whatIsSet(source), []);
  return { databaseUrl: env.DATABASE_URL, databaseTimeouts: databaseTimeouts(env) };
}

/**
 * The settings for Tryton calls only. Without Redis nothing is shared.
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
    /** Null: nothing is shared. */
    redis: env.REDIS_URL === undefined ? null : redisShape(env, env.REDIS_URL),
    queuePrefix: queuePrefix(env),
    logLevel: env.LOG_LEVEL,
  };
}

/** Variables that must be set together. */
const TOGETHER = [
  ['ALERT_WEBHOOK_URL', 'ALERT_WEBHOOK_SECRET'],
  ['SMTP_URL', 'ALERT_EMAIL_TO'],
  ['REDIS_TLS_CERT_FILE', 'REDIS_TLS_KEY_FILE'],
] as const;

function missingHalves(given: Source): string[] {
  return [...redisContradictions(given), ...halves(given)];
}

/** Settings of Redis that exclude each other. */
function redisContradictions(given: Source): string[] {
  const plain = given['REDIS_URL']?.startsWith('redis:') === true;
  const file = (['REDIS_TLS_CA_FILE', 'REDIS_TLS_CERT_FILE'] as const).find(
    (name) => given[name] !== undefined,
  );
  return [
    ...(given['REDIS_CLUSTER'] === 'on' && given['REDIS_SENTINELS'] !== undefined
      ? ['REDIS_CLUSTER: expected off with REDIS_SENTINELS, a cluster has none']
      : []),
    ...(plain && file !== undefined
      ? [`REDIS_URL: expected a URL that begins with rediss:// with ${file}`]
      : []),
  ];
}

function halves(given: Source): string[] {
  return TOGETHER.flatMap(([one, other]) => [
    ...(given[one] !== undefined && given[other] === undefined
      ? [`${other} ${required} with ${one}: ${variables[other].description}`]
      : []),
    ...(given[one] === undefined && given[other] !== undefined
      ? [`${one} ${required} with ${other}: ${variables[one].description}`]
      : []),
  ]);
}

/** An empty variable counts as unset. */
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
  // An unset variable may have a default that does not fit the value of another variable.
  const isMissing = given[name] === undefined && issue.code !== 'custom';
  return isMissing ? `${name} ${required}: ${expected}` : `${name}: ${expected}`;
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
