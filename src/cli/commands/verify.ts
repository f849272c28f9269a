import type { Command } from 'commander';
import { readMirrorConfig } from '../../config/index.ts';
import { createOdooClient } from '../../odoo/client.ts';
import { withResources } from '../../shared/lifecycle.ts';
import { type Example, KINDS, type Verification, verifyMirror } from '../../sync/maintenance/verify.ts';
import { bcDefinition } from '../../sync/types.ts';
import { openChecked } from '../connections.ts';
import { count, createProgress, createRate } from '../follow-run.ts';
import { type CommandContext, EXIT, type ExitCode, print, QUIET } from '../io.ts';

export function addVerify(program: Command, context: CommandContext, exit: (code: ExitCode) => void): void {
  program
    .command('verify')
    .summary('compare the mirror with Odoo in full')
    .description(
      'Compare every BC and line of the mirror with Odoo, field by field, and check the mirror in itself.\n' +
        'Changes in Odoo after the last sync count as differences. Sync first.',
    )
    .option('--json', 'print one JSON object')
    .addHelpText('after', HELP)
    .action(async (options: { readonly json?: boolean }) => exit(await verify(context, options)));
}

const HELP = `
Counts, of BCs and lines together:
  missing      in Odoo, not in the mirror      extra        in the mirror, no longer in Odoo
  different    a field is not what Odoo says   unreadable   Odoo refuses to hand it over
  duplicates   an id more than once            orphanLines  lines without their BC
  badHashes    hash and content disagree       openItems    owed by a run that ended well
  feedGaps     changes hidden from readers     trailGaps    last change not in the audit trail
  views        typed view dropped or outdated  vanished     Odoo lists less than half as before
  futureSync   last_sync is in the future      futureReadings  fetch_seq beyond its sequence

Contents of binary fields are read again only where write_date or size differ from when they were stored.
Records that differ are read once more at the end.

Exit codes: 0 all counts are 0, 1 they are not, 2 bad usage or configuration

Examples:
  $ passerelle verify
  $ passerelle sync && passerelle verify
  $ passerelle verify --json | jq .examples.different
  $ ODOO_USER=auditor ODOO_PASSWORD=... passerelle verify    # finds what Odoo hides from the own user`;

async function verify({ io, env }: CommandContext, options: { readonly json?: boolean }): Promise<ExitCode> {
  const config = readMirrorConfig(env, QUIET);
  const line = createProgress(io);
  const rate = createRate();
  const verification = await withResources(async (defer) => {
    const db = await openChecked(config, defer);
    const odoo = createOdooClient(config.odoo);
    defer(() => odoo.close());
    const definition = bcDefinition(config.odoo, config.sync);
    const { sync: settings, retention } = config;
    const source = { db, odoo, definition, pageSize: settings.pageSize, settings, retention };
    return verifyMirror(source, (compared, total) =>
      line.show(
        [`${count(compared)} of ${count(total)} BC and lines`, rate(compared)].filter(Boolean).join(', '),
      ),
    );
  }).finally(line.clear);
  print(io, options.json, verification, report(verification));
  return verification.ok ? EXIT.success : EXIT.failure;
}

const STORE_AGAIN = 'store it again: docs/how-to/runbook.md, "verify finds something"';

/** The repair of each finding. */
const REPAIRS: Readonly<Record<(typeof KINDS)[number], string>> = {
  missing: 'run passerelle sync --sweep, and check what ODOO_USER may read',
  extra: 'run passerelle sync --sweep, and check what ODOO_USER may read',
  different: `run passerelle sync --full, or ${STORE_AGAIN}`,
  unreadable: 'correct the record in Odoo, or the rights of ODOO_USER',
  duplicates: 'delete the copies, then create the unique index on odoo_id again',
  orphanLines: 'run passerelle sync --full',
  badHashes: STORE_AGAIN,
  openItems: 'run passerelle sync --full; the item leaves after RETAIN_ITEMS',
  futureReadings: `run passerelle sync --full, or ${STORE_AGAIN}`,
  feedGaps: STORE_AGAIN,
  trailGaps: 'restore audit_log from a backup, or set RETAIN_AUDIT to the retention that was used',
  views: 'run passerelle sync',
  futureSync: 'run passerelle sync --full',
  vanished:
    'check what ODOO_USER may read; if they were deleted on purpose, run passerelle sync --sweep --force',
};

const READ_AGAIN = 'the next run reads everything again (passerelle sync does it now)';

function report({ ok, headers, lines, modelChanges, examples, ...counts }: Verification): string[] {
  const compared = `${count(headers)} BC and ${count(lines)} lines compared`;
  const found = KINDS.filter((kind) => counts[kind] > 0);
  return [
    ok ? `ok: ${compared}, no difference` : `not ok: ${compared}`,
    ...found.map(
      (kind) =>
        `  ${kind} ${count(counts[kind])}: ${examples[kind].map(exampleText).join('; ')}. Repair: ${REPAIRS[kind]}`,
    ),
    ...(modelChanges === 0 ? [] : [`  the model changed in Odoo (${count(modelChanges)}): ${READ_AGAIN}`]),
  ];
}

function exampleText({ model, id, fields, runId, detail }: Example): string {
  const what = id === undefined ? model : `${model},${id}`;
  const where = runId === undefined ? '' : ` in run ${runId}`;
  const more = fields?.join(', ') ?? detail;
  return `${what}${where}${more === undefined ? '' : ` (${more})`}`;
}
