import type { Command } from 'commander';
import { type MirrorConfig, type MirrorSettings, readMirrorConfig } from '../../config/index.ts';
import type { Database } from '../../db/client.ts';
import { registerMirror, tablesFor } from '../../db/documents/mirrors.ts';
import { type OdooAccount, openOdooAccount } from '../../odoo/client.ts';
import { errorCode, errorMessage } from '../../shared/errors.ts';
import { withResources } from '../../shared/lifecycle.ts';
import { tableNames } from '../../shared/mirror-names.ts';
import { type Example, KINDS, type Verification, verifyMirror } from '../../sync/maintenance/verify.ts';
import { odooSource } from '../../sync/source/odoo-source.ts';
import { mirrorClient } from '../../sync/source/scope.ts';
import { definitionOf } from '../../sync/types.ts';
import { openChecked } from '../connections.ts';
import {
  type CommandContext,
  EXIT,
  type ExitCode,
  type Io,
  type Line,
  oneLine,
  print,
  printJson,
  printLines,
  QUIET,
  styled,
} from '../io.ts';
import { ALL_MIRRORS, MIRROR_FLAG, mirrorsNamed } from '../mirrors.ts';
import { createProgress, createRate } from '../progress.ts';
import { count, indented, span, wordsOf } from '../text.ts';

export function addVerify(program: Command, context: CommandContext, exit: (code: ExitCode) => void): void {
  program
    .command('verify')
    .summary('compare the mirrors with Odoo in full')
    .description(
      'Compare every BC and line of each mirror with Odoo, field by field, and check the consistency of the mirror. ' +
        'Changes in Odoo after the last sync count as differences, so run a sync first. Each finding is one ' +
        'line with its meaning, examples, and its repair.',
    )
    .option(MIRROR_FLAG, ALL_MIRRORS)
    .option('--json', 'print one JSON object')
    .addHelpText('after', HELP)
    .action(async (options: VerifyOptions) => exit(await verify(context, options)));
}

interface VerifyOptions {
  readonly mirror?: string;
  readonly json?: boolean;
}

const HELP = `
Findings, of BCs and lines together:
  missing         in Odoo, not in the mirror
  extra           in the mirror, no longer in Odoo
  different       a field differs from Odoo
  unreadable      Odoo lists it but refuses to return it
  duplicates      an id more than once
  orphanLines     lines without their BC
  badHashes       hash and content disagree
  openItems       not processed by a run that ended
  futureReadings  fetch_seq beyond its sequence
  feedGaps        changes hidden from the change feed
  trailGaps       the last change is not in the audit trail
  views           a typed view was dropped or is outdated
  futureSync      last_sync is in the future
  vanished        Odoo lists less than half as many as before

Contents of binary fields are read again only if write_date or size differ from when they were stored. Records that differ are read once more at the end.

Exit codes: 0 all counts are 0, 1 they are not or a mirror cannot be read, 2 bad usage or configuration

Examples:
  $ passerelle verify
  $ passerelle sync && passerelle verify
  $ passerelle verify --json | jq .examples.different
  $ passerelle verify --mirror partners
  $ ODOO_USER=auditor ODOO_PASSWORD=... passerelle verify    # finds what Odoo hides from the own user`;

async function verify({ io, env }: CommandContext, { mirror, json }: VerifyOptions): Promise<ExitCode> {
  const config = readMirrorConfig(env, QUIET);
  const chosen = mirrorsNamed(config.mirrors, mirror);
  const verified = await withResources(async (defer) => {
    const line = createProgress(io);
    line.show('Connecting to PostgreSQL and Odoo');
    const db = await openChecked(config, defer).finally(line.clear);
    const account = openOdooAccount(config.odoo);
    defer(() => account.close());
    const place = { io, config, db, account };
    const [only] = chosen;
    if (only !== undefined && chosen.length === 1) {
      const verification = await verifyOne(place, only);
      print(io, json, verification, report(verification, only));
      return [verification];
    }
    const results: { readonly name: string; readonly ok: boolean }[] = [];
    for (const own of chosen) {
      // A mirror that cannot be read must not hide the findings of the others.
      const result = await verifyOne(place, own).catch((error: unknown) => ({
        ok: false,
        error: { code: errorCode(error), message: errorMessage(error) },
      }));
      if (json !== true) printLines(io, [[styled('bold', own.name)], ...block(result, own).map(indented)]);
      results.push({ name: own.name, ...result });
    }
    if (json === true) printJson(io, { ok: results.every(({ ok }) => ok), mirrors: results });
    return results;
  });
  return verified.every(({ ok }) => ok) ? EXIT.success : EXIT.failure;
}

interface Place {
  readonly io: Io;
  readonly config: MirrorConfig;
  readonly db: Database;
  readonly account: OdooAccount;
}

async function verifyOne({ io, config, db, account }: Place, own: MirrorSettings): Promise<Verification> {
  const { sync: settings, retention } = config;
  const { amount } = wordsOf(own.name);
  const line = createProgress(io);
  const rate = createRate();
  line.show('Connecting to Odoo');
  try {
    // The tables of a mirror that has never run are missing; everything in Odoo is then a finding.
    await registerMirror(db, own);
    const client = account.client(own);
    const mirror = {
      ...tablesFor(own),
      db,
      // The source of the engine, so that both see the same records and values.
      source: odooSource({
        odoo: mirrorClient(db, client, own, config),
        ...{ unscoped: client, database: config.odoo.db, context: own.context },
      }),
      definition: definitionOf(own),
      pageSize: own.pageSize,
      settings,
      retention,
    };
    return await verifyMirror(mirror, (compared, total) => {
      const text = `${count(compared)} of ${amount(total)} and lines`;
      line.show([text, rate(compared)].filter(Boolean).join(', '));
    });
  } finally {
    line.clear();
  }
}

interface Unverified {
  readonly error: { readonly code: string; readonly message: string };
}

function block(result: Verification | Unverified, own: MirrorSettings): Line[] {
  if (!('error' in result)) return report(result, own);
  return [[styled('red', 'failed'), `. ${result.error.code}: ${oneLine(result.error.message)}`]];
}

type Kind = (typeof KINDS)[number];

interface FindingText {
  readonly what: string;
  readonly repair: string;
}

const STORE_AGAIN = 'Store it again: docs/how-to/runbook.md, "verify finds something".';

/** The texts of the findings. Scheduled runs repair some of them. */
function findingsOf({
  name,
  everyMs,
  sweepEveryMs,
  ...own
}: MirrorSettings): Readonly<Record<Kind, FindingText>> {
  const { document, flag } = wordsOf(name);
  const sync = `passerelle sync${flag}`;
  const full = `"${sync} --full" repairs it.`;
  const by = (run: string, ms: number | null, does: string, command: string) =>
    ms === null
      ? `"${command}" ${does}.`
      : `The next ${run} ${does}, within ${span(ms)}; "${command}" does it now.`;
  const sweep = (does: string) => by('sweep', sweepEveryMs, does, `${sync} --sweep`);
  return {
    missing: {
      what: 'in Odoo, not in the mirror',
      repair: `${sweep('reads them')} If they stay, check what ODOO_USER may read.`,
    },
    extra: {
      what: 'deleted in Odoo or hidden from ODOO_USER, still in the mirror',
      repair: sweep('archives them'),
    },
    different: {
      what: 'changed in Odoo since they were read',
      repair: `${by('run', everyMs, 'reads them', sync)} If they stay, run "${sync} --full".`,
    },
    unreadable: {
      what: 'listed by Odoo, which refuses to return them',
      repair: 'Correct the records in Odoo, or the rights of ODOO_USER.',
    },
    duplicates: {
      what: 'ids that are stored more than once',
      repair: 'Delete the copies, then create the unique index on odoo_id again.',
    },
    orphanLines: { what: `lines without their ${document}`, repair: full },
    badHashes: { what: 'records whose content was changed outside of Passerelle', repair: STORE_AGAIN },
    openItems: {
      what: `${document}s that a run has not processed, although it ended`,
      repair: `Run "${sync} --full". The entry itself is deleted after RETAIN_ITEMS.`,
    },
    futureReadings: {
      what: 'records that new readings cannot replace',
      repair: `${full} Lines: ${STORE_AGAIN}`,
    },
    feedGaps: { what: 'changes that the change feed does not show', repair: STORE_AGAIN },
    trailGaps: {
      what: 'changes that are not in the audit trail',
      repair: `Restore ${tableNames({ name, ...own }).audit} from a backup, or set RETAIN_AUDIT to the retention that was used.`,
    },
    views: {
      what: 'typed views that were dropped or are outdated',
      repair: by('run', everyMs, 'creates them again', sync),
    },
    futureSync: { what: 'last_sync is in the future, so runs may miss changes', repair: full },
    vanished: {
      what: 'less than half as many records in Odoo as in the last verification',
      repair: `Check what ODOO_USER may read. If they were deleted on purpose, run "${sync} --sweep --force".`,
    },
  };
}

function report(
  { ok, headers, lines, modelChanges, examples, ...counts }: Verification,
  own: MirrorSettings,
): Line[] {
  const { amount, flag } = wordsOf(own.name);
  const texts = findingsOf(own);
  const compared = `${amount(headers)}${own.lineModel === null ? '' : ` and ${count(lines)} lines`} compared`;
  const found = KINDS.filter((kind) => counts[kind] > 0);
  return [
    ok ? [styled('green', 'ok'), `: ${compared}, no difference`] : [styled('red', 'not ok'), `: ${compared}`],
    ...found.map((kind): Line => {
      const { what, repair } = texts[kind];
      const title = styled('bold', `${count(counts[kind])} ${kind}`);
      return ['  ', title, `: ${what} (${examplesText(examples[kind])}). ${repair}`];
    }),
    ...(modelChanges === 0
      ? []
      : [
          `  the model changed in Odoo (${count(modelChanges)}): the next run reads everything again; "passerelle sync${flag}" does it now`,
        ]),
  ];
}

/** Examples of each model that a line names. `--json` has more. */
const MAX_NAMED = 3;

/** `dimagaz.bc 7, 9, 12, …; dimagaz.bc.line 31`. */
function examplesText(examples: readonly Example[]): string {
  const models = [...new Set(examples.map(({ model }) => model))];
  return models
    .map((model) => {
      const own = examples.filter((example) => example.model === model);
      const named = own.slice(0, MAX_NAMED).map(exampleText);
      return `${model} ${[...named, ...(own.length > MAX_NAMED ? ['…'] : [])].join(', ')}`;
    })
    .join('; ');
}

function exampleText({ id, fields, runId, detail }: Example): string {
  const more = fields?.join(', ') ?? detail;
  if (id === undefined) return more ?? '';
  const where = runId === undefined ? '' : ` in run ${runId}`;
  return `${id}${where}${more === undefined ? '' : ` (${more})`}`;
}
