import type { Command } from 'commander';
import { readConfig } from '../../config/index.ts';
import { DatabaseNotMigratedError, DatabaseUnavailableError } from '../../db/schema-check.ts';
import { type PrivacyReport, privacyReport } from '../../privacy/report.ts';
import { errorMessage } from '../../shared/errors.ts';
import { withResources } from '../../shared/lifecycle.ts';
import { openChecked } from '../connections.ts';
import { type CommandContext, EXIT, type ExitCode, type Line, oneLine, print, QUIET, styled } from '../io.ts';
import { columns, count, counted, indented, span, table } from '../text.ts';

export function addPrivacy(program: Command, context: CommandContext, exit: (code: ExitCode) => void): void {
  const privacy = program
    .command('privacy')
    .summary('report on personal data in the mirrors')
    .description('Personal data in the mirrors.')
    .addHelpText('after', HELP);
  privacy
    .command('report')
    .summary('list mirrors, fields, policies, readers and retention')
    .description(
      'List what the mirrors hold, for a register of processing activities (GDPR): models, tables, fields with their ' +
        'policies, readers and retention. It shows no value of a record. Without PostgreSQL, it shows the configuration only.',
    )
    .option('--json', 'print one JSON object, with every field')
    .addHelpText('after', REPORT_HELP)
    .action(async (options: { readonly json?: boolean }) => exit(await report(context, options.json)));
}

const HELP = `
Examples:
  $ passerelle privacy report`;

const REPORT_HELP = `
Which fields look personal is a guess by their names. Check the list of all fields with --json.

Exit codes: 0 shown, 2 bad usage or configuration

Examples:
  $ passerelle privacy report
  $ passerelle privacy report --json | jq '.mirrors[].fields[]? | select(.policy == "plain" and .personal)'`;

async function report({ io, env }: CommandContext, json: boolean | undefined): Promise<ExitCode> {
  const config = readConfig(env, QUIET);
  const found = await withResources(async (defer) => {
    try {
      return await privacyReport(config, await openChecked(config, defer));
    } catch (error) {
      const isAway = error instanceof DatabaseUnavailableError || error instanceof DatabaseNotMigratedError;
      if (!isAway) throw error;
      io.stderr.write(`${oneLine(errorMessage(error))} The report shows the configuration only.\n`);
      return privacyReport(config, null);
    }
  });
  print(io, json, found, [
    ...found.mirrors.flatMap((mirror) => mirrorLines(mirror, found.at !== null)),
    ...retentionLines(found.retention),
  ]);
  return EXIT.success;
}

type Mirror = PrivacyReport['mirrors'][number];
type Fields = NonNullable<Mirror['fields']>;

function mirrorLines(mirror: Mirror, isConnected: boolean): Line[] {
  const { name, model, lineModel, tables, views, isConfigured } = mirror;
  const models = lineModel === null ? model : `${model} with ${lineModel}`;
  const rows = [
    ['Records', recordsText(mirror, isConnected)],
    ...(mirror.settings === null ? [] : settingRows(mirror.settings)),
    ['Tables', tables.join(', ')],
    ['Views', views.join(', ')],
    ['API keys', keysText(mirror)],
    ...(mirror.fields === null
      ? [['Fields', isConnected ? 'known after the first run' : UNKNOWN]]
      : fieldRows(mirror.fields)),
    ['Labels', labelsText(mirror)],
  ].filter(([, text]) => text !== '');
  return [
    [styled('bold', name), `  ${models}${isConfigured ? '' : '; not in the configuration any more'}`],
    ...columns(rows, '  '),
    ...plainLines(mirror.fields ?? []),
    '',
  ];
}

const UNKNOWN = 'unknown, because PostgreSQL does not answer';

function recordsText({ contents, lineModel }: Mirror, isConnected: boolean): string {
  if (contents === null) return isConnected ? 'none, because it has never run' : UNKNOWN;
  const { live, archived, lines, auditEntries, erased } = contents;
  return [
    `${count(live)} current, ${count(archived)} archived, ${count(erased)} erased on request`,
    ...(lineModel === null ? [] : [counted(lines, 'line')]),
    `${count(auditEntries)} in the audit trail`,
  ].join('; ');
}

function settingRows({ domain, fields, binaries }: NonNullable<Mirror['settings']>): string[][] {
  const { include, exclude, drop } = fields;
  const left = [
    include === null ? '' : `all but ${include.join(', ')}`,
    exclude.length === 0 ? '' : `${exclude.join(', ')} (exclude)`,
    drop.length === 0 ? '' : `${drop.join(', ')} (drop)`,
    binaries ? '' : 'contents of binary fields',
  ].filter((text) => text !== '');
  return [
    ['Domain', domain.length === 0 ? '' : JSON.stringify(domain)],
    ['Not read', left.join('; ')],
    ['Hash', fields.hash.join(', ')],
    ['Mask', fields.mask.join(', ')],
  ];
}

function keysText({ apiKeys }: Mirror): string {
  if (apiKeys === null) return UNKNOWN;
  const { allMirrors, limited } = apiKeys;
  return `${count(allMirrors)} for all mirrors, ${count(limited)} limited to mirrors with this one`;
}

function fieldRows(fields: Fields): string[][] {
  const of = (policy: Fields[number]['policy']) => fields.filter((field) => field.policy === policy);
  const pending = fields.flatMap(({ name, pending: policy }) =>
    policy === null ? [] : [`${name} (${policy === 'omit' ? 'not read' : policy})`],
  );
  const amounts = [
    `${count(of('plain').length)} plain`,
    `${count(of('hash').length)} hashed`,
    `${count(of('mask').length)} masked`,
    ...(of('omit').length === 0 ? [] : [`${count(of('omit').length)} without label`]),
  ];
  return [
    ['Fields', `${count(fields.length)} read: ${amounts.join(', ')}`],
    ['Not applied', pending.length === 0 ? '' : `${pending.join(', ')}: the next run applies the policy`],
  ];
}

function labelsText({ labels }: Mirror): string {
  return labels.map(({ mirror, field, policy }) => `${field} of ${mirror} (${policy})`).join(', ');
}

/** The fields that look personal and have no policy. */
function plainLines(fields: Fields): Line[] {
  const plain = fields.filter(({ policy }) => policy === 'plain');
  const rows = plain.flatMap(({ name, label, personal }) =>
    personal === null ? [] : [[name, oneLine(label), personal.kind, personal.advice]],
  );
  const persons = plain.filter(({ showsPersons }) => showsPersons).map(({ name }) => name);
  return [
    ...(rows.length === 0 ? [] : [indented(styled('yellow', 'Plain fields that look personal'))]),
    ...(rows.length === 0 ? [] : table(['FIELD', 'LABEL', 'KIND', 'POLICY THAT FITS'], rows, '    ')),
    ...(persons.length === 0
      ? []
      : [
          indented([
            styled('yellow', 'Plain links that show names of persons'),
            `: ${[...new Set(persons)].join(', ')}`,
          ]),
        ]),
  ];
}

function retentionLines({ auditMs, runsMs, itemsMs, pruneEveryMs }: PrivacyReport['retention']): Line[] {
  const kept = (ms: number | null) => (ms === null ? 'for ever' : span(ms));
  const rows = [
    ['Records and lines', 'as long as Odoo has them'],
    ['Archived records', 'for ever, unless they are erased (passerelle erase) or the mirror is dropped'],
    ['Audit trail', `${kept(auditMs)} (RETAIN_AUDIT): the values of changed fields, before and after`],
    ['Runs, resolved failures', `${kept(runsMs)} (RETAIN_RUNS): ids, and messages of Odoo`],
    ['Items of runs', `${kept(itemsMs)} (RETAIN_ITEMS): ids only`],
    ['Open failures', 'until the record can be stored, or is gone'],
    ['Redis', 'pages of records until they are stored, at most 1 h'],
    [
      'Deleted',
      pruneEveryMs === null
        ? 'by "passerelle prune" only (PRUNE_EVERY=off)'
        : `every ${span(pruneEveryMs)} (PRUNE_EVERY)`,
    ],
  ];
  return [
    styled('bold', 'Retention'),
    ...columns(rows, '  '),
    'Logins of the dashboard and roles of PostgreSQL with rights on the tables can read all mirrors. Backups are not listed.',
  ];
}
