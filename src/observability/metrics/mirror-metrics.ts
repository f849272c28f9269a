import type { Gauge, Registry } from 'prom-client';
import type { Database } from '../../db/client.ts';
import { keyOf } from '../../db/documents/mirrors.ts';
import { incidentCounts, lastRuns, mirrorFigures } from '../../db/mirror-stats.ts';
import { INCIDENT_KINDS } from '../../db/schema/alerts.ts';
import { clearGauge, optionalGauge } from './registry.ts';
import { DOCUMENT_OUTCOMES } from './worker-metrics.ts';

type Gauges = ReturnType<typeof gauges>;

/** An incident of the gateway has no mirror. */
const GATEWAY_KIND = 'tryton_circuit';

/** The mirrors as PostgreSQL has them: the same in every API process. */
export function mirrorMetrics(registry: Registry) {
  const own = gauges(registry);
  return {
    /** Three queries for any number of mirrors. Rejects while PostgreSQL is down; the metrics are then absent. */
    refresh: async (db: Database, mirrors: readonly string[]): Promise<void> => {
      for (const gauge of Object.values(own)) clearGauge(gauge);
      const names = new Map(mirrors.map((name) => [keyOf(name), name]));
      const keys = [...names.keys()];
      const [figures, runs, incidents] = await Promise.all([
        mirrorFigures(db, keys),
        lastRuns(db, keys),
        incidentCounts(db),
      ]);
      for (const { key, ...figure } of figures) setFigures(own, names.get(key) ?? key, figure);
      for (const { key, ...run } of runs) setRun(own, names.get(key) ?? key, run);
      setIncidents(own, names, incidents);
    },
  };
}

type Figures = Awaited<ReturnType<typeof mirrorFigures>>[number];

function setFigures(own: Gauges, mirror: string, figures: Omit<Figures, 'key'>): void {
  const { lagSeconds, running, planned, open, openFailures } = figures;
  if (lagSeconds !== null) own.lag.set({ mirror }, lagSeconds);
  own.running.set({ mirror }, running ? 1 : 0);
  own.planned.set({ mirror }, planned);
  own.open.set({ mirror }, open);
  own.failures.set({ mirror }, openFailures);
}

/** Incidents of a mirror that left the configuration are not counted. */
function setIncidents(
  own: Gauges,
  names: ReadonlyMap<string, string>,
  incidents: Awaited<ReturnType<typeof incidentCounts>>,
): void {
  own.incidents.set({ kind: GATEWAY_KIND }, 0);
  for (const mirror of names.values()) {
    for (const kind of INCIDENT_KINDS) if (kind !== GATEWAY_KIND) own.incidents.set({ mirror, kind }, 0);
  }
  for (const { kind, about, open } of incidents) {
    const mirror = names.get(about);
    if (kind === GATEWAY_KIND) own.incidents.inc({ kind }, open);
    else if (mirror !== undefined) own.incidents.inc({ mirror, kind }, open);
  }
}

type Run = Awaited<ReturnType<typeof lastRuns>>[number];

function setRun(own: Gauges, mirror: string, run: Omit<Run, 'key'>): void {
  const { mode } = run;
  for (const status of ['success', 'partial', 'failed']) {
    own.lastStatus.set({ mirror, mode, status }, run.status === status ? 1 : 0);
  }
  own.lastEnd.set({ mirror, mode }, run.endedAt);
  own.lastDuration.set({ mirror, mode }, run.durationSeconds);
  own.lastLate.set({ mirror, mode }, run.late);
  for (const outcome of DOCUMENT_OUTCOMES) own.lastDocuments.set({ mirror, mode, outcome }, run[outcome]);
}

function gauges(registry: Registry) {
  const gauge = <Label extends string>(name: string, help: string, ...labels: Label[]) =>
    optionalGauge(registry, `passerelle_${name}`, help, labels);
  return {
    lag: gauge(
      'mirror_lag_seconds',
      "How far the mirror is behind: PostgreSQL's clock minus last_sync. Absent before the first success.",
      'mirror',
    ),
    running: gauge('sync_running', '1 while a run holds the lease.', 'mirror'),
    planned: gauge(
      'run_planned_documents',
      'Documents of the current run: all of them. 0 if no run is in progress.',
      'mirror',
    ),
    open: gauge('run_open_documents', 'Documents of the current run that are not processed yet.', 'mirror'),
    failures: gauge('open_failures', 'Documents that failed for good and had no success since.', 'mirror'),
    incidents: gauge(
      'open_incidents',
      'Incidents that are reported and not resolved. Incidents of Tryton have no mirror.',
      'mirror',
      'kind',
    ),
    ...lastRunGauges(gauge),
  };
}

type MakeGauge = <Label extends string>(name: string, help: string, ...labels: Label[]) => Gauge<Label>;

function lastRunGauges(gauge: MakeGauge) {
  return {
    lastStatus: gauge(
      'last_run_status',
      'How the newest run of a mode ended: 1 for that status, 0 for the others.',
      'mirror',
      'mode',
      'status',
    ),
    lastEnd: gauge(
      'last_run_end_timestamp_seconds',
      'When the newest run of a mode ended.',
      'mirror',
      'mode',
    ),
    lastDuration: gauge(
      'last_run_duration_seconds',
      'How long the newest run of a mode took.',
      'mirror',
      'mode',
    ),
    lastDocuments: gauge(
      'last_run_documents',
      'Documents of the newest run of a mode, by outcome.',
      'mirror',
      'mode',
      'outcome',
    ),
    lastLate: gauge(
      'last_run_late_changes',
      'Changes of the newest run of a mode that no window would have found: of sweeps, late commits mostly.',
      'mirror',
      'mode',
    ),
  };
}
