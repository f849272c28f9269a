import { type Command, Option } from 'commander';
import { NO_WORKER } from '../../checks/index.ts';
import { readMirrorConfig } from '../../config/index.ts';
import { countOpenFailures } from '../../db/runs/failures.ts';
import { runFailures } from '../../db/runs/run-progress.ts';
import type { RunMode, SyncLogRow } from '../../db/schema/sync.ts';
import { connectedWorkers } from '../../queues/queues.ts';
import type { SyncContext } from '../../sync/context.ts';
import { type OpenMirror, withMirror } from '../connections.ts';
import { isOver, request, requestAndFollow } from '../follow-run.ts';
import {
  type CommandContext,
  EXIT,
  type ExitCode,
  type Io,
  oneLine,
  print,
  printJson,
  printLines,
  QUIET,
} from '../io.ts';
import { MIRROR_FLAG, ONE_MIRROR } from '../mirrors.ts';
import { count, type Words, wordsOf } from '../text.ts';

interface SyncOptions {
  readonly full?: boolean;
  readonly sweep?: boolean;
  readonly force?: boolean;
  readonly newSource?: boolean;
  readonly detach?: boolean;
  readonly mirror?: string;
  readonly json?: boolean;
}

/** Failures named after a run; the rest are only counted. */
const FAILURES_SHOWN = 5;

export function addSync(program: Command, context: CommandContext, exit: (code: ExitCode) => void): void {
  program
    .command('sync')
    .summary('run a sync to its end')
    .description(
      'Run a sync to its end: the changes in Odoo since the last one or, with --full, everything. With --sweep, every id ' +
        'and write_date is compared: missed changes are read, and deleted BCs are archived. The command uses the ' +
        'running workers. If no worker is connected, it does the work itself.',
    )
    .option('--full', 'read every BC, not only what changed')
    .addOption(
      new Option('--sweep', 'compare every id and write_date, archive deleted BCs').conflicts('full'),
    )
    .option('--force', 'let a sweep archive however many BCs are gone')
    .addOption(
      new Option(
        '--new-source',
        'accept another database or model: read all of it, archive every other BC',
      ).conflicts('full'),
    )
    .option(MIRROR_FLAG, ONE_MIRROR)
    .option('--detach', 'only queue the run and print its id')
    .option('--json', 'print one JSON object')
    .addHelpText('after', HELP)
    .action(async (options: SyncOptions, command: Command) => {
      if (options.force === true && modeOf(options) !== 'sweep')
        command.error('error: --force goes with --sweep');
      exit(await sync(context, options));
    });
}

const HELP = `
Exit codes: 0 success, 1 partial or failed, 2 bad usage or configuration, 3 skipped because a run is in progress

Examples:
  $ passerelle sync
  $ passerelle sync --full
  $ passerelle sync --sweep
  $ passerelle sync --new-source
  $ passerelle sync --mirror partners
  $ passerelle sync --json | jq .status
  $ passerelle sync --detach && passerelle status`;

async function sync({ io, env }: CommandContext, options: SyncOptions): Promise<ExitCode> {
  const wanted = {
    mode: modeOf(options),
    ...(options.force === true && { force: true }),
    ...(options.newSource === true && { newSource: true }),
  };
  const work = async (open: OpenMirror) => {
    if (options.detach === true) {
      const runId = await request(open.mirror, wanted);
      print(io, options.json, { runId, mode: wanted.mode, status: 'queued' }, [`Run ${runId} is queued.`]);
      if ((await connectedWorkers(open.mirror.queues)) === 0) io.stderr.write(`${NO_WORKER}\n`);
      return EXIT.success;
    }
    const run = await requestAndFollow(open, io, wanted);
    const words = wordsOf(open.mirror.definition.name);
    if (options.json === true) printJson(io, account(run));
    else if (run.status === 'success' || run.status === 'partial') printLines(io, summary(run, words));
    await explain(open.mirror, io, run);
    return exitCodeOf(run);
  };
  return withMirror(io, readMirrorConfig(env, QUIET), work, options.mirror);
}

function modeOf({ full, sweep, newSource }: SyncOptions): RunMode {
  if (sweep === true || newSource === true) return 'sweep';
  return full === true ? 'full' : 'incremental';
}

export function exitCodeOf(run: SyncLogRow): ExitCode {
  if (!isOver(run)) return EXIT.interrupted;
  if (run.status === 'skipped') return EXIT.skipped;
  return run.status === 'success' ? EXIT.success : EXIT.failure;
}

/** A run as `--json` shows it: the names are part of the contract. */
export function account(run: SyncLogRow) {
  const { id: runId, mode, status, seen, created, updated, unchanged, archived, gone, failed } = run;
  const { late, reread, continues } = run;
  const { linesSeen, linesRemoved, durationMs, rpcCalls, errorCode: code, errorMessage: message } = run;
  return {
    ...{ runId, mode, status, seen, created, updated, unchanged, archived, gone, failed, late, reread },
    ...{ linesSeen, linesRemoved, durationMs, rpcCalls },
    ...(continues === null ? {} : { continues }),
    ...(code === null ? {} : { error: { code, message } }),
  };
}

export function summary(run: SyncLogRow, words: Words): string[] {
  const seconds = ((run.durationMs ?? 0) / 1000).toFixed(1);
  const carriesOn = run.continues === null ? '' : `, carries on run ${run.continues}`;
  const outcomes = (['created', 'updated', 'unchanged', 'archived', 'gone', 'failed'] as const)
    .filter((name) => run[name] > 0)
    .map((name) => `${count(run[name])} ${name}`);
  return [
    `Run ${run.id} (${run.mode}${carriesOn}): ${run.status} in ${seconds} s, ${count(run.rpcCalls)} calls to Odoo`,
    `  ${words.amount(run.seen)}: ${outcomes.join(', ') || 'nothing to do'}`,
    `  ${count(run.linesSeen)} lines, ${count(run.linesRemoved)} removed`,
    ...(run.mode === 'sweep' ? [`  Late changes caught: ${count(run.late)}`] : []),
    ...(run.reread > 0 ? [`  Read without a new date: ${words.amount(run.reread)}`] : []),
  ];
}

/** Explains on standard error why a run did not succeed. */
export async function explain({ db, definition }: SyncContext, io: Io, run: SyncLogRow): Promise<void> {
  const words = wordsOf(definition.name);
  const write = (text: string) => io.stderr.write(`${oneLine(text)}\n`);
  if (!isOver(run)) {
    write(`Run ${run.id} is not over. Running workers continue it; without a worker, the next sync does.`);
  } else if (run.status === 'skipped') write(`Run ${run.id} was skipped. ${run.errorMessage}`);
  else if (run.status === 'failed') write(`Run ${run.id} failed. ${run.errorMessage}`);
  else if (run.errorMessage !== null) write(`Run ${run.id} is partial. ${run.errorMessage}`);
  if (run.status === 'partial' && run.failed > 0) {
    for (const { odooId, message } of await runFailures(db, run.id, FAILURES_SHOWN)) {
      write(`${words.title} ${odooId} failed. ${message}`);
    }
    write(
      `Open failures: ${await countOpenFailures(db, definition.key)}. Later runs retry them; "passerelle failures${words.flag}" lists them.`,
    );
  }
}
