import type { CurrentRun } from '../db/current-run.ts';
import type { IncidentRow } from '../db/schema/alerts.ts';
import type { SyncLogRow } from '../db/schema/sync.ts';
import { count } from './follow.ts';
import { oneLine } from './io.ts';
import type { Overview } from './status.ts';

/** The state of the mirror, for people. */
export function statusLines(overview: Overview): string[] {
  const { lease, currentRun, lastSync, lastRuns, openFailures, openIncidents, queues } = overview;
  return [
    `State      ${stateText(lease)}`,
    ...(currentRun === null ? [] : [`Progress   ${progressText(currentRun)}`]),
    `Last sync  ${lastSync === null ? 'never' : moment(lastSync)}`,
    `Last runs  ${lastRuns.length === 0 ? 'none' : ''}`.trimEnd(),
    ...lastRuns.map((run) => `  ${runText(run)}`),
    `Failures   ${openFailures.count === 0 ? 'none open' : `${count(openFailures.count)} open`}`,
    ...openFailures.first.map(
      ({ odooId, failures, message }) => `  BC ${odooId}, failed ${failures} times: ${oneLine(message)}`,
    ),
    `Incidents  ${openIncidents.length === 0 ? 'none open' : `${openIncidents.length} open`}`,
    ...openIncidents.map((incident) => `  ${incidentText(incident)}`),
    'Queues',
    ...Object.entries(queues).map(([name, queue]) => {
      const { waiting, active, delayed, failed, workers } = queue;
      return `  ${name.padEnd(6)} ${waiting} waiting, ${active} active, ${delayed} delayed, ${failed} failed, ${workers} workers`;
    }),
  ];
}

function stateText(lease: Overview['lease']): string {
  if (lease === null) return 'idle';
  const until = lease.expiresAt === null ? '' : moment(lease.expiresAt);
  return lease.held
    ? `run ${lease.runId} holds the lease until ${until}`
    : `run ${lease.runId} was left unfinished (its lease ran out ${until}); the next run resumes it`;
}

function progressText({ plannedAt, planned, progress: { open = 0, failed = 0 } }: CurrentRun): string {
  if (plannedAt === null) return 'planning: what it owes is not known yet';
  const done = `${count(planned - open)} of ${count(planned)} BC done`;
  return failed === 0 ? done : `${done}, ${count(failed)} failed`;
}

function runText(run: SyncLogRow): string {
  const text = `${run.id} ${run.mode}, ${run.trigger}, ${moment(run.requestedAt)}: ${run.status}`;
  if (run.errorMessage !== null) return `${text}. ${run.errorCode}: ${oneLine(run.errorMessage)}`;
  const outcomes = (['created', 'updated', 'unchanged', 'archived', 'gone', 'late', 'failed'] as const)
    .filter((name) => run[name] > 0)
    .map((name) => `${count(run[name])} ${name}`);
  return [text, ...outcomes].join(', ');
}

function incidentText({ kind, subject, openedAt, message }: IncidentRow): string {
  return `${kind}, ${subject}, since ${moment(openedAt)}: ${oneLine(message)}`;
}

/** UTC, whole seconds. */
function moment(date: Date): string {
  return `${date.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}
