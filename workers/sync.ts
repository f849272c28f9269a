import type { Job } from 'bullmq';
import { createRun, findRun } from '../src/db/runs.ts';
import type { SyncPayload } from '../src/queues/sync.ts';
import { syncPayload } from '../src/queues/sync.ts';
import type { Mirror } from '../src/sync/mirror.ts';
import { startRun } from '../src/sync/start.ts';

/**
 * Starts one run. A job that a schedule fired opens its run here, and remembers it in case it is delivered twice;
 * a process that works on nothing but what is asked for lets it pass.
 */
export async function handleSync(
  mirror: Mirror,
  job: Job<SyncPayload>,
  scheduled: boolean,
): Promise<number | null> {
  const payload = syncPayload.parse(job.data);
  if (payload.runId === undefined && !scheduled) return null;
  const run =
    payload.runId === undefined
      ? await createRun(mirror.db, {
          key: mirror.definition.key,
          mode: payload.mode,
          trigger: payload.trigger,
        })
      : await findRun(mirror.db, payload.runId);
  if (run === null) throw new Error(`Run ${payload.runId} is not in sync_log; the database was changed.`);
  if (payload.runId === undefined) await job.updateData({ ...payload, runId: run.id });
  if (run.status === 'queued' || run.status === 'running') await startRun(mirror, run);
  return run.id;
}
