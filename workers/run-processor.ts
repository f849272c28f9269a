import type { Job } from 'bullmq';
import { CronExpressionParser } from 'cron-parser';
import { readState } from '../src/db/runs/lease.ts';
import { createRun, findRun } from '../src/db/runs/runs.ts';
import type { SyncLogRow } from '../src/db/schema/sync.ts';
import { type SyncPayload, syncPayload } from '../src/queues/jobs.ts';
import type { SyncContext } from '../src/sync/context.ts';
import { failRun } from '../src/sync/runs/advance-run.ts';
import { startRun } from '../src/sync/runs/start-run.ts';
import { exceedsStallLimit, JobStalledError, postponeJob, stalledCount } from './job-retries.ts';

/**
 * Starts one run. A scheduled job creates its run here and stores the id in the job, in case it is delivered twice. If
 * a job is retried after its run failed, it starts a new run of the same mode.
 *
 * A job is postponed for one of four reasons:
 * 1. It is scheduled, and this process only serves requested runs (`scheduled` is false).
 * 2. It is a scheduled sweep or full run, and another run has the lease.
 * 3. The same, and the other run took the lease after the check, so that this run was skipped.
 * 4. The planner of its run crashed, and the lease of that planner has not expired yet.
 */
export async function handleSync(
  mirror: SyncContext,
  job: Job<SyncPayload>,
  scheduled: boolean,
  token: string | undefined,
): Promise<number> {
  const payload = syncPayload.parse(job.data);
  if (payload.runId === undefined && !scheduled) await postponeJob(job, token);
  const canWait = mayWait(mirror, payload, job);
  if (canWait && (await isTooEarly(mirror, payload))) await postponeJob(job, token);
  const run = await runOf(mirror, payload);
  if (run.id !== payload.runId) await job.updateData({ ...payload, runId: run.id });
  if (job.stalledCounter > 0 && (await isAbandoned(mirror, run, job, token))) return run.id;
  if (run.status === 'queued' || run.status === 'running') await startRun(mirror, run);
  if (canWait && (await findRun(mirror.db, run.id))?.status === 'skipped') {
    await job.updateData(payload);
    await postponeJob(job, token);
  }
  return run.id;
}

/**
 * A scheduled sweep or full run is due at the same moment as an incremental run, which usually takes the lease first.
 * So it waits for the lease until the next run of its mode is due.
 */
function mayWait({ settings }: SyncContext, { mode, runId }: SyncPayload, job: Job): boolean {
  const { sweepEveryMs, fullCron } = settings;
  if (runId !== undefined) return false;
  if (mode === 'full') return fullCron !== null && Date.now() < dueAfter(fullCron, job);
  return mode === 'sweep' && sweepEveryMs !== null && Date.now() - job.timestamp < 2 * sweepEveryMs;
}

/** The next due time after that of the job. BullMQ (6.7) keeps it in the id; the job may be created long before. */
function dueAfter(pattern: string, { id = '', timestamp }: Job): number {
  const due = Number(/:(\d+)$/.exec(id)?.[1] ?? timestamp);
  return CronExpressionParser.parse(pattern, { currentDate: due, tz: 'UTC' }).next().getTime();
}

/** Another run has the lease, or there was no full run yet, so that a sweep would read everything. */
async function isTooEarly({ db, definition }: SyncContext, { mode }: SyncPayload): Promise<boolean> {
  const state = await readState(db, definition.key);
  if (mode === 'full') return state?.held === true;
  return state === null || state.held || state.lastSync === null;
}

/**
 * Handles a run whose planner crashed. While the lease lasts, the job waits, so that crashes are counted. After too
 * many of them the run fails.
 */
async function isAbandoned(
  mirror: SyncContext,
  run: SyncLogRow,
  job: Job,
  token: string | undefined,
): Promise<boolean> {
  if (run.status !== 'running' || run.plannedAt !== null) return false;
  const state = await readState(mirror.db, mirror.definition.key);
  if (state?.held === true && state.leaseRunId === run.id) await postponeJob(job, token);
  const deaths = stalledCount(job);
  if (!exceedsStallLimit(deaths)) return false;
  await failRun(mirror, run.id, run.leaseToken, new JobStalledError(`The plan of run ${run.id}`, deaths));
  return true;
}

async function runOf(
  { db, definition }: SyncContext,
  { runId, mode, trigger }: SyncPayload,
): Promise<SyncLogRow> {
  if (runId === undefined) return createRun(db, { key: definition.key, mode, trigger });
  const run = await findRun(db, runId);
  if (run === null)
    throw new Error(`Run ${runId} is no longer in sync_log, because RETAIN_RUNS is over. Request a new run.`);
  if (run.status !== 'failed') return run;
  return createRun(db, {
    key: definition.key,
    mode,
    trigger: 'retry',
    force: run.force,
    newSource: run.newSource,
    // The items that the failed full run has stored need no second fetch.
    ...(mode === 'full' && { continues: run.id }),
    ...(run.odooIds && { odooIds: run.odooIds }),
  });
}
