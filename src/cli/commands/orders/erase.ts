import type { Command } from 'commander';
import { type Config, readConfig } from '../../../config/index.ts';
import type { Database } from '../../../db/client.ts';
import {
  countRecordRows,
  erasedAmong,
  liftErasure,
  type RecordRows,
} from '../../../db/documents/erased-records.ts';
import { listMirrors, registerMirror, tablesOf } from '../../../db/documents/mirrors.ts';
import type { MirrorRow } from '../../../db/schema/mirrors.ts';
import type { Queues } from '../../../queues/queues.ts';
import {
  countLabels,
  type ErasedDocument,
  eraseDocument,
  type LabelCount,
} from '../../../sync/privacy/erase.ts';
import { withStores } from '../../connections.ts';
import { BadArgumentError } from '../../errors.ts';
import { type CommandContext, EXIT, type ExitCode, type Line, print, QUIET } from '../../io.ts';
import { mirrorNamed } from '../../mirrors.ts';
import { readId } from '../../orders.ts';
import { createProgress, whileBusy } from '../../progress.ts';
import { counted } from '../../text.ts';

export function addErase(program: Command, context: CommandContext, exit: (code: ExitCode) => void): void {
  program
    .command('erase')
    .summary('remove a record, and never read it again')
    .description(
      'Remove a record from a mirror: its content, lines, audit trail, failures and jobs, and its label in all mirrors. A ' +
        'tombstone keeps runs from reading it again. Without --yes, the command only counts.',
    )
    .argument('<mirror>', 'name of the mirror')
    .argument('<id>', 'id of the record in Odoo')
    .option('--yes', 'erase it')
    .option('--lift', 'remove the tombstone, so that runs read the record again')
    .option('--json', 'print one JSON object')
    .addHelpText('after', HELP)
    .action(async (mirror: string, id: string, options: EraseOptions) =>
      exit(await erase(context, mirror, id, options)),
    );
}

const HELP = `
The record stays in Odoo. Delete it there, or make it anonymous. Backups, dumps and log files made earlier still contain it.
The command waits for runs in progress, because they may have read the record before.

Exit codes: 0 done, or shown without --yes, 1 PostgreSQL or Redis cannot be used, 2 bad usage or configuration, or there is no such mirror, 130 stopped by Ctrl-C: repeat the command

Examples:
  $ passerelle erase partners 7
  $ passerelle erase partners 7 --yes
  $ passerelle erase partners 7 --lift`;

interface EraseOptions {
  readonly yes?: boolean;
  readonly lift?: boolean;
  readonly json?: boolean;
}

async function erase(
  { io, env }: CommandContext,
  name: string,
  id: string,
  { yes = false, lift = false, json }: EraseOptions,
): Promise<ExitCode> {
  if (yes && lift)
    throw new BadArgumentError('--yes erases the record and --lift undoes it. Use one of them.');
  const odooId = readId(id);
  const config = readConfig(env, QUIET);
  return withStores(io, config, async ({ db, queuesOf }) => {
    const target = { mirror: await knownMirror(db, config, name), odooId };
    if (lift) {
      const lifted = await liftErasure(db, target.mirror.model, odooId);
      print(io, json, { mirror: name, odooId, lifted }, [liftedText(target, lifted)]);
      return EXIT.success;
    }
    if (!yes) {
      const found = await whileBusy(io, 'Counting', countAll(db, target));
      print(io, json, { mirror: name, odooId, erased: false, ...found }, previewLines(target, found));
      return EXIT.success;
    }
    const stop = new AbortController();
    const forget = io.onInterrupt(() => stop.abort());
    const progress = createProgress(io);
    const done = await eraseDocument({ db, queuesOf: onceEach(queuesOf) }, target, {
      signal: stop.signal,
      onWaiting: (runs) =>
        progress.show(
          `Erased. Waiting for ${counted(runs.length, 'run')} that began before: ${runs.join(', ')}`,
        ),
      onLabels: (mirror) => progress.show(`Removing its label from the mirror ${mirror}`),
    }).finally(() => {
      progress.clear();
      forget();
    });
    const { rows, labels } = done;
    const isComplete = labels !== null;
    print(
      io,
      json,
      { mirror: name, odooId, erased: true, isComplete, ...rows, labels },
      doneLines(target, rows, labels),
    );
    return isComplete ? EXIT.success : EXIT.interrupted;
  });
}

/**
 * A mirror of the configuration, or one that left it and has data. A mirror that has never run gets its tables, so that
 * a record can be erased before it is read.
 *
 * @throws UnknownMirrorError
 */
async function knownMirror(db: Database, { mirrors }: Config, name: string): Promise<MirrorRow> {
  const rows = await listMirrors(db);
  const stored = rows.find((row) => row.name === name);
  if (stored !== undefined) return stored;
  const left = rows.filter((row) => mirrors.every((own) => own.name !== row.name));
  const { name: own, ...models } = mirrorNamed([...mirrors, ...left], name);
  await registerMirror(db, { name: own, ...models });
  return mirrorNamed(await listMirrors(db), name);
}

/** The queues of a mirror, opened once. */
function onceEach(open: (mirror: string) => Queues): (mirror: string) => Queues {
  const opened = new Map<string, Queues>();
  return (mirror) => {
    const queues = opened.get(mirror) ?? open(mirror);
    opened.set(mirror, queues);
    return queues;
  };
}

interface Found extends RecordRows {
  readonly labels: readonly LabelCount[];
  readonly isErased: boolean;
}

async function countAll(db: Database, target: ErasedDocument): Promise<Found> {
  const { mirror, odooId } = target;
  const rows = await countRecordRows({ ...tablesOf(mirror), db }, mirror.key, odooId);
  const isErased = (await erasedAmong(db, mirror.model, [odooId])).has(odooId);
  return { ...rows, labels: await countLabels(db, target), isErased };
}

const titleOf = ({ mirror, odooId }: ErasedDocument) => `Record ${odooId} of the mirror ${mirror.name}`;
const commandOf = ({ mirror, odooId }: ErasedDocument, flag: string) =>
  `"passerelle erase ${mirror.name} ${odooId} ${flag}"`;

function previewLines(target: ErasedDocument, { labels, isErased, ...rows }: Found): Line[] {
  const shown = labels.map(({ mirror, rows: count }) => `${counted(count, 'row')} of ${mirror}`);
  return [
    `${titleOf(target)} would be erased:`,
    ...rowLines(rows),
    `  Labels    ${shown.join(', ') || 'none'}`,
    ...(isErased ? ['Its id is erased already.'] : []),
    `Nothing was erased. ${commandOf(target, '--yes')} erases it.`,
  ];
}

function rowLines({ headers, lines, audits, failures }: RecordRows): Line[] {
  return [
    `  Record    ${headers === 0 ? 'not in the mirror' : 'in the mirror'}, ${counted(lines, 'line')}`,
    `  Trail     ${counted(audits, 'audit row')}`,
    `  Failures  ${failures}`,
  ];
}

function doneLines(target: ErasedDocument, rows: RecordRows, labels: number | null): Line[] {
  if (labels === null)
    return [
      `${titleOf(target)} was erased. Runs that began before are still in progress, so its labels stay for now.`,
      `Repeat ${commandOf(target, '--yes')} to remove them.`,
    ];
  return [
    `${titleOf(target)} was erased:`,
    ...rowLines(rows),
    `  Labels    ${counted(labels, 'row')} of all mirrors`,
    `${commandOf(target, '--lift')} undoes it. Backups, dumps and log files made earlier still contain the record.`,
  ];
}

function liftedText(target: ErasedDocument, lifted: boolean): string {
  if (!lifted) return `${titleOf(target)} is not erased.`;
  const { mirror, odooId } = target;
  return (
    `${titleOf(target)} is no longer erased. The next sweep reads it again, or "passerelle resync --mirror ` +
    `${mirror.name} ${odooId}" does so now.`
  );
}
