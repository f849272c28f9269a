import { DelayedError, type Job, type Telemetry, Worker } from 'bullmq';
import { installationOf } from '../src/db/installation.ts';
import type { JobResult } from '../src/observability/metrics/worker-metrics.ts';
import {
  BC_QUEUE,
  HOOKS_JOB,
  isForeign,
  keptJobs,
  PAGES_QUEUE,
  SYNC_QUEUE,
  UPKEEP_QUEUE,
  type UpkeepPayload,
} from '../src/queues/jobs.ts';
import { mirrorPrefix } from '../src/queues/queues.ts';
import type { RedisConnection } from '../src/queues/redis.ts';
import { isOutage, reportOutage } from '../src/queues/redis-outage.ts';
import { applySchedule } from '../src/queues/schedulers.ts';
import { errorMessage } from '../src/shared/errors.ts';
import { withContext } from '../src/shared/logger.ts';
import type { SyncContext } from '../src/sync/context.ts';
import { NO_LIMIT } from './job-retries.ts';
import { handleBc, handleHooks, handlePage, handleUpkeep } from './processors.ts';
import { handleSync } from './run-processor.ts';
import { newSlots, type SharedConcurrency, type Slots } from './shared-concurrency.ts';
import { startWatchdog } from './watchdog.ts';

type Handle<Payload> = (mirror: SyncContext, job: Job<Payload>, token?: string) => Promise<unknown>;

const IDS = ['runId', 'page', 'odooId'] as const;

/** The ids that every log line of a job contains. */
function idsOf(job: Job<object>): object {
  const payload = new Map<string, unknown>(Object.entries(job.data));
  const ids = IDS.filter((name) => payload.has(name)).map((name) => [name, payload.get(name)]);
  return { queue: job.queueName, jobId: job.id, ...Object.fromEntries(ids) };
}

/**
 * Adds the ids of the job to the log lines of a handler, and reports each attempt to `worked`. A postponed job is not
 * an attempt.
 */
function instrumented<Payload extends object>(
  mirror: SyncContext,
  handle: Handle<Payload>,
  worked: ((job: JobResult) => void) | undefined,
): (job: Job<Payload>, token?: string) => Promise<unknown> {
  return async (job, token) => {
    const start = performance.now();
    const report = (outcome: JobResult['outcome']) =>
      worked?.({
        mirror: mirror.definition.name,
        queue: job.queueName,
        outcome,
        ms: performance.now() - start,
      });
    try {
      if (isForeign(job.data, await installationOf(mirror.db))) return skipForeign(mirror, job);
      const result = await handle({ ...mirror, log: withContext(mirror.log, () => idsOf(job)) }, job, token);
      report('completed');
      return result;
    } catch (error) {
      if (!(error instanceof DelayedError)) report('failed');
      throw error;
    }
  };
}

/**
 * Ends the job of another installation without work. The watchdog of that installation queues the work again; Redis has
 * room for one job of each id only.
 */
function skipForeign({ log }: SyncContext, job: Job<object>): 'foreign' {
  log.warn(
    { ...idsOf(job), ...('mirror' in job.data && { installation: job.data.mirror }) },
    'skipped a job of another installation that uses the same QUEUE_PREFIX; give each installation its own prefix',
  );
  return 'foreign';
}

/** Concurrent plans, so that resyncs do not wait for the plan of a full run. */
const PLANS_CONCURRENCY = 4;

interface WorkerOptions {
  /** Each BullMQ worker duplicates this connection. */
  readonly redis: RedisConnection;
  readonly prefix: string;
  /** False: only requested runs are processed; scheduled jobs are postponed. */
  readonly scheduled: boolean;
  /** Its workers also do the upkeep, which covers all mirrors. */
  readonly upkeep: boolean;
  /** Those of all mirrors of the process. */
  readonly slots?: Slots;
  readonly worked?: (job: JobResult) => void;
  readonly telemetry?: Telemetry | undefined;
}

/** Starts one BullMQ worker for each queue, the schedulers and the watchdog. `stop` lets jobs in progress finish. */
export async function startWorkers(mirror: SyncContext, options: WorkerOptions) {
  const { redis, scheduled, upkeep, slots = newSlots(), worked, telemetry } = options;
  const { definition, log } = mirror;
  const prefix = mirrorPrefix(options.prefix, definition.name);
  const settings = upkeep ? mirror.settings : { ...mirror.settings, pruneEveryMs: null };
  const start = <Payload extends object>(name: string, concurrency: number, handle: Handle<Payload>) => {
    const worker = new Worker<Payload>(name, instrumented(mirror, handle, worked), {
      ...{ connection: redis, prefix, concurrency, ...(telemetry && { telemetry }) },
      // After the lock of a dead worker expires, another worker takes its jobs.
      ...{ lockDuration: settings.lockMs, stalledInterval: settings.lockMs, maxStalledCount: NO_LIMIT },
      ...keptJobs(settings),
    });
    worker.on('error', (error) => {
      if (isOutage(error)) reportOutage(log, error);
      else log.warn({ reason: errorMessage(error), queue: name }, 'worker');
    });
    worker.on('failed', (job, error) =>
      log.warn({ queue: name, ...(job && idsOf(job)), reason: error.message }, 'job failed'),
    );
    return worker;
  };
  if (scheduled) await applySchedule(mirror.queues, settings);
  const stopping = new AbortController();
  const sync: Handle<object> = (own, job: Job, token) =>
    job.name === HOOKS_JOB ? handleHooks(own, job, token) : handleSync(own, job, scheduled, token);
  const prune: Handle<UpkeepPayload> = (own, job) => handleUpkeep(own, job, stopping.signal);
  const startShared = <Payload extends object>(
    name: string,
    concurrency: number,
    shared: SharedConcurrency,
    handle: Handle<Payload>,
  ) => {
    const run = shared.share(concurrency, (part) => {
      worker.concurrency = part;
    });
    const worker = start<Payload>(name, concurrency, (own, job) => run(() => handle(own, job)));
    return worker;
  };
  const workers = [
    start(SYNC_QUEUE, PLANS_CONCURRENCY, sync),
    startShared(PAGES_QUEUE, settings.pagesInFlight, slots.pages, handlePage),
    startShared(BC_QUEUE, settings.bcConcurrency, slots.bc, handleBc),
    // Upkeep jobs only come from the schedule.
    ...(scheduled && upkeep ? [start(UPKEEP_QUEUE, 1, prune)] : []),
  ];
  const watchdog = startWatchdog({ ...mirror, settings }, scheduled);
  return {
    stop: async () => {
      stopping.abort();
      await watchdog.stop();
      await Promise.all(workers.map((worker) => worker.close()));
    },
  };
}
