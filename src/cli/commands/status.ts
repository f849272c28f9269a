import type { Command } from 'commander';
import { NO_WORKER } from '../../checks/index.ts';
import { readConfig } from '../../config/index.ts';
import { openIncidents } from '../../db/alerts.ts';
import { type Database, databaseClock } from '../../db/client.ts';
import { keyOf, tablesFor } from '../../db/documents/mirrors.ts';
import { countOpenFailures, listFailures } from '../../db/runs/failures.ts';
import { readState } from '../../db/runs/lease.ts';
import { type CurrentRun, readCurrentRun } from '../../db/runs/run-progress.ts';
import { listRuns } from '../../db/runs/runs.ts';
import { shownSource } from '../../db/runs/source.ts';
import type { IncidentRow } from '../../db/schema/alerts.ts';
import type { SyncFailureRow, SyncLogRow } from '../../db/schema/sync.ts';
import { NO_LINES_MODEL } from '../../odoo/fields.ts';
import { connectedWorkers, type Queues } from '../../queues/queues.ts';
import { withStores } from '../connections.ts';
import {
  type CommandContext,
  EXIT,
  type ExitCode,
  type Line,
  oneLine,
  type Piece,
  print,
  QUIET,
  styled,
} from '../io.ts';
import { failureLines } from '../lines/failures.ts';
import { outcomesText, statusPiece } from '../lines/runs.ts';
import { ALL_MIRRORS, MIRROR_FLAG, mirrorsNamed } from '../mirrors.ts';
import { labelled } from '../orders.ts';
import { count, indented, relative, span, type Words, wordsOf } from '../text.ts';

/** The readable status also needs the clock of PostgreSQL, and the numbers of the failed orders. */
interface Context {
  readonly now: Date;
  readonly words: Words;
  readonly failures: Awaited<ReturnType<typeof labelled<SyncFailureRow>>>;
}

function statusLines(overview: Overview, { now, words, failures }: Context): Line[] {
  const { source, lease, currentRun, lastSync, ageSeconds, lastRuns, openFailures, openIncidents, queues } =
    overview;
  const more = openFailures.count - failures.length;
  return [
    ...(source === null ? [] : [`Source     ${sourceText(source)}`]),
    `State      ${stateText(lease, now)}`,
    ...(currentRun === null ? [] : [`Progress   ${progressText(currentRun, words)}`]),
    `Last sync  ${lastSync === null ? 'never' : ageText(ageSeconds ?? 0)}`,
    ['Workers    ', workersPiece(overview.workers)],
    `Last runs  ${lastRuns.length === 0 ? 'none' : ''}`.trimEnd(),
    ...runLines(lastRuns, now),
    ['Failures   ', openPiece(openFailures.count)],
    ...failureLines(failures, now, words, '  '),
    ...(more > 0 ? [`  and ${count(more)} more: "passerelle failures${words.flag}" lists them`] : []),
    ['Incidents  ', openPiece(openIncidents.length)],
    ...openIncidents.map((incident) => `  ${incidentText(incident, lastRuns, now)}`),
    'Queues',
    ...Object.entries(queues).map(([name, { waiting, active, delayed, failed }]) => {
      return `  ${name.padEnd(6)} ${waiting} waiting, ${active} active, ${delayed} delayed, ${failed} failed`;
    }),
  ];
}

function sourceText({ model, lineModel, database, unfinishedRun }: NonNullable<Overview['source']>): string {
  const lines = lineModel === NO_LINES_MODEL ? '' : ` with ${lineModel}`;
  const place = `${model}${lines}, database ${database}`;
  return unfinishedRun === null ? place : `${place}; run ${unfinishedRun} did not finish the move to it`;
}

function stateText(lease: Overview['lease'], now: Date): string {
  if (lease === null) return 'idle';
  const expires = lease.expiresAt === null ? '' : relative(lease.expiresAt, now);
  return lease.held
    ? `run ${lease.runId} is in progress; its lease expires ${expires}`
    : `run ${lease.runId} was left unfinished (its lease expired ${expires}); the next run resumes it`;
}

function progressText(
  { plannedAt, planned, progress: { open = 0, failed = 0 } }: CurrentRun,
  words: Words,
): string {
  if (plannedAt === null) return 'planning: the ids are not listed yet';
  const done = `${count(planned - open)} of ${words.amount(planned)} done`;
  return failed === 0 ? done : `${done}, ${count(failed)} failed`;
}

/** The clocks of two servers differ by some seconds. */
const TOLERATED_SECONDS = 10;

function ageText(seconds: number): string {
  if (seconds < -TOLERATED_SECONDS)
    return `${span(-seconds * 1000)} in the future: the clock of Odoo is ahead of PostgreSQL`;
  return seconds < 1 ? 'just now' : `${span(seconds * 1000)} ago`;
}

function workersPiece(workers: number): Piece {
  return workers === 0 ? styled('red', NO_WORKER) : `${workers} connected`;
}

function openPiece(open: number): Piece {
  return open === 0 ? 'none open' : styled('red', `${count(open)} open`);
}

/** A reason that several runs share is printed for the newest only. */
function runLines(runs: readonly SyncLogRow[], now: Date): Line[] {
  return runs.map((run, at) => {
    const { id, mode, trigger, requestedAt, errorCode, errorMessage } = run;
    const title = `  ${id} ${mode}, ${trigger}, ${relative(requestedAt, now)}: `;
    if (errorMessage === null) {
      const outcomes = outcomesText(run);
      return [title, statusPiece(run), outcomes === '' ? '' : `, ${outcomes}`];
    }
    const same = runs.slice(0, at).find((newer) => newer.errorMessage === errorMessage);
    const reason = same === undefined ? oneLine(errorMessage) : `as run ${same.id}`;
    return [title, statusPiece(run), `. ${errorCode}: ${reason}`];
  });
}

/** The reason of an incident is often that of a run or failure above: it is not printed again. */
function incidentText(
  { kind, runId, openedAt, message }: IncidentRow,
  runs: readonly SyncLogRow[],
  now: Date,
): string {
  const title = `${kind}, since ${span(Math.max(0, now.getTime() - openedAt.getTime()))}`;
  if (kind === 'run_partial') return `${title}: see Failures`;
  const isAbove = runs.some(({ id, errorMessage }) => id === runId && errorMessage !== null);
  return isAbove ? `${title}: see run ${runId}` : `${title}: ${oneLine(message)}`;
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
      'Show the state of each mirror: how far its run is, workers, last runs, open failures and incidents, queues.',
    )
    .option(MIRROR_FLAG, ALL_MIRRORS)
    .option('--json', 'print one JSON object')
    .addHelpText('after', HELP)
    .action(async (options: StatusOptions) => exit(await status(context, options)));
}

interface StatusOptions {
  readonly mirror?: string;
  readonly json?: boolean;
}

const HELP = `
Exit codes: 0 shown, whatever the state is and also if no worker is connected, 1 PostgreSQL or Redis cannot be used, 2 bad usage or configuration

Examples:
  $ passerelle status
  $ passerelle status --json | jq -e '.workers > 0'    # fails if no worker is connected
  $ passerelle status --json | jq .openFailures.count
  $ passerelle status --mirror partners
  $ passerelle status --json | jq '.mirrors[] | select(.openFailures.count > 0)'    # with several mirrors`;

async function status({ io, env }: CommandContext, { mirror, json }: StatusOptions): Promise<ExitCode> {
  const config = readConfig(env, QUIET);
  const chosen = mirrorsNamed(config.mirrors, mirror);
  const { shown, others } = await withStores(io, config, async ({ db, queuesOf }) => {
    const now = await databaseClock(db);
    const incidents = await openIncidents(db, INCIDENTS_SHOWN * config.mirrors.length);
    const keys = config.mirrors.map(({ name }) => keyOf(name));
    // With one mirror, its block is the only one that can have the incidents of Tryton.
    const isAlone = config.mirrors.length === 1;
    const shown: { readonly name: string; readonly found: Overview; readonly context: Context }[] = [];
    for (const own of chosen) {
      const key = keyOf(own.name);
      const open = incidents.filter(({ subject }) => isAlone || subject === key).slice(0, INCIDENTS_SHOWN);
      const found = await overview(db, key, queuesOf(own.name), open);
      const { first } = found.openFailures;
      // The tables are missing before the first start of a mirror; it has no failures then.
      const failures = first.length === 0 ? [] : await labelled({ ...tablesFor(own), db }, first);
      shown.push({ name: own.name, found, context: { now, words: wordsOf(own.name), failures } });
    }
    return { shown, others: { now, open: incidents.filter(({ subject }) => !keys.includes(subject)) } };
  });
  const [only] = shown;
  if (only !== undefined && shown.length === 1) {
    print(io, json, only.found, statusLines(only.found, only.context));
    return EXIT.success;
  }
  const mirrors = shown.map(({ name, found }) => ({ name, ...found }));
  print(io, json, { mirrors, otherIncidents: others.open }, [
    ...shown.flatMap(({ name, found, context }) => [
      [styled('bold', name)],
      ...statusLines(found, context).map((line) => indented(line)),
    ]),
    ...(others.open.length === 0 ? [] : [[styled('bold', 'Other incidents')]]),
    ...others.open.map((incident) => `  ${incidentText(incident, [], others.now)}`),
  ]);
  return EXIT.success;
}

type Overview = Awaited<ReturnType<typeof overview>>;

async function overview(db: Database, key: string, queues: Queues, incidents: readonly IncidentRow[]) {
  const state = await readState(db, key);
  return {
    key,
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
    lastRuns: await listRuns(db, { limit: RUNS_SHOWN, key }),
    openFailures: {
      count: await countOpenFailures(db, key),
      first: await listFailures(db, key, { limit: FAILURES_SHOWN, after: 0 }),
    },
    openIncidents: incidents,
    workers: await connectedWorkers(queues),
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
