import type { Command } from 'commander';
import { type Config, type MirrorSettings, readConfig } from '../../../config/index.ts';
import { databaseClock } from '../../../db/client.ts';
import {
  dropMirror,
  hasModels,
  keyOf,
  listMirrors,
  type MirrorBelongings,
  mirrorBelongings,
  tablesOf,
} from '../../../db/documents/mirrors.ts';
import { EVERY_BC, estimateDocuments } from '../../../db/documents/queries.ts';
import { bcStore } from '../../../db/documents/tables.ts';
import { mirrorSummary } from '../../../db/mirror-stats.ts';
import { readState } from '../../../db/runs/lease.ts';
import type { MirrorRow } from '../../../db/schema/mirrors.ts';
import { deleteKeys, mirrorPrefix } from '../../../queues/queues.ts';
import { withResources } from '../../../shared/lifecycle.ts';
import { BC_MIRROR } from '../../../shared/mirror-names.ts';
import { type OpenStores, openChecked, withStores } from '../../connections.ts';
import { MirrorInUseError } from '../../errors.ts';
import { type CommandContext, EXIT, type ExitCode, type Line, type Piece, print, QUIET } from '../../io.ts';
import { statusPiece } from '../../lines/runs.ts';
import { mirrorNamed } from '../../mirrors.ts';
import { count, counted, relative, table } from '../../text.ts';
import { addDiscover } from './discover.ts';

export function addMirrors(program: Command, context: CommandContext, exit: (code: ExitCode) => void): void {
  const mirrors = program
    .command('mirrors')
    .summary('list the mirrors, find models to mirror, or drop a mirror')
    .description('The mirrors of the configuration, and those that left it and still have data.')
    .addHelpText('after', HELP);
  mirrors
    .command('list', { isDefault: true })
    .summary('list the mirrors with their state')
    .description(
      'List the mirrors of the configuration with their state, then those that left it and still have data.',
    )
    .option('--json', 'print one JSON object')
    .addHelpText('after', LIST_HELP)
    .action(async (options: { readonly json?: boolean }) => exit(await list(context, options.json)));
  addDiscover(mirrors, context, exit);
  mirrors
    .command('drop')
    .summary('delete the data of a mirror that left the configuration')
    .description(
      'Delete a mirror that is no longer in the configuration: its views, tables, runs, failures, state and jobs. ' +
        'Without --yes, the command lists the data and deletes nothing.',
    )
    .argument('<name>', 'name of the mirror')
    .option('--yes', 'delete it')
    .option('--json', 'print one JSON object')
    .addHelpText('after', DROP_HELP)
    .action(async (name: string, options: DropOptions) => exit(await drop(context, name, options)));
}

const HELP = `
Examples:
  $ passerelle mirrors
  $ passerelle mirrors discover
  $ passerelle mirrors drop partners --yes`;

const LIST_HELP = `
The number of documents is an estimate of PostgreSQL.

Exit codes: 0 shown, 1 PostgreSQL cannot be used, 2 bad usage or configuration

Examples:
  $ passerelle mirrors
  $ passerelle mirrors list --json | jq '.mirrors[] | select(.isConfigured | not) | .name'`;

const DROP_HELP = `
Exit codes: 0 deleted, or shown without --yes, 1 the mirror is in use or cannot be deleted, 2 bad usage or configuration, or there is no such mirror

Examples:
  $ passerelle mirrors drop partners
  $ passerelle mirrors drop partners --yes`;

type Summary = Awaited<ReturnType<typeof mirrorSummary>>;

interface ListedMirror extends Summary {
  readonly name: string;
  readonly model: string;
  readonly lineModel: string | null;
  readonly isConfigured: boolean;
}

/** A mirror that has never run. */
const NO_DATA: Summary = {
  ...{ documents: 0, isSyncing: false, lastSync: null, ageSeconds: null, lastStatus: null },
  openFailures: 0,
};

async function list({ io, env }: CommandContext, json: boolean | undefined): Promise<ExitCode> {
  const config = readConfig(env, QUIET);
  const { mirrors, now } = await withResources(async (defer) => {
    const db = await openChecked(config, defer);
    const rows = await listMirrors(db);
    const summaryOf = (name: string): Promise<Summary> | Summary => {
      const row = rows.find((stored) => stored.name === name);
      if (row !== undefined) return mirrorSummary({ ...tablesOf(row), db }, row.key);
      return name === BC_MIRROR ? mirrorSummary(bcStore(db), keyOf(name)) : NO_DATA;
    };
    const mirrors: ListedMirror[] = [];
    for (const { name, model, lineModel, isConfigured } of known(config.mirrors, rows))
      mirrors.push({ name, model, lineModel, isConfigured, ...(await summaryOf(name)) });
    return { mirrors, now: await databaseClock(db) };
  });
  print(io, json, { mirrors }, listLines(mirrors, now));
  return EXIT.success;
}

/** Those of the configuration first, in its order. */
function known(configured: readonly MirrorSettings[], rows: readonly MirrorRow[]) {
  const names = configured.map(({ name }) => name);
  return [
    ...configured.map((own) => ({ ...own, isConfigured: true })),
    ...rows.filter(({ name }) => !names.includes(name)).map((row) => ({ ...row, isConfigured: false })),
  ];
}

const HEADINGS = ['MIRROR', 'MODEL', 'LINES', 'DOCUMENTS', 'LAST SYNC', 'STATUS', 'FAILURES'];

function listLines(mirrors: readonly ListedMirror[], now: Date): Line[] {
  return [
    ...table(
      HEADINGS,
      mirrors.map((mirror) => rowOf(mirror, now)),
    ),
    ...mirrors.filter(({ isConfigured }) => !isConfigured).map(({ name }) => leftText(name)),
  ];
}

function rowOf({ name, model, lineModel, documents, ...mirror }: ListedMirror, now: Date): Piece[] {
  const { lastSync, lastStatus, openFailures } = mirror;
  return [
    ...[name, model, lineModel ?? '-', count(documents)],
    lastSync === null ? 'never' : relative(lastSync, now),
    lastStatus === null ? '-' : statusPiece({ status: lastStatus }),
    count(openFailures),
  ];
}

function leftText(name: string): string {
  const fate =
    name === BC_MIRROR ? 'its data stay' : `its data stay until "passerelle mirrors drop ${name} --yes"`;
  return `${name} is no longer in the configuration; ${fate}.`;
}

interface DropOptions {
  readonly yes?: boolean;
  readonly json?: boolean;
}

async function drop({ io, env }: CommandContext, name: string, options: DropOptions): Promise<ExitCode> {
  const config = readConfig(env, QUIET);
  return withStores(io, config, async (stores) => {
    const { db, redis } = stores;
    const rows = await listMirrors(db);
    checkConfiguration(
      config,
      name,
      rows.find((stored) => stored.name === name),
    );
    const row = mirrorNamed(rows, name);
    const documents = await estimateDocuments({ ...tablesOf(row), db }, EVERY_BC);
    if (options.yes !== true) {
      const found = await mirrorBelongings(db, row);
      print(io, options.json, { name, dropped: false, documents, ...found }, [
        `This would delete the mirror ${name}:`,
        ...belongingLines(found, documents),
        `Nothing was deleted. "passerelle mirrors drop ${name} --yes" deletes it.`,
      ]);
      return EXIT.success;
    }
    await checkIdle(stores, name);
    // Redis first: after an error of Redis the mirror is still in the list, so the command can be repeated.
    await deleteKeys(redis, mirrorPrefix(config.queuePrefix, name));
    const deleted = await dropMirror(db, name);
    // Another process dropped it meanwhile.
    const own = deleted ?? { tables: [], views: [], models: [], runs: 0, failures: 0 };
    print(io, options.json, { name, dropped: true, documents, ...own }, [
      `The mirror ${name} was deleted:`,
      ...belongingLines(own, documents),
    ]);
    return EXIT.success;
  });
}

/**
 * A mirror whose models were changed in the configuration cannot start, and is dropped to make room for the new ones.
 *
 * @throws MirrorInUseError
 */
function checkConfiguration({ mirrors }: Config, name: string, row: MirrorRow | undefined): void {
  if (name === BC_MIRROR)
    throw new MirrorInUseError('The mirror bc cannot be dropped. Migrations create its tables.');
  if (mirrors.some((own) => own.name === name && (row === undefined || hasModels(row, own))))
    throw new MirrorInUseError(
      `The mirror ${name} is in the configuration. Remove it from MIRRORS_FILE, restart the workers and the API, then drop it.`,
    );
}

/** @throws MirrorInUseError because a process with an earlier configuration would create the data again. */
async function checkIdle({ db, queuesOf }: OpenStores, name: string): Promise<void> {
  const { sync, pages, bc, upkeep } = queuesOf(name);
  const workers = await Promise.all([sync, pages, bc, upkeep].map((queue) => queue.getWorkersCount()));
  if (Math.max(...workers) > 0)
    throw new MirrorInUseError(
      `A worker still runs the mirror ${name}. Restart the workers and the API, then drop it.`,
    );
  const state = await readState(db, keyOf(name));
  if (state?.held === true)
    throw new MirrorInUseError(
      `Run ${state.leaseRunId} of the mirror ${name} holds its lease. Stop its process, or wait until the lease expires.`,
    );
}

function belongingLines({ tables, views, runs, failures }: MirrorBelongings, documents: number): Line[] {
  const shared = 'none, because another mirror uses them';
  return [
    `  Tables    ${tables.join(', ') || shared}`,
    `  Views     ${views.join(', ') || shared}`,
    `  Contents  about ${counted(documents, 'record')}, ${counted(runs, 'run')}, ${counted(failures, 'failure')}`,
  ];
}
