import type { Gauge, Registry } from 'prom-client';
import type { Database } from '../../db/client.ts';
import { incidentCounts, lastRuns, mirrorFigures } from '../../db/mirror-stats.ts';
import { INCIDENT_KINDS } from '../../db/schema/alerts.ts';
import { clearGauge, optionalGauge } from './registry.ts';
import { DOCUMENT_OUTCOMES } from './worker-metrics.ts';

type Gauges = ReturnType<typeof gauges>;

/** The mirror as PostgreSQL has it: the same in every API process. */
export function mirrorMetrics(registry: Registry, key: string) {
  const own = gauges(registry);
  return {
    /** Rejects while PostgreSQL is down; the metrics are then absent. */
    refresh: async (db: Database): Promise<void> => {
      for (const gauge of Object.values(own)) clearGauge(gauge);
      const [figures, runs, incidents] = await Promise.all([
        mirrorFigures(db, key),
        lastRuns(db, key),
        incidentCounts(db),
      ]);
      if (figures.lagSeconds !== null) own.lag.set(figures.lagSeconds);
      own.running.set(figures.running ? 1 : 0);
      own.planned.set(figures.planned);
      own.open.set(figures.open);
      own.failures.set(figures.openFailures);
      for (const kind of INCIDENT_KINDS) own.incidents.set({ kind }, 0);
      for (const { kind, open } of incidents) own.incidents.set({ kind }, open);
      for (const run of runs) setRun(own, run);
    },
  };
}

function setRun(own: Gauges, run: Awaited<ReturnType<typeof lastRuns>>[number]): void {
  const { mode } = run;
  for (const status of ['success', 'partial', 'failed']) {
    own.lastStatus.set({ mode, status }, run.status === status ? 1 : 0);
  }
  own.lastEnd.set({ mode }, run.endedAt);
  own.lastDuration.set({ mode }, run.durationSeconds);
  own.lastLate.set({ mode }, run.late);
  for (const outcome of DOCUMENT_OUTCOMES) own.lastDocuments.set({ mode, outcome }, run[outcome]);
}

function gauges(registry: Registry) {
  const gauge = <Label extends string>(name: string, help: string, ...labels: Label[]) =>
    optionalGauge(registry, `passerelle_${name}`, help, labels);
  return {
    lag: gauge(
      'mirror_lag_seconds',
      "How far the mirror is behind: PostgreSQL's clock minus last_sync. Absent before the first success.",
    ),
    running: gauge('sync_running', '1 while a run holds the lease.'),
    planned: gauge('run_planned_documents', 'BCs that the current run owes in all; 0 where none is running.'),
    open: gauge('run_open_documents', 'BCs that the current run still owes.'),
    failures: gauge('open_failures', 'BCs that failed for good and had no success since.'),
    incidents: gauge('open_incidents', 'Incidents that are reported and not resolved.', 'kind'),
    ...lastRunGauges(gauge),
  };
}

type MakeGauge = <Label extends string>(name: string, help: string, ...labels: Label[]) => Gauge<Label>;

function lastRunGauges(gauge: MakeGauge) {
  return {
    lastStatus: gauge(
      'last_run_status',
      'How the newest run of a mode ended: 1 for that status, 0 for the others.',
      'mode',
      'status',
    ),
    lastEnd: gauge('last_run_end_timestamp_seconds', 'When the newest run of a mode ended.', 'mode'),
    lastDuration: gauge('last_run_duration_seconds', 'How long the newest run of a mode took.', 'mode'),
    lastDocuments: gauge(
      'last_run_documents',
      'BCs of the newest run of a mode, by what became of them.',
      'mode',
      'outcome',
    ),
    lastLate: gauge(
      'last_run_late_changes',
      'Changes of the newest run of a mode that no window would have found: of sweeps, late commits mostly.',
      'mode',
    ),
  };
}
