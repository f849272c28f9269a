import type { Job } from 'bullmq';
import { DelayedError } from 'bullmq';
import { createRun, findRun } from '../src/db/runs.ts';
import type { SyncLogRow } from '../src/db/schema/sync.ts';
import type { SyncPayload } from '../src/queues/sync.ts';
import { syncPayload } from '../src/queues/sync.ts';
import type { Mirror } from '../src/sync/mirror.ts';
import { startRun } from '../src/sync/start.ts';

/** A scheduled job that this process leaves alone comes back after this pause, for a worker that takes it. */
const PASS_ON_MS = 5000;

/**
 * Starts one run. A job that a schedule fired opens its run here, and remembers it in case it is delivered twice;
 * a process that works on nothing but what is asked for (`scheduled` false) puts it back. Retried after its run
 * failed, a job starts a new run of the same kind.
 */
export async function handleSync(
  mirror: Mirror,
  job: Job<SyncPayload>,
  scheduled: boolean,
  token: string | undefined,
): Promise<number> {
  const payload = syncPayload.parse(job.data);
  if (payload.runId === undefined && !scheduled) {
    await job.moveToDelayed(Date.now() + PASS_ON_MS, token);
    throw new DelayedError();
  }
  const run = await runOf(mirror, payload);
  if (run.id !== payload.runId) await job.updateData({ ...payload, runId: run.id });
  if (run.status === 'queued' || run.status === 'running') await startRun(mirror, run);
  return run.id;
}

async function runOf({ db, definition }: Mirror, { runId, mode, trigger }: SyncPayload): Promise<SyncLogRow> {
  if (runId === undefined) return createRun(db, { key: definition.key, mode, trigger });
  const run = await findRun(db, runId);
  if (run === null) throw new Error(`Run ${runId} is not in sync_log; the database was changed.`);
  if (run.status !== 'failed') return run;
  return createRun(db, {
    key: definition.key,
    mode,
    trigger: 'retry',
    ...(run.odooIds && { odooIds: run.odooIds }),
  });
}
