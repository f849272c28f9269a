import { Argument, type Command, InvalidArgumentError, Option } from 'commander';
import { type Database, databaseClock } from '../../db/client.ts';
import { findOpenFailures } from '../../db/runs/failures.ts';
import { progress } from '../../db/runs/ledger.ts';
import { failedItems } from '../../db/runs/run-progress.ts';
import { findRun, listRuns } from '../../db/runs/runs.ts';
import { RUN_MODES, type RunMode, type SyncLogRow } from '../../db/schema/sync.ts';
import { storedMirrors, withDatabase } from '../connections.ts';
import { UnknownRunError } from '../errors.ts';
import { isOver } from '../follow-run.ts';
import {
  type CommandContext,
  EXIT,
  type ExitCode,
  type Line,
  oneLine,
  type Piece,
  print,
  styled,
} from '../io.ts';
import { failureLines } from '../lines/failures.ts';
import { durationText, outcomesText, statusPiece } from '../lines/runs.ts';
import { ALL_MIRRORS, MIRROR_FLAG, mirrorNamed } from '../mirrors.ts';
import { labelled, orderText } from '../orders.ts';
import { columns, count, relative, shorten, table, type Words, wordsOf } from '../text.ts';
import { parseLimit } from './orders/failures.ts';

const DEFAULT_LIMIT = 20;
/** A longer reason is cut in the list. One run shows it whole. */
const MAX_REASON = 80;
/** Failed orders of one run that are listed. */
const MAX_FAILED = 50;

interface ListOptions {
  readonly limit: number;
  readonly mode?: RunMode;
  readonly failed?: boolean;
  readonly mirror?: string;
  readonly json?: boolean;
}

export function addRuns(program: Command, context: CommandContext, exit: (code: ExitCode) => void): void {
  program
    .command('runs')
    .summary('list the last runs, or show one')
    .description(
      'List the last runs, newest first. With an id: show this run and the orders that failed in it. Needs DATABASE_URL only.',
    )
    .addArgument(new Argument('[id]', 'id of a run').argParser(parseRunId))
    .option('--limit <number>', 'runs to list', parseLimit, DEFAULT_LIMIT)
    .addOption(new Option('--mode <mode>', 'only runs of this mode').choices(RUN_MODES))
    .option('--failed', 'only runs that failed, or that could not store every order (partial)')
    .option(MIRROR_FLAG, ALL_MIRRORS)
    .option('--json', 'print one JSON object')
    .addHelpText('after', HELP)
    .action(async (id: number | undefined, options: ListOptions) =>
      exit(await (id === undefined ? list(context, options) : show(context, id, options))),
    );
}

const HELP = `
Exit codes: 0 shown, 1 there is no such run or PostgreSQL cannot be used, 2 bad usage or configuration

Examples:
  $ passerelle runs
  $ passerelle runs --failed --limit 5
  $ passerelle runs --mode full --json
  $ passerelle runs 312`;

function parseRunId(text: string): number {
  const id = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(id))
    throw new InvalidArgumentError('Expected the id of a run, a whole number such as 312.');
  return id;
}

async function list(
  { io, env }: CommandContext,
  { limit, mode, failed, mirror, json }: ListOptions,
): Promise<ExitCode> {
  const { runs, mirrors, now } = await withDatabase(env, async (db) => {
    const mirrors = await storedMirrors(db);
    const runs = await listRuns(db, {
      limit,
      ...(mode === undefined ? {} : { mode }),
      ...(failed === true && { statuses: ['failed', 'partial'] as const }),
      ...(mirror === undefined ? {} : { key: mirrorNamed(mirrors, mirror).key }),
    });
    return { now: await databaseClock(db), mirrors, runs };
  });
  const nameOf = (run: SyncLogRow) => mirrors.find(({ key }) => key === run.key)?.name ?? run.key;
  const isNamed = mirror === undefined && mirrors.length > 1;
  const answer = isNamed ? runs.map((run) => ({ ...run, mirror: nameOf(run) })) : runs;
  print(io, json, { runs: answer }, runs.length === 0 ? ['No run.'] : lines());
  return EXIT.success;

  function lines(): Line[] {
    if (!isNamed)
      return table(
        ['ID', ...HEADINGS],
        runs.map((run) => [String(run.id), ...row(run, now)]),
      );
    const rows = runs.map((run) => [String(run.id), nameOf(run), ...row(run, now)]);
    return table(['ID', 'MIRROR', ...HEADINGS], rows);
  }
}

const HEADINGS = ['MODE', 'TRIGGER', 'REQUESTED', 'DURATION', 'STATUS', 'RESULT'];

function row(run: SyncLogRow, now: Date): Piece[] {
  const { mode, trigger, requestedAt, errorMessage } = run;
  const result = errorMessage === null ? outcomesText(run) : shorten(oneLine(errorMessage), MAX_REASON);
  return [mode, trigger, relative(requestedAt, now), durationText(run), statusPiece(run), result];
}

async function show(
  { io, env }: CommandContext,
  id: number,
  { mirror, json }: Pick<ListOptions, 'mirror' | 'json'>,
): Promise<ExitCode> {
  const { now, name, ...found } = await withDatabase(env, (db) => readRun(db, id, mirror));
  print(io, json, found, runLines(found, now, wordsOf(name)));
  return EXIT.success;
}

async function readRun(db: Database, id: number, mirror: string | undefined) {
  const mirrors = await storedMirrors(db);
  const run = await findRun(db, id);
  const stored = mirrors.find(({ key }) => key === run?.key);
  if (run === null || stored === undefined) throw new UnknownRunError(id);
  if (mirror !== undefined && mirrorNamed(mirrors, mirror).key !== run.key) throw new UnknownRunError(id);
  const ids = await failedItems(db, id, MAX_FAILED);
  const open = await findOpenFailures(db, run.key, ids);
  /** `failure` is null if a later run has stored the order. */
  const failed = ids.map((odooId) => ({ odooId, failure: open.get(odooId) ?? null }));
  return {
    now: await databaseClock(db),
    name: stored.name,
    ...run,
    progress: await progress(db, id),
    failedOrders: await labelled(stored, failed),
  };
}

type ShownRun = Omit<Awaited<ReturnType<typeof readRun>>, 'now' | 'name'>;

function runLines({ progress: items, failedOrders, ...run }: ShownRun, now: Date, words: Words): Line[] {
  const { open = 0 } = items;
  const done = isOver(run)
    ? outcomesText(run) || 'nothing to do'
    : `${count(run.planned - open)} of ${words.amount(run.planned)} done`;
  const facts: Piece[][] = [
    [`Run ${run.id}`, statusPiece(run)],
    ['Mode', run.mode],
    ['Trigger', run.trigger],
    ['Requested', relative(run.requestedAt, now)],
    ['Duration', durationText(run)],
    ['Odoo', [run.odooVersion, run.protocol].filter((part) => part !== null).join(', ')],
    [words.document === 'BC' ? 'BCs' : 'Records', done],
    ['Lines', `${count(run.linesSeen)} read, ${count(run.linesRemoved)} removed`],
    ['Calls', `${count(run.rpcCalls)} to Odoo`],
    ['Continues', run.continues === null ? '' : `run ${run.continues}`],
    ['Reason', run.errorMessage === null ? '' : `${run.errorCode}: ${oneLine(run.errorMessage)}`],
  ];
  const shown = facts.filter(([, value]) => value !== '');
  return [...columns(shown), ...failedLines(run, failedOrders, { now, words })];
}

function failedLines(
  { failed }: SyncLogRow,
  orders: ShownRun['failedOrders'],
  { now, words }: { readonly now: Date; readonly words: Words },
): Line[] {
  if (orders.length === 0) return [];
  const open = orders.flatMap(({ failure, number, supplier }) =>
    failure === null ? [] : [{ ...failure, number, supplier }],
  );
  const stored = orders.filter(({ failure }) => failure === null);
  const more = failed - orders.length;
  return [
    ...(open.length === 0
      ? []
      : [styled('bold', 'Failed, and still open'), ...failureLines(open, now, words, '  ')]),
    ...(stored.length === 0 ? [] : [styled('bold', 'Failed, and stored since')]),
    ...stored.map((order) => `  ${orderText(order.odooId, order, words)}`),
    ...(more > 0 ? [`And ${count(more)} more.`] : []),
  ];
}
