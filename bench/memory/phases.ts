import { sql } from 'drizzle-orm';
import { progressLine } from '../../dev/demo/context.ts';
import type { Database } from '../../src/db/client.ts';
import { progress } from '../../src/db/runs/ledger.ts';
import { findRun } from '../../src/db/runs/runs.ts';
import type { RunMode, SyncLogRow } from '../../src/db/schema/sync.ts';
import { BC_KEY } from '../../src/db/schema/sync.ts';
import { requestRun } from '../../src/sync/request-run.ts';
import { BenchFailedError } from './errors.ts';
import { megabytes, memoryFigures, type Phase } from './figures.ts';
import { startProcess, stopProcess } from './process.ts';
import type { BenchStage } from './stage.ts';
import { Watch } from './watch.ts';

const LOOK_EVERY_MS = 250;
/** Counting the items of a large run is work for PostgreSQL. */
const COUNT_EVERY_MS = 5000;

/** One run, by the workers. @throws BenchFailedError unless it succeeds with the counts `expected`. */
export async function runPhase(
  stage: BenchStage,
  phase: string,
  mode: RunMode,
  expected: Partial<SyncLogRow>,
): Promise<Phase> {
  const { db, queues } = stage;
  await begin(stage);
  const start = performance.now();
  const { runId } = await requestRun(db, queues.sync, { key: BC_KEY, mode, trigger: 'cli' });
  const run = await follow(stage, phase, runId);
  const seconds = (performance.now() - start) / 1000;
  const wrong = Object.entries({ status: 'success', ...expected }).filter(
    ([name, value]) => Object.entries(run).find(([key]) => key === name)?.[1] !== value,
  );
  if (wrong.length > 0) {
    const { status, seen, created, updated, archived, failed, errorMessage } = run;
    const said = JSON.stringify({ status, seen, created, updated, archived, failed, errorMessage });
    throw new BenchFailedError(
      `${phase}: expected ${wrong.map((one) => one.join(' ')).join(', ')}; it was ${said}`,
    );
  }
  return end(stage, { phase, seconds, documents: run.seen });
}

/** `passerelle verify`, in a process of its own. @throws BenchFailedError when the mirror is not equal to Odoo. */
export async function verifyPhase(stage: BenchStage): Promise<Phase> {
  const { workspace, env, defer, ending, watch } = stage;
  await begin(stage);
  const start = performance.now();
  stage.screen.status('verify');
  const verify = startProcess(workspace, {
    ...{ name: 'verify', module: 'dist/src/cli/main.js', args: ['verify', '--json'], env },
    heard: watch.listener(Watch.ALONE),
  });
  defer(() => stopProcess(verify.child));
  const how = await ending.before(verify.exit);
  const seconds = (performance.now() - start) / 1000;
  if (how !== '0') throw new BenchFailedError(`verify ended with ${how}: ${verify.output()}${verify.log()}`);
  const { headers } = JSON.parse(verify.output()) as { headers: number };
  return end(stage, { phase: 'verify', seconds, documents: headers });
}

async function begin({ sandbox, watch }: BenchStage): Promise<void> {
  await sandbox.calls();
  await watch.take();
}

async function end(
  { db, sandbox, watch, screen }: BenchStage,
  { phase, seconds, documents }: Pick<Phase, 'phase' | 'seconds' | 'documents'>,
): Promise<Phase> {
  const { samples, redisMax } = await watch.take();
  const result = {
    ...{ phase, documents, seconds: Math.round(seconds * 10) / 10, calls: await sandbox.calls() },
    ...{ memory: memoryFigures(samples), redisMax: megabytes(redisMax), database: await databaseSize(db) },
  };
  screen.line(`${phase}: ${result.seconds} s, worker at most ${result.memory.max} MB`);
  return result;
}

async function follow({ db, ending, screen }: BenchStage, phase: string, runId: number): Promise<SyncLogRow> {
  const begun = Date.now();
  for (let nextCount = 0; ; ) {
    const run = await findRun(db, runId);
    if (run === null) throw new BenchFailedError(`Run ${runId} is not in sync_log`);
    if (run.finishedAt !== null) return run;
    if (run.plannedAt !== null && Date.now() >= nextCount) {
      const { open = 0 } = await progress(db, runId);
      screen.status(
        `${phase}: ${progressLine(run.planned - open, run.planned, (Date.now() - begun) / 1000)}`,
      );
      nextCount = Date.now() + COUNT_EVERY_MS;
    }
    await ending.pause(LOOK_EVERY_MS);
  }
}

async function databaseSize(db: Database): Promise<number> {
  const [row] = await db.execute<{ size: string }>(
    sql`select pg_database_size(current_database())::text as size`,
  );
  return megabytes(Number(row?.size));
}
