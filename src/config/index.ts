/**
 * The configuration: environment variables, read once at the start of a process and grouped by concern.
 *
 * Lifecycle: an entry point calls one of the `read…Config` functions; the result never changes. Without an argument
 * they read the environment of the process, and the `.env` file of the directory where it was started (`source.ts`).
 * `schema.ts` defines each variable once with its type, default and description. The docs and `.env.example` are
 * checked against it. `mirrors.ts` defines the settings of a mirror in the same way; `mirrors-file.ts` reads them from
 * `MIRRORS_FILE`. `configWarnings` lists names and lines of `.env` that are probably mistakes.
 *
 * Invariants: only `source.ts` reads `process.env`; an empty variable counts as unset; all problems are reported in one
 * ConfigError, with the rejected value and its origin but no secret; a feature without its variables (Odoo, Tryton,
 * alerts) is `null`;
 * there is at least one mirror, and without `MIRRORS_FILE` it is the mirror `bc` of the `ODOO_*` variables.
 *
 * ```ts
 * const { databaseUrl, mirrors, sync } = readConfig();
 * ```
 */
import { randomBytes } from 'node:crypto';
import type { z } from 'zod';
import type { MirrorModels } from '../shared/mirror-names.ts';
import { ConfigError } from './errors.ts';
import { type MirrorSettings, type Mirrors, mirrorsOf } from './mirrors.ts';
import { type MirrorPlaces, readMirrorsFile } from './mirrors-file.ts';
import {
  missingHalves,
  missingOdoo,
  missingOfAny,
  missingPassword,
  missingTryton,
  problem,
} from './problems.ts';
import {
  databaseTimeouts,
  environment,
  type OdooConfig,
  odooShape,
  processEnvironment,
  queuePrefix,
  redisShape,
  type Settings,
  shape,
  trytonShape,
} from './schema.ts';
import { type Given, givenBy, type Source } from './source.ts';

export { type EffectiveVariable, effectiveVariables } from './effective.ts';
export { writeEnvFile } from './env-file.ts';
export { ConfigError } from './errors.ts';
export { type MirrorSettings, matchesAny } from './mirrors.ts';
export type { MirrorPlaces } from './mirrors-file.ts';
export { settingProblem } from './problems.ts';
export type {
  AlertsConfig,
  OdooConfig,
  RedisConfig,
  RetentionConfig,
  SyncConfig,
  TrytonConfig,
} from './schema.ts';
export { ENV_FILE, givenBy, saveSettings, UP_FILE } from './source.ts';
export { configWarnings } from './warnings.ts';

export type Config = Settings & {
  readonly mirrors: Mirrors;
  /** Where the settings of the mirrors are, for messages; null: there is no MIRRORS_FILE. */
  readonly placeOf: MirrorPlaces | null;
};

/** The configuration of the API process: its admin pages always have a password. */
export type ApiConfig = Config & {
  readonly http: { readonly adminPassword: string; readonly adminPasswordIsGenerated: boolean };
};

export type DatabaseConfig = Pick<Config, 'databaseUrl' | 'databaseTimeouts'>;
export type MirrorConfig = Config & { readonly odoo: OdooConfig };

/**
 * Reads the environment once and groups it by concern. `defaults` apply to unset variables.
 *
 * @throws ConfigError that names every missing or invalid variable and the expected value.
 */
export function readConfig(source?: Source, defaults: Source = {}): Config {
  const given = givenBy(source, defaults);
  return configOf(given, missingOfAny(given));
}

/**
 * The same for the API process. Without `ADMIN_PASSWORD` it generates a random password for this start. Production
 * needs a password that the operator chose.
 *
 * @throws ConfigError
 */
export function readApiConfig(source?: Source, defaults: Source = {}): ApiConfig {
  const given = givenBy(source, defaults);
  const config = configOf(given, [...missingOfAny(given), ...missingPassword(given)]);
  const { adminPassword } = config.http;
  const admin = {
    adminPassword: adminPassword ?? randomBytes(12).toString('hex'),
    adminPasswordIsGenerated: adminPassword === undefined,
  };
  return { ...config, http: { ...config.http, ...admin } };
}

/**
 * The configuration of a process that cannot work without an Odoo.
 *
 * @throws ConfigError
 */
export function readMirrorConfig(source?: Source, defaults: Source = {}): MirrorConfig {
  const given = givenBy(source, defaults);
  const { odoo, ...config } = configOf(given, [...missingOdoo(given), ...missingHalves(given)]);
  if (odoo === null) throw new ConfigError(missingOdoo(given));
  return { ...config, odoo };
}

/**
 * The variables of PostgreSQL only: the migrations and the API keys need no others.
 *
 * @throws ConfigError
 */
export function readDatabaseConfig(source?: Source): DatabaseConfig {
  const names = {
    DATABASE_URL: true,
    DATABASE_IDLE_IN_TRANSACTION: true,
    DATABASE_LOCK_TIMEOUT: true,
    DATABASE_PEER_TIMEOUT: true,
  } as const;
  const env = valid(environment.pick(names), givenBy(source), []);
  return { databaseUrl: env.DATABASE_URL, databaseTimeouts: databaseTimeouts(env) };
}

/**
 * Names and models of `MIRRORS_FILE`, for commands that need no variables of Odoo. `mirrors` is null without a file, and
 * if the file cannot be read. `problems` has one line for each problem of the file.
 */
export function readMirrorModels(source?: Source): {
  readonly mirrors: readonly MirrorModels[] | null;
  readonly problems: readonly string[];
} {
  // No value is hashed, so the real key is not needed.
  const given = givenBy(source, { FIELD_HASH_KEY: 'not used for names and models' });
  const { mirrors: written, problems } = readMirrorsFile(given);
  if (written === null) return { mirrors: null, problems };
  const mirrors = Object.entries(written).map(([name, { model, lines = null }]) => ({
    name,
    model,
    lineModel: lines,
  }));
  return { mirrors, problems };
}

/**
 * The settings for Tryton calls only. Without Redis nothing is shared.
 *
 * @throws ConfigError
 */
export function readTrytonConfig(source?: Source, defaults: Source = {}) {
  const given = givenBy(source, defaults);
  const schema = environment.partial({ DATABASE_URL: true, REDIS_URL: true });
  const env = valid(schema, given, missingTryton(given));
  return {
    tryton: trytonShape(env, env.TRYTON_RPC_URL ?? ''),
    /** Null: nothing is shared. */
    redis: env.REDIS_URL === undefined ? null : redisShape(env, env.REDIS_URL),
    queuePrefix: queuePrefix(env),
    logLevel: env.LOG_LEVEL,
  };
}

/** The account of Odoo and the mirrors that are known, for a command that needs no stores. */
export interface OdooAccess {
  readonly odoo: OdooConfig;
  /** Empty if MIRRORS_FILE has problems. */
  readonly mirrors: readonly MirrorSettings[];
  /** Null: the environment defines the mirror `bc`. */
  readonly mirrorsFile: string | null;
  /** The file of a new mirror may not exist yet, so its problems are no error here. */
  readonly mirrorsProblems: readonly string[];
}

/**
 * The variables of Odoo only, with the mirrors as far as they can be read.
 *
 * @throws ConfigError
 */
export function readOdooAccess(source?: Source): OdooAccess {
  const given = givenBy(source);
  const schema = environment.partial({ DATABASE_URL: true, REDIS_URL: true });
  const env = valid(schema, given, missingOdoo(given));
  const { mirrors, problems } = readMirrorsFile(given);
  const mirrorsFile = env.MIRRORS_FILE ?? null;
  return {
    odoo: odooShape(env, env.ODOO_URL ?? ''),
    mirrors: mirrorsFile !== null && mirrors === null ? [] : mirrorsOf(env, mirrors),
    mirrorsFile,
    mirrorsProblems: problems,
  };
}

function configOf(given: Given, missing: readonly string[]): Config {
  const { mirrors, problems, placeOf } = readMirrorsFile(given);
  const env = valid(processEnvironment, given, [...missing, ...problems]);
  return { ...shape(env), mirrors: mirrorsOf(env, mirrors), placeOf };
}

function valid<T>(schema: z.ZodType<T>, given: Given, missing: readonly string[]): T {
  const parsed = schema.safeParse(given.values);
  const wrong = parsed.success ? [] : parsed.error.issues.map((issue) => problem(issue, given));
  if (!parsed.success || missing.length > 0) throw new ConfigError([...wrong, ...missing]);
  return parsed.data;
}
