import type { Registry } from 'prom-client';
import { Histogram } from 'prom-client';

/** A BC of a full group takes some 50 ms, the plan of a large run minutes; in seconds. */
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300];

export interface WorkedOn {
  readonly queue: string;
  readonly outcome: 'completed' | 'failed';
  readonly ms: number;
}

/** How long this worker takes for its jobs, each attempt for itself. */
export function jobMetrics(registry: Registry): (job: WorkedOn) => void {
  const duration = new Histogram({
    name: 'passerelle_job_duration_seconds',
    help: 'Time of one attempt of a job. Jobs of BCs that are stored together wait for one another.',
    labelNames: ['queue', 'outcome'],
    buckets: BUCKETS,
    registers: [registry],
  });
  return ({ queue, outcome, ms }) => duration.observe({ queue, outcome }, ms / 1000);
}
