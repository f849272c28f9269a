import type { SandboxOdoo, SandboxOptions } from '../../dev/sandbox-odoo/sandbox.ts';
import { startSandboxOdoo } from '../../dev/sandbox-odoo/sandbox.ts';
import { readConfig } from '../../src/config.ts';
import { findRun } from '../../src/db/runs.ts';
import type { RunMode, SyncLogRow } from '../../src/db/schema/sync.ts';
import { createLogger } from '../../src/logger.ts';
import type { Mirror } from '../../src/sync/mirror.ts';
import { openMirror } from '../../src/sync/open.ts';
import { requestRun } from '../../src/sync/request.ts';
import { startWorkers } from '../../workers/workers.ts';
import { freshDatabase } from './database.ts';
import { freshPrefix, redisUrl } from './redis.ts';
import { until } from './until.ts';

type Database = Awaited<ReturnType<typeof freshDatabase>>;

/** A sandbox Odoo, a mirror of it, and whatever workers a test starts. */
export interface Office {
  readonly odoo: SandboxOdoo;
  readonly database: Database;
  readonly mirror: Mirror;
  /** The environment a separate process would need. */
  readonly env: Record<string, string>;
  /** Starts workers in this process; they stop with the office, or earlier by the function returned. */
  work(): Promise<() => Promise<void>>;
  /** A second mirror on the same stores and another environment, closed with the office. */
  also(env: Record<string, string>): Mirror;
  request(mode: RunMode, odooIds?: readonly number[]): Promise<number>;
  ended(runId: number): Promise<SyncLogRow>;
  /** Requests a run and waits for its end. */
  run(mode: RunMode, odooIds?: readonly number[]): Promise<SyncLogRow>;
  close(): Promise<void>;
}

/** Retries come fast, nothing starts by itself. */
const QUICK = {
  SYNC_EVERY: 'off',
  FULL_SYNC_CRON: 'off',
  SYNC_BACKOFF: '10ms',
  SYNC_ATTEMPTS: '3',
  LOG_LEVEL: 'silent',
};

export async function openOffice(
  options: { sandbox?: SandboxOptions; env?: Record<string, string> } = {},
): Promise<Office> {
  const odoo = await startSandboxOdoo({ documents: 40, ...options.sandbox });
  const database = await freshDatabase();
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
  const releases: (() => Promise<unknown> | unknown)[] = [];
  const open = (extra: Record<string, string> = {}) => {
    const { odoo: configured, ...config } = readConfig({ ...env, ...extra });
    if (configured === null) throw new Error('the office has an Odoo');
    const log = createLogger(config.logLevel, 'test');
    return {
      ...openMirror({ ...config, odoo: configured }, log, (release) => releases.push(release)),
      config,
    };
  };
  const { mirror, redis, config } = open();

  const ended = (runId: number) =>
    until(async () => {
      const run = await findRun(mirror.db, runId);
      return run?.finishedAt == null ? false : run;
    }, `the end of run ${runId}`);
  const request = async (mode: RunMode, odooIds?: readonly number[]) => {
    const asked = { key: mirror.definition.key, mode, trigger: 'cli' as const, ...(odooIds && { odooIds }) };
    return (await requestRun(mirror.db, mirror.queues.sync, asked)).runId;
  };
  return {
    odoo,
    database,
    mirror,
    env,
    also: (extra) => open(extra).mirror,
    work: async () => {
      const workers = await startWorkers(mirror, { redis, prefix: config.queuePrefix, scheduled: false });
      let stopped: Promise<void> | null = null;
      const stop = () => (stopped ??= workers.stop());
      releases.push(stop);
      return stop;
    },
    request,
    ended,
    run: async (mode, odooIds) => ended(await request(mode, odooIds)),
    close: async () => {
      for (const release of releases.reverse()) await release();
      await database.close();
      await odoo.stop();
    },
  };
}
