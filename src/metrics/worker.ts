import type { Registry } from 'prom-client';
import type { Observers } from '../sync/open.ts';
import { callMetrics } from './calls.ts';
import type { WorkedOn } from './jobs.ts';
import { jobMetrics } from './jobs.ts';
import type { Scraped } from './registry.ts';
import { openRegistry, textOf } from './registry.ts';
import { runMetrics } from './runs.ts';

/** What a worker tells: its own work. How the mirror stands is the API's to tell. */
export interface WorkerMetrics {
  /** For who describes them. */
  readonly registry: Registry;
  /** For the mirror: what it tells of its calls and runs. */
  readonly mirror: Required<Pick<Observers, 'called' | 'ended'>>;
  readonly worked: (job: WorkedOn) => void;
  scrape(): Promise<Scraped>;
}

export function openWorkerMetrics(): WorkerMetrics {
  const registry = openRegistry();
  const called = callMetrics(registry);
  return {
    registry,
    mirror: {
      called: ({ method, ms, code = null }) => called({ server: 'odoo', method, ms, code }),
      ended: runMetrics(registry),
    },
    worked: jobMetrics(registry),
    scrape: () => textOf(registry),
  };
}
