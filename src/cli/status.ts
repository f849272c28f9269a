import type { Command } from 'commander';
import { readConfig } from '../config.ts';
import type { Database } from '../db/connection.ts';
import { readCurrentRun } from '../db/current-run.ts';
import { countOpenFailures, listFailures } from '../db/failures.ts';
import { openIncidents } from '../db/incidents.ts';
import { readState } from '../db/lease.ts';
import { listRuns } from '../db/runs.ts';
import type { Queues } from '../queues/queues.ts';
import { BC_KEY } from '../sync/document.ts';
import type { ExitCode } from './exit.ts';
import { EXIT } from './exit.ts';
import type { CommandContext } from './io.ts';
import { printJson, printLines, QUIET } from './io.ts';
import { withStores } from './open.ts';
import { statusLines } from './status-text.ts';

const RUNS_SHOWN = 5;
const FAILURES_SHOWN = 10;
/** One of each kind is all there can be, but for former users of Tryton. */
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
  if (options.json === true) printJson(io, found);
  else printLines(io, statusLines(found));
  return EXIT.success;
}

export type Overview = Awaited<ReturnType<typeof overview>>;

async function overview(db: Database, queues: Queues) {
  const state = await readState(db, BC_KEY);
  return {
    key: BC_KEY,
    isSyncing: state?.held === true,
    lastSync: state?.lastSync ?? null,
    /** Null while nobody has it; `held` is false once it ran out, and its run is then resumed. */
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
    /** Its own counts are written when it ends: `progress` tells how far it is. */
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
