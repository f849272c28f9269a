import type { Registry } from 'prom-client';
import type { Queues } from '../queues/queues.ts';
import { fact, forget } from './facts.ts';

const STATES = ['waiting', 'active', 'delayed', 'prioritized', 'completed', 'failed'] as const;

/** What Redis knows of the queues: the same in whichever API process is asked. */
export function queueMetrics(registry: Registry) {
  const jobs = fact(
    registry,
    'passerelle_queue_jobs',
    'Jobs of a queue by state. Of completed and failed ones only so many are kept (RETAIN_*_JOBS).',
    ['queue', 'state'],
  );
  const workers = fact(registry, 'passerelle_workers', 'Workers that are connected to Redis and start runs.');
  return {
    /** Waits for Redis as long as the connection of the queues does; meanwhile nothing is told. */
    refresh: async ({ sync, pages, bc, upkeep }: Queues): Promise<void> => {
      forget(jobs);
      forget(workers);
      const [connected, ...counted] = await Promise.all([
        sync.getWorkersCount(),
        ...[sync, pages, bc, upkeep].map(async (queue) => ({
          queue: queue.name,
          counts: await queue.getJobCounts(...STATES),
        })),
      ]);
      workers.set(connected);
      for (const { queue, counts } of counted) {
        for (const state of STATES) jobs.set({ queue, state }, counts[state] ?? 0);
      }
    },
  };
}
