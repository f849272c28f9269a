import type { Command } from 'commander';
import { readConfig } from '../../config/index.ts';
import { openIncidents } from '../../db/alerts.ts';
import type { Database } from '../../db/client.ts';
import { countOpenFailures, listFailures } from '../../db/runs/failures.ts';
import { readState } from '../../db/runs/lease.ts';
import { type CurrentRun, readCurrentRun } from '../../db/runs/run-progress.ts';
import { listRuns } from '../../db/runs/runs.ts';
import { shownSource } from '../../db/runs/source.ts';
import type { IncidentRow } from '../../db/schema/alerts.ts';
import type { SyncLogRow } from '../../db/schema/sync.ts';
import { BC_KEY } from '../../db/schema/sync.ts';
import type { Queues } from '../../queues/queues.ts';
import { withStores } from '../connections.ts';
import { count } from '../follow-run.ts';
import { type CommandContext, EXIT, type ExitCode, oneLine, print, QUIET } from '../io.ts';

function statusLines(overview: Overview): string[] {
  const { source, lease, currentRun, lastSync, ageSeconds, lastRuns, openFailures, openIncidents, queues } =
    overview;
  return [
    ...(source === null ? [] : [`Source     ${sourceText(source)}`]),
    `State      ${stateText(lease)}`,
    ...(currentRun === null ? [] : [`Progress   ${progressText(currentRun)}`]),
    `Last sync  ${lastSync === null ? 'never' : moment(lastSync)}${aheadText(ageSeconds)}`,
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

function sourceText({ model, lineModel, database, unfinishedRun }: NonNullable<Overview['source']>): string {
  const place = `${model} with ${lineModel}, database ${database}`;
  return unfinishedRun === null ? place : `${place}; run ${unfinishedRun} did not finish the move to it`;
}

function stateText(lease: Overview['lease']): string {
  if (lease === null) return 'idle';
  const until = lease.expiresAt === null ? '' : moment(lease.expiresAt);
  return lease.held
    ? `run ${lease.runId} holds the lease until ${until}`
    : `run ${lease.runId} was left unfinished (its lease ran out ${until}); the next run resumes it`;
}

function progressText({ plannedAt, planned, progress: { open = 0, failed = 0 } }: CurrentRun): string {
  if (plannedAt === null) return 'planning: the ids are not listed yet';
  const done = `${count(planned - open)} of ${count(planned)} BC done`;
  return failed === 0 ? done : `${done}, ${count(failed)} failed`;
}

function aheadText(ageSeconds: number | null): string {
  return ageSeconds === null || ageSeconds >= -TOLERATED_SECONDS
    ? ''
    : `, ${-ageSeconds} s in the future: the clock of Odoo is ahead of PostgreSQL`;
}

/** The clocks of two servers differ by some seconds. */
const TOLERATED_SECONDS = 10;

function runText(run: SyncLogRow): string {
  const text = `${run.id} ${run.mode}, ${run.trigger}, ${moment(run.requestedAt)}: ${run.status}`;
  if (run.errorMessage !== null) return `${text}. ${run.errorCode}: ${oneLine(run.errorMessage)}`;
  const outcomes = (
    ['created', 'updated', 'unchanged', 'archived', 'gone', 'late', 'reread', 'failed'] as const
  )
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

const RUNS_SHOWN = 5;
const FAILURES_SHOWN = 10;
/** One of each kind, and those of former users of Tryton. */
const INCIDENTS_SHOWN = 20;

export function addStatus(program: Command, context: CommandContext, exit: (code: ExitCode) => void): void {
  program
    .command('status')
    .summary('show state, last runs, failures and queues')
    .description(
      'Show the state of the mirror: lease, how far its run is, last runs, open failures and incidents, queues.',
    )
    .option('--json', 'print one JSON object')
    .addHelpText('after', HELP)
    .action(async (options: { readonly json?: boolean }) => exit(await status(context, options)));
}

const HELP = `
Exit codes: 0 shown, 1 PostgreSQL or Redis cannot be used, 2 bad usage or configuration

Examples:
  $ passerelle status
  $ passerelle status --json | jq .openFailures.count`;

async function status({ io, env }: CommandContext, options: { readonly json?: boolean }): Promise<ExitCode> {
  const config = readConfig(env, QUIET);
  const found = await withStores(config, ({ db, queues }) => overview(db, queues));
  print(io, options.json, found, statusLines(found));
  return EXIT.success;
}

type Overview = Awaited<ReturnType<typeof overview>>;

async function overview(db: Database, queues: Queues) {
  const state = await readState(db, BC_KEY);
  return {
    key: BC_KEY,
    source: shownSource(state?.source ?? null),
    isSyncing: state?.held === true,
    lastSync: state?.lastSync ?? null,
    ageSeconds: state?.ageSeconds ?? null,
    /** Null if no run holds it. `held` is false after it expired; its run is then resumed. */
    lease:
      state === null || state.leaseRunId === null
        ? null
        : {
            runId: state.leaseRunId,
            token: state.leaseToken,
            held: state.held,
            expiresAt: state.leaseExpiresAt,
            heartbeatAt: state.leaseHeartbeatAt,
          },
    /** The counts of the run are written at its end; `progress` has the current ones. */
    currentRun:
      state?.held === true && state.leaseRunId !== null ? await readCurrentRun(db, state.leaseRunId) : null,
    lastRuns: await listRuns(db, { limit: RUNS_SHOWN }),
    openFailures: {
      count: await countOpenFailures(db, BC_KEY),
      first: await listFailures(db, BC_KEY, { limit: FAILURES_SHOWN, after: 0 }),
    },
    openIncidents: await openIncidents(db, INCIDENTS_SHOWN),
    queues: {
      sync: await queueState(queues.sync),
      pages: await queueState(queues.pages),
      bc: await queueState(queues.bc),
      upkeep: await queueState(queues.upkeep),
    },
  };
}

async function queueState(queue: Queues['sync' | 'pages' | 'bc' | 'upkeep']) {
  const counts = await queue.getJobCounts('waiting', 'active', 'delayed', 'failed');
  const { waiting = 0, active = 0, delayed = 0, failed = 0 } = counts;
  return { waiting, active, delayed, failed, workers: await queue.getWorkersCount() };
}
