import { type Command, InvalidArgumentError } from 'commander';
import { readMirrorConfig } from '../../config/index.ts';
import { runChanges, runFailures, runOutcomes } from '../../db/runs/run-progress.ts';
import type { DocumentChanges, FieldChange } from '../../db/schema/audit.ts';
import type { SyncLogRow } from '../../db/schema/sync.ts';
import type { SyncContext } from '../../sync/context.ts';
import { withMirror } from '../connections.ts';
import { requestAndFollow } from '../follow-run.ts';
import { type CommandContext, type ExitCode, oneLine, print, QUIET } from '../io.ts';
import { exitCodeOf, explain } from './sync.ts';

/** Longer values are cut. */
const MAX_VALUE = 60;

/** The fields of an added or removed line that are shown, if it has them. */
const FIELDS_OF_A_LINE = 4;

/** A change as lines of text: `field: old → new`, `+ line`, `- line`, `~ line`. */
function changeLines(changes: DocumentChanges): string[] {
  const { header = {}, linesAdded = [], linesRemoved = [], linesChanged = {} } = changes;
  return [
    ...fieldLines(header),
    ...linesAdded.map((line) => `+ ${lineText(line)}`),
    ...linesRemoved.map((line) => `- ${lineText(line)}`),
    ...Object.entries(linesChanged).flatMap(([id, fields]) => [
      `~ line ${id}`,
      ...fieldLines(fields).map((line) => `    ${line}`),
    ]),
  ];
}

function fieldLines(fields: Readonly<Record<string, FieldChange>>): string[] {
  return Object.entries(fields).map(
    ([name, change]) => `${name}: ${short(change.old)} → ${short(change.new)}`,
  );
}

function lineText(line: unknown): string {
  const { id, moved, ...fields } = Object(line) as Record<string, unknown>;
  if (moved === true) return `line ${id}, which belongs to another BC now`;
  const shown = Object.entries(fields)
    .filter(([, value]) => typeof value === 'string' || typeof value === 'number')
    .slice(0, FIELDS_OF_A_LINE)
    .map(([name, value]) => `${name} ${short(value)}`);
  return [`line ${id}`, ...shown].join(', ');
}

function short(value: unknown): string {
  const text = JSON.stringify(value) ?? 'null';
  return text.length <= MAX_VALUE ? text : `${text.slice(0, MAX_VALUE - 1)}…`;
}

export function addResync(program: Command, context: CommandContext, exit: (code: ExitCode) => void): void {
  program
    .command('resync')
    .summary('fetch some BCs now and show what changed')
    .description('Fetch these BCs now, whatever else is running, and show what changed in the mirror.')
    .argument('<odooId...>', 'ids of BCs in Odoo', parseId)
    .option('--json', 'print one JSON object')
    .addHelpText('after', HELP)
    .action(async (odooIds: number[], options: { readonly json?: boolean }) =>
      exit(await resync(context, odooIds, options.json === true)),
    );
}

const HELP = `
Exit codes: 0 success, 1 one of them failed, 2 bad usage or configuration

Examples:
  $ passerelle resync 4711
  $ passerelle resync 4711 4712 4713 --json`;

/** Commander passes the earlier values, because the argument may be repeated. */
function parseId(text: string, before: number[] = []): number[] {
  const id = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(id) || id < 1) {
    throw new InvalidArgumentError('Expected the id of a BC in Odoo, a whole number such as 4711.');
  }
  return [...before, id];
}

async function resync(
  { io, env }: CommandContext,
  odooIds: readonly number[],
  json: boolean,
): Promise<ExitCode> {
  return withMirror(readMirrorConfig(env, QUIET), async (open) => {
    const run = await requestAndFollow(open, io, { mode: 'single', odooIds: [...new Set(odooIds)] });
    const documents = await report(open.mirror, run);
    print(
      io,
      json,
      { runId: run.id, status: run.status, documents, ...errorOf(run) },
      documents.flatMap(documentLines),
    );
    if (run.status !== 'partial') await explain(open.mirror, io, run);
    return exitCodeOf(run);
  });
}

function errorOf({ errorCode: code, errorMessage: message }: SyncLogRow) {
  return code === null ? {} : { error: { code, message } };
}

type DocumentReport = Awaited<ReturnType<typeof report>>[number];

/** The outcome of each requested BC, and of those that lost a line to one of them. */
async function report({ db }: SyncContext, run: SyncLogRow) {
  const outcomes = await runOutcomes(db, run.id);
  const changes = await runChanges(db, run.id);
  const failures = await runFailures(db, run.id, outcomes.length);
  const asked = new Map<number, string>(outcomes.map(({ odooId, state }) => [odooId, state]));
  const touched = new Set([...asked.keys(), ...changes.map(({ odooId }) => odooId)]);
  return [...touched].map((odooId) => {
    const failure = failures.find((open) => open.odooId === odooId);
    return {
      odooId,
      outcome: asked.get(odooId) ?? 'updated',
      changes: changes.filter((change) => change.odooId === odooId).map((change) => change.changes),
      ...(failure === undefined ? {} : { error: { code: failure.code, message: failure.message } }),
    };
  });
}

function documentLines({ odooId, outcome, changes, error }: DocumentReport): string[] {
  const why =
    outcome === 'gone' || outcome === 'archived'
      ? ' (Odoo has no such BC)'
      : error === undefined
        ? ''
        : `: ${oneLine(error.message)}`;
  return [`BC ${odooId}: ${outcome}${why}`, ...changes.flatMap(changeLines).map((line) => `  ${line}`)];
}
