import type { EndedRun } from '../db/ended-run.ts';
import type { Called } from './calls.ts';
import { callMetrics } from './calls.ts';
import type { WorkedOn } from './jobs.ts';
import { jobMetrics } from './jobs.ts';
import type { Scraped } from './registry.ts';
import { openRegistry, textOf } from './registry.ts';
import { runMetrics } from './runs.ts';

/** What a worker tells: its own work. How the mirror stands is the API's to tell. */
export interface WorkerMetrics {
  called(call: Called): void;
  worked(job: WorkedOn): void;
  ended(run: EndedRun): void;
  scrape(): Promise<Scraped>;
}

export function openWorkerMetrics(): WorkerMetrics {
  const registry = openRegistry();
  return {
    called: callMetrics(registry),
    worked: jobMetrics(registry),
    ended: runMetrics(registry),
    scrape: () => textOf(registry),
  };
}
