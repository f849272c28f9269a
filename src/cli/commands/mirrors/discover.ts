import type { Command } from 'commander';
import { type OdooAccess, readOdooAccess } from '../../../config/index.ts';
import {
  type DiscoveredModel,
  describeModels,
  discover,
  installed,
  type NamedModel,
} from '../../../discovery/index.ts';
import { mirrorsBlock } from '../../../discovery/mirrors-block.ts';
import { createOdooClient } from '../../../odoo/client.ts';
import type { OdooClient, OdooServer } from '../../../odoo/types.ts';
import { withResources } from '../../../shared/lifecycle.ts';
import { type CommandContext, EXIT, type ExitCode, type Line, oneLine, type Piece, print } from '../../io.ts';
import { createProgress, whileBusy } from '../../progress.ts';
import { count, counted, shorten, table } from '../../text.ts';

export function addDiscover(mirrors: Command, context: CommandContext, exit: (code: ExitCode) => void): void {
  mirrors
    .command('discover')
    .summary('list the models of Odoo, or print the settings to mirror some')
    .description(
      'List the models that the user of ODOO_USER may read, with their records and the line model that fits. With ' +
        'names of models, print a block for the file of MIRRORS_FILE. Needs the ODOO_* variables only, and changes nothing.',
    )
    .argument('[model...]', 'model to mirror: purchase.order')
    .option('--all', 'also list technical models, line models, and models without records')
    .option('--json', 'print one JSON object')
    .addHelpText('after', HELP)
    .action(async (models: string[], options: DiscoverOptions, command: Command) => {
      if (options.all === true && models.length > 0)
        command.error('error: --all goes without names of models');
      exit(await run(context, models, options));
    });
}

interface DiscoverOptions {
  readonly all?: boolean;
  readonly json?: boolean;
}

const HELP = `
The records include archived ones. LINES is a suggestion: Odoo does not describe which model holds the lines of another.

Exit codes: 0 shown, 1 Odoo cannot be used or refuses a named model, 2 bad usage or configuration, or there is no such model

Examples:
  $ passerelle mirrors discover
  $ passerelle mirrors discover res.partner purchase.order >> mirrors.yaml
  $ passerelle mirrors discover --json | jq -r '.models[] | select(.records > 1000) | .model'`;

/** A command for people shares the server with the workers. */
const MAX_CONCURRENCY = 4;

async function run(
  context: CommandContext,
  models: readonly string[],
  options: DiscoverOptions,
): Promise<ExitCode> {
  const access = readOdooAccess(context.env);
  for (const problem of access.mirrorsProblems) context.io.stderr.write(`${oneLine(problem)}\n`);
  return withResources(async (defer) => {
    const odoo = createOdooClient(access.odoo);
    defer(() => odoo.close());
    const server = await whileBusy(context.io, 'Connecting to Odoo', odoo.connect());
    const work = { context, access, odoo, json: options.json };
    return models.length === 0
      ? list({ ...work, server, all: options.all === true })
      : printBlock(work, models);
  });
}

interface Work {
  readonly context: CommandContext;
  readonly access: OdooAccess;
  readonly odoo: OdooClient;
  readonly json: boolean | undefined;
}

interface ListWork extends Work {
  readonly server: OdooServer;
  readonly all: boolean;
}

async function list({ context: { io }, access, odoo, server, json, all }: ListWork): Promise<ExitCode> {
  const line = createProgress(io);
  const found = await discover(odoo, {
    mirrors: access.mirrors,
    all,
    concurrency: Math.min(access.odoo.concurrency, MAX_CONCURRENCY),
    onProgress: (done, known) => line.show(`Counting records: model ${count(done)} of ${count(known)}`),
  }).finally(line.clear);
  const { version, protocol } = server;
  const { user } = access.odoo;
  print(io, json, { server: { target: odoo.target, version, protocol, user }, ...found }, [
    ...table(HEADINGS, found.models.map(rowOf)),
    ...summaryLines(found, user),
  ]);
  return EXIT.success;
}

const HEADINGS = ['MODEL', 'LABEL', 'RECORDS', 'LINES', 'WRITE_DATE', 'MIRROR'];
const MAX_LABEL = 28;

const rowOf = ({ model, label, records, lines, hasWriteDate, mirror }: DiscoveredModel): Piece[] => [
  ...[model, shorten(oneLine(label) || '-', MAX_LABEL), count(records), lines?.model ?? '-'],
  ...[hasWriteDate ? 'yes' : 'no', mirror ?? '-'],
];

type Found = Awaited<ReturnType<typeof discover>>;

const MAX_NAMED = 8;

function summaryLines({ source, models, denied, failed, leftOut }: Found, user: string): Line[] {
  const parts = [
    { amount: leftOut.technical, noun: 'technical model' },
    { amount: leftOut.lines, noun: 'line model' },
    { amount: leftOut.empty, noun: 'model' },
  ].map(({ amount, noun }, at) =>
    at === 2 ? `${counted(amount, noun)} without records` : counted(amount, noun),
  );
  const hidden = leftOut.technical + leftOut.lines + leftOut.empty;
  const example = models.find(({ mirror }) => mirror === null)?.model;
  return [
    ...(hidden > 0 ? [`Left out: ${parts.join(', ')}. Show them with --all.`] : []),
    ...(denied.length > 0
      ? [`${user} may not read ${counted(denied.length, 'model')}: ${namesOf(denied)}.`]
      : []),
    ...failed.map(
      ({ model, message }) =>
        `${model} could not be counted. ${oneLine(message).replace(/^Odoo at .*?, call [^:]*: /, '')}`,
    ),
    ...(source === 'common'
      ? [
          `${user} may not read ir.model, the list of all models. These are common models, and those they refer to. ` +
            'Name a model that is missing.',
        ]
      : []),
    ...(example === undefined
      ? []
      : [`Print the settings of a mirror with "passerelle mirrors discover ${example}".`]),
  ];
}

function namesOf(models: readonly string[]): string {
  const more = models.length - MAX_NAMED;
  return models.slice(0, MAX_NAMED).join(', ') + (more > 0 ? ` and ${more} more` : '');
}

async function printBlock(
  { context, access, odoo, json }: Work,
  names: readonly string[],
): Promise<ExitCode> {
  const { mirrors, mirrorsFile } = access;
  const { io } = context;
  const models = await whileBusy(io, 'Reading the fields', describeModels(odoo, names, mirrors));
  const block = mirrorsBlock(models, {
    existing: mirrorsFile === null ? [] : mirrors,
    kept: mirrorsFile === null ? await installed(odoo, mirrors) : [],
  });
  print(
    io,
    json,
    { models: models.map(plain), mirrors: block.mirrors, yaml: `${block.lines.join('\n')}\n` },
    block.lines,
  );
  return EXIT.success;
}

const plain = ({ fields: _, lineFields: __, ...model }: NamedModel): DiscoveredModel => model;
