import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Command } from 'commander';
import {
  ConfigError,
  ENV_FILE,
  givenBy,
  readConfig,
  readMirrorConfig,
  saveSettings,
  settingProblem,
  UP_FILE,
  writeEnvFile,
} from '../../config/index.ts';
import { countDocuments, EVERY_BC } from '../../db/documents/queries.ts';
import { migrate } from '../../db/migrate.ts';
import { readState } from '../../db/runs/lease.ts';
import { type Embedded, openDataFolder, startEmbedded } from '../../embedded/index.ts';
import { choosePort, urlOf } from '../../embedded/ports.ts';
import { answers, poll } from '../../embedded/probes.ts';
import { startProduct } from '../../embedded/product-process.ts';
import type { Workspace } from '../../embedded/workspace.ts';
import { withResources } from '../../shared/lifecycle.ts';
import type { SyncContext } from '../../sync/context.ts';
import { describeDocument } from '../../sync/model/document-model.ts';
import { missingMigrations, withMirrors } from '../connections.ts';
import { FirstSyncFailedError, type FirstSyncFailure } from '../errors.ts';
import { followFirstRun } from '../follow-run.ts';
import {
  type CommandContext,
  type Environment,
  EXIT,
  type ExitCode,
  type Io,
  printLines,
  QUIET,
} from '../io.ts';
import { whileBusy } from '../progress.ts';
import { counted, wordsOf } from '../text.ts';
import { explain, summary } from './sync.ts';

export function addUp(program: Command, context: CommandContext, exit: (code: ExitCode) => void): void {
  program
    .command('up')
    .summary('run everything on this machine, with one command')
    .description(
      'Start PostgreSQL and Redis with their data in .passerelle, apply the migrations, start the API and one worker, ' +
        'copy all documents of all mirrors, and print the address of the dashboard. On a terminal it asks for the ' +
        'settings of Odoo that are missing and writes them to .env. With DATABASE_URL or REDIS_URL it uses those servers.',
    )
    .addHelpText('after', HELP)
    .action(async () => exit(await up(context)));
}

const HELP = `
Ctrl-C stops everything that was started; the data stay in .passerelle. Other commands in this folder use the same servers while it runs.

Exit codes: 0 stopped with Ctrl-C, 1 something could not be started or the first sync failed, 2 bad usage or configuration

Examples:
  $ passerelle up
  $ ODOO_URL=https://odoo.example.com ODOO_DB=production ODOO_USER=reader ODOO_PASSWORD=... passerelle up`;

async function up({ io, env }: CommandContext): Promise<ExitCode> {
  await askForMissing(io, env);
  const stop = new AbortController();
  const forget = io.onInterrupt(() => stop.abort());
  const asked = new Promise<void>((resolve) => stop.signal.addEventListener('abort', () => resolve()));
  try {
    await withResources((defer) => run({ io, env, defer, stop: stop.signal, asked }));
    return EXIT.success;
  } catch (error) {
    if (error !== stop.signal.reason) throw error;
    return EXIT.success;
  } finally {
    forget();
    if (stop.signal.aborted) say(io, 'Stopped. The data stay in .passerelle.');
  }
}

interface Upping {
  readonly io: Io;
  readonly env: Environment | undefined;
  readonly defer: (release: () => Promise<unknown>) => void;
  /** Aborted by Ctrl-C. */
  readonly stop: AbortSignal;
  readonly asked: Promise<void>;
}

async function run(upping: Upping): Promise<void> {
  const { io, stop, asked, defer } = upping;
  const workspace = await openDataFolder(DATA_FOLDER);
  defer(() => workspace.clean());
  const { settings, password } = await startStores(upping, workspace);
  stop.throwIfAborted();
  const config = readConfig(settings, QUIET);
  await applyMigrations(io, config);
  stop.throwIfAborted();
  const { host, port } = config.http;
  const free = await choosePort(host, port, settings['PORT'] !== undefined);
  const url = urlOf(host, free);
  let fail: (error: Error) => void = () => {};
  const failed = new Promise<never>((_resolve, reject) => (fail = reject));
  const start = (name: 'API' | 'worker') => {
    const product = startProduct(workspace, {
      name,
      env: { ...settings, PORT: String(free) },
      failed: fail,
    });
    defer(product.stop);
  };
  start('API');
  if (config.odoo !== null) start('worker');
  const ended = Promise.race([asked, failed]);
  await Promise.race([ready(io, url), ended]);
  stop.throwIfAborted();
  if (config.odoo !== null) await Promise.race([firstSyncs(upping, settings), failed]);
  stop.throwIfAborted();
  printLines(io, [
    '',
    `Dashboard  ${url}/admin`,
    `Sign in    ${config.http.adminUser}, ${password === null ? 'with your ADMIN_PASSWORD' : `password ${password}`}`,
    `API        ${url}/docs; "npx passerelle keys create --help" says how to make a key`,
    `Logs       ${join(DATA_FOLDER, 'api.log')}, ${join(DATA_FOLDER, 'worker.log')}`,
    '',
    'Ctrl-C stops everything. The data stay; the same command starts it again.',
  ]);
  await ended;
}

const DATA_FOLDER = '.passerelle';

/** The settings of the API and the worker, and the generated password, or null. */
interface Started {
  readonly settings: Environment;
  readonly password: string | null;
}

/** Starts the servers that the settings do not name, and writes their URLs to a file that other commands read. */
async function startStores({ io, env }: Upping, workspace: Workspace): Promise<Started> {
  const given = givenBy(env);
  const setByUser = (name: string) => name in given.values && given.originOf(name).from !== UP_FILE;
  const before = (name: string) => (setByUser(name) ? undefined : given.values[name]);
  const last = { databaseUrl: before('DATABASE_URL'), redisUrl: before('REDIS_URL') };
  const wanted = { postgres: !setByUser('DATABASE_URL'), redis: !setByUser('REDIS_URL') };
  const started = await whileBusy(
    io,
    'Starting PostgreSQL and Redis',
    startEmbedded(workspace, { ...wanted, last, log: (line) => say(io, line) }),
  );
  say(io, storesText(started));
  const password = setByUser('ADMIN_PASSWORD')
    ? null
    : (given.values['ADMIN_PASSWORD'] ?? randomBytes(12).toString('hex'));
  const own = present({
    DATABASE_URL: started.databaseUrl,
    REDIS_URL: started.redisUrl,
    ADMIN_PASSWORD: password,
  });
  writeEnvFile(join(workspace.directory, 'env'), own);
  return { settings: { ...given.values, ...own }, password };
}

function storesText({ databaseUrl, redisUrl }: Embedded): string {
  const place = (url: string | null, variable: string) =>
    url === null ? `the one of ${variable}` : `127.0.0.1:${new URL(url).port}, data in ${DATA_FOLDER}`;
  return `PostgreSQL: ${place(databaseUrl, 'DATABASE_URL')}\nRedis: ${place(redisUrl, 'REDIS_URL')}`;
}

const present = (values: Readonly<Record<string, string | null>>): Record<string, string> =>
  Object.fromEntries(Object.entries(values).filter((entry): entry is [string, string] => entry[1] !== null));

async function applyMigrations(io: Io, config: Parameters<typeof missingMigrations>[0]): Promise<void> {
  const pending = await missingMigrations(config);
  if (pending.length === 0) return;
  const work = migrate(config.databaseUrl, { timeouts: config.databaseTimeouts });
  await whileBusy(io, `Applying ${counted(pending.length, 'migration')}`, work);
  say(io, `Database: ${counted(pending.length, 'migration')} applied`);
}

const READY_LIMIT_MS = 120_000;

async function ready(io: Io, url: string): Promise<void> {
  const ask = async () => {
    const { ok, status } = await fetch(`${url}/readyz`);
    if (!ok) throw new Error(`status ${status}`);
  };
  await whileBusy(
    io,
    'Starting the API',
    poll(() => answers(ask()), `the API at ${url}/readyz`, READY_LIMIT_MS),
  );
  say(io, `API: ${url}`);
}

/**
 * Follows the first copy of each mirror. A mirror that has one already is updated by the schedule.
 *
 * @throws FirstSyncFailedError after the last mirror, because the worker copies all of them at the same time.
 */
async function firstSyncs({ io, stop }: Upping, settings: Environment): Promise<void> {
  await withMirrors(io, readMirrorConfig(settings, QUIET), async ({ mirrors }) => {
    const isAlone = mirrors.length === 1;
    const empty = new Set<SyncContext>();
    for (const mirror of mirrors) {
      const { db, definition, source } = mirror;
      if ((await readState(db, definition.key))?.lastSync != null) continue;
      // Reported before the first copy: a wrong password or model is then one sentence, not the reason of a run.
      await whileBusy(io, 'Asking Odoo', describeDocument(source, definition));
      empty.add(mirror);
    }
    const failures: FirstSyncFailure[] = [];
    for (const mirror of mirrors) {
      const { name } = mirror.definition;
      const words = wordsOf(name);
      const title = isAlone ? 'Mirror' : `Mirror ${name}`;
      if (!empty.has(mirror)) {
        const total = await countDocuments(mirror, EVERY_BC);
        say(io, `${title}: ${words.amount(total)}; the worker reads the changes`);
        continue;
      }
      if (!isAlone) say(io, title);
      const first = await followFirstRun({ mirror }, io, stop);
      stop.throwIfAborted();
      if (first.status === 'failed') {
        if (!isAlone) await explain(mirror, io, first);
        failures.push({ mirror: isAlone ? null : name, reason: first.errorMessage });
        continue;
      }
      for (const line of summary(first, words)) say(io, line);
      await explain(mirror, io, first);
    }
    if (failures.length > 0) throw new FirstSyncFailedError(failures);
  });
}

/** Progress and notes are no answer, so they go to standard error. */
function say(io: Io, text: string): void {
  io.stderr.write(`${text}\n`);
}

/** The settings without which there is nothing to mirror, in the order in which they are asked for. */
const ASKED = {
  ODOO_URL: 'URL of Odoo, for example https://odoo.example.com: ',
  ODOO_DB: 'Database of Odoo: ',
  ODOO_USER: 'User of Odoo (one that may only read): ',
  ODOO_PASSWORD: 'Password or API key of that user: ',
} as const;

/**
 * Asks for the settings of Odoo that are missing, and writes them to `.env`. A Tryton alone is enough as well.
 *
 * @throws ConfigError without a terminal, NotAnsweredError
 */
async function askForMissing(io: Io, env: Environment | undefined): Promise<void> {
  const { values } = givenBy(env);
  const names = Object.keys(ASKED) as (keyof typeof ASKED)[];
  const missing = names.filter((name) => values[name] === undefined);
  const isTrytonOnly = missing.length === names.length && values['TRYTON_RPC_URL'] !== undefined;
  if (missing.length === 0 || isTrytonOnly) return;
  if (io.ask === null || env !== undefined) {
    throw new ConfigError([
      `${missing.join(', ')}: not set. Set them in the environment or in .env; on a terminal this command asks for them.`,
    ]);
  }
  const given: Record<string, string> = {};
  for (const name of missing) {
    const hidden = name === 'ODOO_PASSWORD';
    for (;;) {
      const answer = await io.ask(ASKED[name], { hidden });
      const value = hidden ? answer : answer.trim();
      const problem = value === '' ? 'Please type a value.' : settingProblem(name, value);
      if (problem === null) {
        given[name] = value;
        break;
      }
      say(io, problem);
    }
  }
  saveSettings(given);
  say(io, `Written to ${ENV_FILE}, which only you can read.`);
}
