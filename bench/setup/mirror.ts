import { progressLine } from '../../dev/demo/context.ts';
import { openDemoQueues, openMigrated } from '../../dev/demo/servers.ts';
import type { Database } from '../../src/db/client.ts';
import { progress } from '../../src/db/runs/ledger.ts';
import { findRun } from '../../src/db/runs/runs.ts';
import type { RunMode, SyncLogRow } from '../../src/db/schema/sync.ts';
import { BC_KEY } from '../../src/db/schema/sync.ts';
import { poll } from '../../src/embedded/probes.ts';
import type { Queues } from '../../src/queues/queues.ts';
import { requestRun } from '../../src/sync/request-run.ts';
import type { Context } from '../context.ts';
import { MeasurementFailedError } from '../errors.ts';
import type { Environment, ProbeReport } from './processes.ts';
import { startServer, WORKER } from './processes.ts';
import type { Servers } from './servers.ts';
import { createDatabase, newPrefix } from './servers.ts';

/** A mirror with its own database, queue prefix and worker processes. */
export interface Mirror {
  readonly db: Database;
  readonly queues: Queues;
  readonly databaseUrl: string;
  /** The environment of its workers. */
  readonly env: Environment;
}

interface MirrorOptions {
  /** Worker processes; 1 if left out. */
  readonly workers?: number;
  /** Receives the memory reports of each worker. */
  readonly onReport?: (worker: string, report: ProbeReport) => void;
}

/** One run, as `sync_log` has it. */
export interface MeasuredRun {
  /** From its start to its end. */
  readonly seconds: number;
  /** From the request to its end. */
  readonly secondsFromRequest: number;
  readonly documents: number;
  readonly lines: number;
  readonly calls: number;
}

/** Only the benchmark starts runs, and a sweep reads only what differs. */
const NO_SCHEDULE = {
  SYNC_EVERY: 'off',
  FULL_SYNC_CRON: 'off',
  SWEEP_EVERY: 'off',
  SWEEP_REREAD: 'off',
  PRUNE_EVERY: 'off',
};
const STARTED = '"msg":"worker started"';
const START_LIMIT_MS = 60_000;
const CHECK_EVERY_MS = 200;
/** PostgreSQL needs a while to count the items of a large run. */
const COUNT_EVERY_MS = 5000;

/** Opens an empty mirror and starts its workers as in production. */
export async function openMirror(
  context: Context,
  servers: Servers,
  settings: Environment,
  { workers = 1, onReport }: MirrorOptions = {},
): Promise<Mirror> {
  const { ending, defer } = context;
  const { redisUrl, workspace } = servers;
  const databaseUrl = await createDatabase(servers, defer);
  const db = await openMigrated(context, databaseUrl);
  const prefix = newPrefix();
  const queues = openDemoQueues(context, redisUrl, prefix, true);
  const env = {
    ...NO_SCHEDULE,
    ...settings,
    ...{ DATABASE_URL: databaseUrl, REDIS_URL: redisUrl, QUEUE_PREFIX: prefix },
  };
  const started = Array.from({ length: workers }, (_, at) => {
    const name = `worker-${prefix}-${at + 1}`;
    const reporting = onReport && { onReport: (report: ProbeReport) => onReport(name, report) };
    const { log } = startServer(context, workspace, { name, ...WORKER, env, ...reporting });
    return ending.before(poll(() => log().includes(STARTED), name, START_LIMIT_MS));
  });
  await Promise.all(started);
  return { db, queues, databaseUrl, env };
}

/**
 * Requests a run and waits for its end.
 *
 * @param title Shown with the progress of the run; without it, nothing is shown.
 * @throws MeasurementFailedError unless the run succeeds with the counts `expected`.
 */
export async function measureRun(
  context: Context,
  { db, queues }: Mirror,
  mode: RunMode,
  expected: Partial<SyncLogRow>,
  title: string | null = null,
): Promise<MeasuredRun> {
  const { runId } = await requestRun(db, queues.sync, { key: BC_KEY, mode, trigger: 'cli' });
  const run = await untilFinished(context, db, runId, title);
  const wanted = { status: 'success', ...expected };
  const counts = new Map<string, unknown>(Object.entries(run));
  const wrong = Object.entries(wanted).filter(([name, value]) => counts.get(name) !== value);
  if (wrong.length > 0 || run.startedAt === null || run.finishedAt === null) {
    const { status, seen, created, updated, unchanged, archived, failed, errorMessage } = run;
    const found = { status, seen, created, updated, unchanged, archived, failed, errorMessage };
    throw new MeasurementFailedError(
      `A ${mode} run did not end as expected. Expected: ${JSON.stringify(wanted)}. Found: ${JSON.stringify(found)}.`,
    );
  }
  const secondsSince = (start: Date, end: Date) => (end.getTime() - start.getTime()) / 1000;
  return {
    seconds: secondsSince(run.startedAt, run.finishedAt),
    secondsFromRequest: secondsSince(run.requestedAt, run.finishedAt),
    documents: run.seen,
    lines: run.linesSeen,
    calls: run.rpcCalls,
  };
}

async function untilFinished(
  { ending, screen }: Context,
  db: Database,
  runId: number,
  title: string | null,
): Promise<SyncLogRow> {
  const start = Date.now();
  for (let nextCount = 0; ; ) {
    const run = await findRun(db, runId);
    if (run === null) throw new MeasurementFailedError(`Run ${runId} is not in sync_log`);
    if (run.finishedAt !== null) return run;
    if (title !== null && run.plannedAt !== null && Date.now() >= nextCount) {
      const { open = 0 } = await progress(db, runId);
      const seconds = (Date.now() - start) / 1000;
      screen.status(`${title}: ${progressLine(run.planned - open, run.planned, seconds)}`);
      nextCount = Date.now() + COUNT_EVERY_MS;
    }
    await ending.pause(CHECK_EVERY_MS);
  }
}
