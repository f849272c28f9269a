import type { Command } from 'commander';
import { readMirrorConfig } from '../../../config/index.ts';
import { erasedAmong } from '../../../db/documents/erased-records.ts';
import { runChanges, runFailures, runOutcomes } from '../../../db/runs/run-progress.ts';
import type { SyncLogRow } from '../../../db/schema/sync.ts';
import type { SyncContext } from '../../../sync/context.ts';
import { type OpenMirror, withMirror } from '../../connections.ts';
import { requestAndFollow } from '../../follow-run.ts';
import {
  type CommandContext,
  type ExitCode,
  type Io,
  type Line,
  oneLine,
  print,
  QUIET,
  styled,
} from '../../io.ts';
import { changeLines } from '../../lines/changes.ts';
import { MIRROR_FLAG, ONE_MIRROR } from '../../mirrors.ts';
import { ORDER_ARGUMENT, orderIds } from '../../orders.ts';
import { type Words, wordsOf } from '../../text.ts';
import { exitCodeOf, explain } from '../sync.ts';

export function addResync(program: Command, context: CommandContext, exit: (code: ExitCode) => void): void {
  program
    .command('resync')
    .summary('read some orders again and show what changed')
    .description(
      'Read these orders from Odoo now, whatever else is running, and show what changed in the mirror.',
    )
    .argument('<order...>', ORDER_ARGUMENT)
    .option(MIRROR_FLAG, ONE_MIRROR)
    .option('--json', 'print one JSON object')
    .addHelpText('after', HELP)
    .action(async (orders: string[], options: ResyncOptions) => exit(await resync(context, orders, options)));
}

interface ResyncOptions {
  readonly mirror?: string;
  readonly json?: boolean;
}

const HELP = `
Exit codes: 0 success, 1 one of them failed or there is no such order, 2 bad usage or configuration, or several orders have the number

Examples:
  $ passerelle resync 4711
  $ passerelle resync BC/2023/00002 BC/2023/00003 --json
  $ passerelle resync --mirror partners 7`;

async function resync(
  { io, env }: CommandContext,
  orders: readonly string[],
  { mirror, json = false }: ResyncOptions,
): Promise<ExitCode> {
  const work = async (open: OpenMirror) => {
    const odooIds = await orderIds(open.mirror, orders, wordsOf(open.mirror.definition.name));
    return readOrders(open, io, { odooIds, json });
  };
  return withMirror(io, readMirrorConfig(env, QUIET), work, mirror);
}

interface Wanted {
  readonly odooIds: readonly number[];
  readonly trigger?: 'retry';
  readonly json: boolean;
}

/** Reads these orders in one run, and prints the outcome of each. */
export async function readOrders(
  open: OpenMirror,
  io: Io,
  { odooIds, trigger, json }: Wanted,
): Promise<ExitCode> {
  const wanted = { mode: 'single', odooIds, ...(trigger && { trigger }) } as const;
  const run = await requestAndFollow(open, io, wanted);
  const words = wordsOf(open.mirror.definition.name);
  const documents = await report(open.mirror, run);
  const answer = { runId: run.id, status: run.status, documents, ...errorOf(run) };
  print(
    io,
    json,
    answer,
    documents.flatMap((document) => documentLines(document, words)),
  );
  if (run.status !== 'partial') await explain(open.mirror, io, run);
  return exitCodeOf(run);
}

function errorOf({ errorCode: code, errorMessage: message }: SyncLogRow) {
  return code === null ? {} : { error: { code, message } };
}

type DocumentReport = Awaited<ReturnType<typeof report>>[number];

/** The outcome of each requested BC, and of those that lost a line to one of them. */
async function report(mirror: SyncContext, run: SyncLogRow) {
  const { db } = mirror;
  const outcomes = await runOutcomes(db, run.id);
  const erased = await erasedAmong(
    db,
    mirror.definition.model,
    outcomes.map(({ odooId }) => odooId),
  );
  const changes = await runChanges(mirror, run.id);
  const failures = await runFailures(db, run.id, outcomes.length);
  const asked = new Map<number, string>(outcomes.map(({ odooId, state }) => [odooId, state]));
  const touched = new Set([...asked.keys(), ...changes.map(({ odooId }) => odooId)]);
  return [...touched].map((odooId) => {
    const failure = failures.find((open) => open.odooId === odooId);
    return {
      odooId,
      outcome: erased.has(odooId) ? 'erased' : (asked.get(odooId) ?? 'updated'),
      changes: changes.filter((change) => change.odooId === odooId).map((change) => change.changes),
      ...(failure === undefined ? {} : { error: { code: failure.code, message: failure.message } }),
    };
  });
}

function documentLines({ odooId, outcome, changes, error }: DocumentReport, words: Words): Line[] {
  const why =
    outcome === 'erased'
      ? ' on request, so it is not read. "passerelle erase --lift" undoes that'
      : outcome === 'gone' || outcome === 'archived'
        ? ` (Odoo has no such ${words.document})`
        : error === undefined
          ? ''
          : `: ${oneLine(error.message)}`;
  const shown = outcome === 'failed' ? styled('red', outcome) : outcome;
  return [
    [`${words.title} ${odooId}: `, shown, why],
    ...changes.flatMap((change) => changeLines(change, words)).map((line) => `  ${line}`),
  ];
}
