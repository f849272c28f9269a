import { Counter, Histogram, type Registry } from 'prom-client';
import type { EndedRun } from '../../db/runs/runs.ts';
import { RUN_MODES } from '../../db/schema/sync.ts';
import { openRegistry, type Scraped, textOf } from './registry.ts';
import { callMetrics } from './rpc-metrics.ts';

/** In seconds: a BC of a full group takes about 50 ms, the plan of a large run minutes. */
const JOB_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300];

export interface JobResult {
  readonly mirror: string;
  readonly queue: string;
  readonly outcome: 'completed' | 'failed';
  readonly ms: number;
}

function jobMetrics(registry: Registry): (job: JobResult) => void {
  const duration = new Histogram({
    name: 'passerelle_job_duration_seconds',
    help: 'Time of one attempt of a job. Jobs of BCs that are stored together wait for one another.',
    labelNames: ['mirror', 'queue', 'outcome'],
    buckets: JOB_BUCKETS,
    registers: [registry],
  });
  return ({ ms, ...labels }) => duration.observe(labels, ms / 1000);
}

/** In seconds: from a run with nothing to do to the first full one. */
const RUN_BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 900, 3600, 14_400];

export const DOCUMENT_OUTCOMES = ['created', 'updated', 'unchanged', 'archived', 'gone', 'failed'] as const;
const STATUSES = ['success', 'partial', 'failed', 'skipped'] as const;

/** Counts the runs that this process finishes. Unlike rows in PostgreSQL, the sums are not reduced by a prune. */
function runMetrics(registry: Registry, mirrors: readonly string[]): (run: EndedRun, mirror: string) => void {
  const registers = [registry];
  const runs = new Counter({
    name: 'passerelle_runs_total',
    help: 'Runs that this worker brought to their end.',
    labelNames: ['mirror', 'mode', 'status'],
    registers,
  });
  const duration = new Histogram({
    name: 'passerelle_run_duration_seconds',
    help: 'From the start of a run to its end, skipped ones left out.',
    labelNames: ['mirror', 'mode'],
    buckets: RUN_BUCKETS,
    registers,
  });
  const documents = new Counter({
    name: 'passerelle_documents_total',
    help: 'Documents of the runs that this worker brought to their end, by outcome.',
    labelNames: ['mirror', 'outcome'],
    registers,
  });
  const lines = new Counter({
    name: 'passerelle_lines_total',
    help: 'Lines of those documents: seen, or removed because they were deleted in Odoo.',
    labelNames: ['mirror', 'outcome'],
    registers,
  });
  const late = new Counter({
    name: 'passerelle_late_changes_total',
    help: 'Changes that a sweep found and that no later window would have: late commits, mostly.',
    labelNames: ['mirror'],
    registers,
  });
  // A series that begins at its first event would hide that event from rate() and increase().
  for (const mirror of mirrors) {
    for (const mode of RUN_MODES) for (const status of STATUSES) runs.inc({ mirror, mode, status }, 0);
    for (const outcome of DOCUMENT_OUTCOMES) documents.inc({ mirror, outcome }, 0);
    for (const outcome of ['seen', 'removed']) lines.inc({ mirror, outcome }, 0);
    late.inc({ mirror }, 0);
  }
  return ({ mode, status, ...run }, mirror) => {
    runs.inc({ mirror, mode, status });
    if (status === 'skipped') return;
    duration.observe({ mirror, mode }, run.durationMs / 1000);
    for (const outcome of DOCUMENT_OUTCOMES) documents.inc({ mirror, outcome }, run[outcome]);
    lines.inc({ mirror, outcome: 'seen' }, run.linesSeen);
    lines.inc({ mirror, outcome: 'removed' }, run.linesRemoved);
    late.inc({ mirror }, run.late);
  };
}

interface CallReport {
  readonly method: string;
  readonly ms: number;
  readonly code?: string | undefined;
}

export type WorkerMetrics = ReturnType<typeof openWorkerMetrics>;

/** The metrics of the work of one worker for these mirrors. The API exports the state of the mirrors. */
export function openWorkerMetrics(mirrors: readonly string[]) {
  const registry = openRegistry();
  const called = callMetrics(registry, 'mirror');
  return {
    registry,
    /** Callbacks for the mirrors. */
    mirror: {
      called: ({ method, ms, code }: CallReport, mirror: string) =>
        called({ server: 'odoo', mirror, method, ms, code: code ?? null }),
      ended: runMetrics(registry, mirrors),
    },
    worked: jobMetrics(registry),
    scrape: (): Promise<Scraped> => textOf(registry),
  };
}
