import type { SandboxOdoo, SandboxOptions } from '../../dev/sandbox-odoo/sandbox.ts';
import { startSandboxOdoo } from '../../dev/sandbox-odoo/sandbox.ts';
import { readConfig } from '../../src/config/index.ts';
import { registerMirror } from '../../src/db/documents/mirrors.ts';
import { findRun } from '../../src/db/runs/runs.ts';
import type { RunMode, SyncLogRow } from '../../src/db/schema/sync.ts';
import { createOdooClient } from '../../src/odoo/client.ts';
import type { OdooClient } from '../../src/odoo/types.ts';
import { createLogger } from '../../src/shared/logger.ts';
import type { SyncContext } from '../../src/sync/context.ts';
import { openMirrors } from '../../src/sync/create-context.ts';
import { requestRun } from '../../src/sync/request-run.ts';
import { startWorkers } from '../../workers/worker-pool.ts';
import { freshDatabase } from './database.ts';
import { freshPrefix, redisUrl } from './redis.ts';
import { waitFor } from './wait-for.ts';

type Database = Awaited<ReturnType<typeof freshDatabase>>;

/** A mirror and whatever workers a test starts for it. */
export interface TestMirror {
  readonly mirror: SyncContext;
  /** Starts workers in this process; they stop with the setup, or earlier by the function returned. */
  work(): Promise<() => Promise<void>>;
  request(mode: RunMode, odooIds?: readonly number[], force?: boolean): Promise<number>;
  ended(runId: number): Promise<SyncLogRow>;
  /** Requests a run and waits for its end. */
  run(mode: RunMode, odooIds?: readonly number[], force?: boolean): Promise<SyncLogRow>;
}

/** A sandbox Odoo, a database and a mirror between them. */
export interface TestSetup extends TestMirror {
  readonly odoo: SandboxOdoo;
  readonly database: Database;
  /** The environment a separate process would need. */
  readonly env: Record<string, string>;
  /** Another mirror on the same stores, with its own queues and changes in its environment. */
  also(env: Record<string, string>, adapt?: Adapt): TestMirror;
  close(): Promise<void>;
}

/** Retries come fast, nothing starts by itself, and a sweep reads only what differs. */
export const QUICK = {
  SYNC_EVERY: 'off',
  FULL_SYNC_CRON: 'off',
  SWEEP_EVERY: 'off',
  SWEEP_REREAD: 'off',
  PRUNE_EVERY: 'off',
  SYNC_BACKOFF: '10ms',
  // Must be shorter than SYNC_LEASE, which many tests shorten.
  DATABASE_IDLE_IN_TRANSACTION: 'off',
  SYNC_ATTEMPTS: '3',
  LOG_LEVEL: 'silent',
};

/** Changes the context of a mirror before its workers start. `odoo` reads all of the same Odoo. */
export type Adapt = (mirror: SyncContext, odoo: OdooClient) => SyncContext;

export async function openTestSetup(
  options: { sandbox?: SandboxOptions; env?: Record<string, string>; adapt?: Adapt } = {},
): Promise<TestSetup> {
  const odoo = await startSandboxOdoo({ documents: 40, ...options.sandbox });
  const database = await freshDatabase();
  const releases: Release[] = [];
  const env = {
    ...QUICK,
    DATABASE_URL: database.url,
    REDIS_URL: redisUrl(),
    QUEUE_PREFIX: freshPrefix(),
    ODOO_URL: odoo.url,
    ODOO_DB: odoo.db,
    ODOO_USER: odoo.user,
    ODOO_PASSWORD: odoo.apiKey,
    ...options.env,
  };
  return {
    ...openTestMirror(env, releases, undefined, options.adapt),
    odoo,
    database,
    env,
    also: (extra, adapt) =>
      openTestMirror({ ...env, QUEUE_PREFIX: freshPrefix(), ...extra }, releases, undefined, adapt),
    close: async () => {
      for (const release of releases.reverse()) await release();
      await database.close();
      await odoo.stop();
    },
  };
}

export type Release = () => Promise<unknown> | unknown;

/** A mirror of the Odoo that `env` names. Its connections are pushed to `releases`; runs may take `patienceMs`. */
export function openTestMirror(
  env: Record<string, string>,
  releases: Release[],
  patienceMs?: number,
  adapt: Adapt = (mirror) => mirror,
): TestMirror {
  const { odoo, ...config } = readConfig(env);
  if (odoo === null) throw new Error('an setup has an Odoo');
  const log = createLogger(config.logLevel, 'test');
  const { mirrors, redis } = openMirrors({ ...config, odoo }, log, (release) => releases.push(release));
  const [opened] = mirrors;
  if (opened === undefined) throw new Error('a setup has a mirror');
  const plain = createOdooClient({ ...odoo, context: {} });
  releases.push(() => plain.close());
  const { queuePrefix: prefix } = config;
  return testMirror(
    adapt(opened, plain),
    { redis, prefix, scheduled: false, upkeep: true },
    releases,
    patienceMs,
  );
}

/** The mirrors of the file that `env` names, by name; `register`: their tables are created. */
export async function openTestMirrors(
  env: Record<string, string>,
  releases: Release[],
  register = true,
): Promise<ReadonlyMap<string, TestMirror>> {
  const { odoo, ...config } = readConfig(env);
  if (odoo === null) throw new Error('a setup has an Odoo');
  const log = createLogger(config.logLevel, 'test');
  const defer = (release: Release) => releases.push(release);
  const { mirrors, db, redis } = openMirrors({ ...config, odoo }, log, defer);
  if (register) for (const own of config.mirrors) await registerMirror(db, own);
  const { queuePrefix: prefix } = config;
  return new Map(
    mirrors.map((mirror, at) => [
      mirror.definition.name,
      testMirror(mirror, { redis, prefix, scheduled: false, upkeep: at === 0 }, releases),
    ]),
  );
}

function testMirror(
  mirror: SyncContext,
  options: Parameters<typeof startWorkers>[1],
  releases: Release[],
  patienceMs?: number,
): TestMirror {
  const ended = (runId: number) =>
    waitFor(
      async () => {
        const run = await findRun(mirror.db, runId);
        return run?.finishedAt == null ? false : run;
      },
      `the end of run ${runId}`,
      patienceMs,
    );
  const request = async (mode: RunMode, odooIds?: readonly number[], force = false) => {
    const key = mirror.definition.key;
    const asked = { key, mode, force, trigger: 'cli' as const, ...(odooIds && { odooIds }) };
    return (await requestRun(mirror.db, mirror.queues.sync, asked)).runId;
  };
  return {
    mirror,
    request,
    ended,
    run: async (mode, odooIds, force) => ended(await request(mode, odooIds, force)),
    work: async () => {
      const workers = await startWorkers(mirror, options);
      let stopped: Promise<void> | null = null;
      const stop = () => {
        stopped ??= workers.stop();
        return stopped;
      };
      releases.push(stop);
      return stop;
    },
  };
}
