import { randomBytes } from 'node:crypto';
import type { Stage } from '../../dev/demo/context.ts';
import { openDemoQueues, openMigrated } from '../../dev/demo/servers.ts';
import { poll } from '../../dev/services/poll.ts';
import type { Database } from '../../src/db/client.ts';
import { findRun } from '../../src/db/runs/runs.ts';
import type { RunMode, SyncLogRow } from '../../src/db/schema/sync.ts';
import { BC_KEY } from '../../src/db/schema/sync.ts';
import type { Queues } from '../../src/queues/queues.ts';
import { requestRun } from '../../src/sync/request-run.ts';
import type { Environment } from '../memory/process.ts';
import { startProcess, stopProcess, WORKER } from '../memory/process.ts';
import { MeasurementFailedError } from './errors.ts';
import type { Servers } from './servers.ts';
import { scratchDatabase } from './servers.ts';

/** A mirror with a database, a queue prefix and a worker process of its own. */
interface ScratchMirror {
  readonly db: Database;
  readonly queues: Queues;
}

/** One run, as `sync_log` has it. */
export interface MeasuredRun {
  /** From its start to its end. */
  readonly seconds: number;
  /** From the moment it was asked for to its end. */
  readonly secondsFromRequest: number;
  readonly documents: number;
  readonly lines: number;
  readonly calls: number;
}

/** The caller's environment for the processes, without anything that could reach the caller's own servers. */
const PASSED_ON = /^(PATH|HOME|TMPDIR|LANG|NODE_\w+|SYNC_\w+|ODOO_(CONCURRENCY|CALLS_PER_SECOND))$/;
/** Runs start when they are asked for. */
export const NOTHING_BY_ITSELF = {
  SYNC_EVERY: 'off',
  FULL_SYNC_CRON: 'off',
  SWEEP_EVERY: 'off',
  PRUNE_EVERY: 'off',
};
const STARTED = '"msg":"worker started"';
const START_LIMIT_MS = 60_000;
const LOOK_EVERY_MS = 200;

/** The part of this process's environment that others get. */
export function passedOn(): Environment {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => PASSED_ON.test(name)));
}

/** A mirror that has never run, its worker started as in production. Everything is deferred. */
export async function openScratchMirror(
  stage: Stage,
  servers: Servers,
  odoo: Environment,
): Promise<ScratchMirror> {
  const databaseUrl = await scratchDatabase(servers, stage.defer);
  const db = await openMigrated(stage, databaseUrl);
  const prefix = `passerelle-mirror-bench-${randomBytes(6).toString('hex')}`;
  const queues = openDemoQueues(stage, servers.redisUrl, prefix, true);
  const worker = startProcess(servers.workspace, {
    name: `worker-${prefix}`,
    ...WORKER,
    env: {
      ...passedOn(),
      ...NOTHING_BY_ITSELF,
      ...odoo,
      ...{ DATABASE_URL: databaseUrl, REDIS_URL: servers.redisUrl, QUEUE_PREFIX: prefix },
    },
  });
  let stopping = false;
  stage.defer(() => {
    stopping = true;
    return stopProcess(worker.child);
  });
  worker.exit.then((how) => {
    if (!stopping)
      stage.ending.fail(new MeasurementFailedError(`The worker ended with ${how}: ${worker.log()}`));
  });
  const started = poll(() => worker.log().includes(STARTED), 'the worker', START_LIMIT_MS);
  await stage.ending.before(started);
  return { db, queues };
}

/** One run to its end. @throws MeasurementFailedError unless it succeeds with the counts `expected`. */
export async function measureRun(
  { ending }: Pick<Stage, 'ending'>,
  { db, queues }: ScratchMirror,
  mode: RunMode,
  expected: Partial<SyncLogRow>,
): Promise<MeasuredRun> {
  const { runId } = await requestRun(db, queues.sync, { key: BC_KEY, mode, trigger: 'cli' });
  const run = await ended(ending, db, runId);
  const wanted = { status: 'success', ...expected };
  const counts = new Map<string, unknown>(Object.entries(run));
  const wrong = Object.entries(wanted).filter(([name, value]) => counts.get(name) !== value);
  if (wrong.length > 0 || run.startedAt === null || run.finishedAt === null) {
    const { status, seen, created, updated, unchanged, failed, errorMessage } = run;
    const said = JSON.stringify({ status, seen, created, updated, unchanged, failed, errorMessage });
    throw new MeasurementFailedError(`A ${mode} run was to end as ${JSON.stringify(wanted)}; it was ${said}`);
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

async function ended(ending: Stage['ending'], db: Database, runId: number): Promise<SyncLogRow> {
  for (;;) {
    const run = await findRun(db, runId);
    if (run === null) throw new MeasurementFailedError(`Run ${runId} is not in sync_log`);
    if (run.finishedAt !== null) return run;
    await ending.pause(LOOK_EVERY_MS);
  }
}
