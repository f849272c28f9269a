import type { Job } from 'bullmq';
import {
  type BcPayload,
  bcPayload,
  type HooksPayload,
  hooksPayload,
  type PagePayload,
  pagePayload,
  type UpkeepPayload,
  upkeepPayload,
} from '../src/queues/jobs.ts';
import { processLog } from '../src/shared/logger.ts';
import type { SyncContext } from '../src/sync/context.ts';
import { processPage } from '../src/sync/fetch/process-page.ts';
import { type Pruned, prune } from '../src/sync/maintenance/prune.ts';
import { handleBcFailure, handlePageFailure } from '../src/sync/runs/failure-handling.ts';
import { requestHooked } from '../src/sync/runs/webhook-run.ts';
import { type BcOutcome, processBc } from '../src/sync/store/process-bc.ts';
import {
  attemptOf,
  exceedsStallLimit,
  JobStalledError,
  postponeJob,
  stalledCount,
  toBullmqError,
} from './job-retries.ts';

/** Stores one BC. If it fails for good, its run continues. */
export async function handleBc(mirror: SyncContext, job: Job<BcPayload>): Promise<BcOutcome> {
  const payload = bcPayload.parse(job.data);
  const deaths = stalledCount(job, payload.deaths);
  try {
    if (exceedsStallLimit(deaths)) throw new JobStalledError(`BC ${payload.odooId}`, deaths);
    return await processBc(mirror, payload, attemptOf(job).number);
  } catch (error) {
    throw await toBullmqError(job, error, async () => {
      await handleBcFailure(mirror, payload, job.id ?? null, error);
      // A manual retry gets the same number of attempts again.
      await job.updateData({ ...payload, deaths: job.stalledCounter });
    });
  }
}

/** Reads one page. If it fails for good, its run fails. */
export async function handlePage(mirror: SyncContext, job: Job<PagePayload>): Promise<number | 'superseded'> {
  const payload = pagePayload.parse(job.data);
  try {
    return await processPage(mirror, payload, {
      ...attemptOf(job),
      deadly: exceedsStallLimit(stalledCount(job)),
    });
  } catch (error) {
    throw await toBullmqError(job, error, () => handlePageFailure(mirror, payload, error));
  }
}

/** Prunes, and logs the counts. A worker that stops leaves the rest to the next prune. */
export async function handleUpkeep(
  mirror: SyncContext,
  job: Job<UpkeepPayload>,
  stopping: AbortSignal,
): Promise<Pruned> {
  upkeepPayload.parse(job.data);
  const pruned = await prune(mirror, stopping);
  // The counts cover all mirrors, so the line names none.
  if (Object.values(pruned).some((rows) => rows > 0)) processLog(mirror.log).info({ ...pruned }, 'pruned');
  return pruned;
}

/**
 * Requests the run that reads a webhook batch. If the job is delivered again after a crash, it may request the same run
 * twice, which is harmless.
 *
 * @returns the id of the run; null if there is nothing to read.
 */
export async function handleHooks(
  mirror: SyncContext,
  job: Job<HooksPayload>,
  token: string | undefined,
): Promise<number | null> {
  const { hooks } = mirror.queues;
  const { batch } = hooksPayload.parse(job.data);
  const run = await requestHooked(mirror, await hooks.close(batch));
  if (run === 'later') return postponeJob(job, token);
  await hooks.delete(batch);
  return run;
}
