import type { Job, Telemetry } from 'bullmq';
import { Worker } from 'bullmq';
import { errorMessage } from '../src/errors.ts';
import type { WorkedOn } from '../src/metrics/jobs.ts';
import { BC_QUEUE } from '../src/queues/bc.ts';
import type { RedisConnection } from '../src/queues/connection.ts';
import { HOOKS_JOB } from '../src/queues/hooks.ts';
import { PAGES_QUEUE } from '../src/queues/pages.ts';
import { keptJobs } from '../src/queues/policy.ts';
import { applySchedule } from '../src/queues/schedulers.ts';
import { SYNC_QUEUE } from '../src/queues/sync.ts';
import type { UpkeepPayload } from '../src/queues/upkeep.ts';
import { UPKEEP_QUEUE } from '../src/queues/upkeep.ts';
import type { Mirror } from '../src/sync/mirror.ts';
import { handleBc } from './bc.ts';
import { NO_LIMIT } from './deaths.ts';
import { handleHooks } from './hooks.ts';
import type { Handle } from './observed.ts';
import { idsOf, observed } from './observed.ts';
import { handlePage } from './pages.ts';
import { handleSync } from './sync.ts';
import { handleUpkeep } from './upkeep.ts';
import { startWatchdog } from './watchdog.ts';

/** Plans at once: resyncs do not wait for a full run's plan. */
const PLANS_AT_ONCE = 4;

export interface WorkerOptions {
  /** A connection of its own for each BullMQ worker is made from this one. */
  readonly redis: RedisConnection;
  readonly prefix: string;
  /** False: only what is asked for is worked on, nothing starts by itself. */
  readonly scheduled: boolean;
  /** Told of each attempt. */
  readonly worked?: (job: WorkedOn) => void;
  readonly telemetry?: Telemetry | undefined;
}

/** Starts one BullMQ worker for each queue, the schedulers and the watchdog. `stop` lets jobs in progress finish. */
export async function startWorkers(mirror: Mirror, options: WorkerOptions) {
  const { redis, prefix, scheduled, worked, telemetry } = options;
  const { settings, log } = mirror;
  const start = <Payload extends object>(name: string, concurrency: number, handle: Handle<Payload>) => {
    const worker = new Worker<Payload>(name, observed(mirror, handle, worked), {
      ...{ connection: redis, prefix, concurrency, ...(telemetry && { telemetry }) },
      // A dead worker's jobs are taken up by another once the lock ran out.
      ...{ lockDuration: settings.lockMs, stalledInterval: settings.lockMs, maxStalledCount: NO_LIMIT },
      ...keptJobs(settings),
    });
    worker.on('error', (error) => log.warn({ reason: errorMessage(error), queue: name }, 'worker'));
    worker.on('failed', (job, error) =>
      log.warn({ queue: name, ...(job && idsOf(job)), reason: error.message }, 'job failed'),
    );
    return worker;
  };
  if (scheduled) await applySchedule(mirror.queues, settings);
  const stopping = new AbortController();
  const sync: Handle<object> = (own, job: Job, token) =>
    job.name === HOOKS_JOB ? handleHooks(own, job, token) : handleSync(own, job, scheduled, token);
  const upkeep: Handle<UpkeepPayload> = (own, job) => handleUpkeep(own, job, stopping.signal);
  const workers = [
    start(SYNC_QUEUE, PLANS_AT_ONCE, sync),
    start(PAGES_QUEUE, settings.pagesInFlight, handlePage),
    start(BC_QUEUE, settings.bcConcurrency, handleBc),
    // Nothing but its schedule asks for upkeep.
    ...(scheduled ? [start(UPKEEP_QUEUE, 1, upkeep)] : []),
  ];
  const watchdog = startWatchdog(mirror, scheduled);
  return {
    stop: async () => {
      stopping.abort();
      await watchdog.stop();
      await Promise.all(workers.map((worker) => worker.close()));
    },
  };
}
