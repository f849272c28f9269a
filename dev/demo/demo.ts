import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { MirrorConfig } from '../../src/config/index.ts';
import type { Database } from '../../src/db/client.ts';
import { countDocuments, EVERY_BC } from '../../src/db/documents/queries.ts';
import { bcStore } from '../../src/db/documents/tables.ts';
import { choosePort, urlOf } from '../../src/embedded/ports.ts';
import { startProduct } from '../../src/embedded/product-process.ts';
import { openWorkspace } from '../../src/embedded/workspace.ts';
import type { SyncQueue } from '../../src/queues/jobs.ts';
import { withResources } from '../../src/shared/lifecycle.ts';
import { simulateActivity } from '../sandbox-odoo/activity.ts';
import type { SandboxOdoo } from '../sandbox-odoo/sandbox.ts';
import { startSandboxOdoo } from '../sandbox-odoo/sandbox.ts';
import { type Address, checkList, makeDemoKey, untilReady } from './api.ts';
import { type Context, count, type Ending, type Screen, wasAsked } from './context.ts';
import { WrongCountError } from './errors.ts';
import { claimDatabase, openDemoQueues, openMigrated, startStores } from './servers.ts';
import type { Environment } from './settings.ts';
import { checkSettings, demoEnvironment, isSet, shellExports, withSandbox } from './settings.ts';
import {
  breakForAWhile,
  checkGateway,
  chooseBroken,
  firstFullSync,
  runLine,
  showRuns,
  trytonFor,
} from './steps.ts';
import { guide } from './text.ts';

const ACTIVITY_EVERY_MS = 2000;

interface DemoOptions {
  /** Ends by itself after everything was seen to work. */
  readonly once: boolean;
  /** Number of BCs in the sandbox. */
  readonly documents: number;
}

/**
 * Starts everything, mirrors everything, shows where to look, and runs until the end comes. In every case it removes
 * all that it started.
 */
export async function runDemo(options: DemoOptions, ending: Ending, screen: Screen): Promise<void> {
  try {
    await withResources((defer) => play(options, { ending, screen, defer }));
  } catch (reason) {
    if (!wasAsked(reason)) throw reason;
  }
  screen.line('Stopped. Nothing is left running.');
}

async function play({ once, documents }: DemoOptions, context: Context): Promise<void> {
  const { ending, defer } = context;
  const wanted = demoEnvironment(process.env);
  const { http, queuePrefix } = checkSettings(wanted);
  const port = await portOf(context, http);
  defer(() => context.screen.line('Stopping.'));
  const { databaseUrl, redisUrl } = await startStores(context);
  const sandbox = isSet(wanted, 'ODOO_URL') ? null : await startSandbox(context, documents);
  const tryton = await trytonFor(context, wanted);
  const db = await openMigrated(context, databaseUrl);
  if (sandbox !== null && isSet(process.env, 'DATABASE_URL')) await claimDatabase(db);
  const ownPrefix = isSet(process.env, 'REDIS_URL') && !isSet(process.env, 'QUEUE_PREFIX');
  const key = await makeDemoKey(context, db);
  const queues = openDemoQueues(context, redisUrl, queuePrefix, ownPrefix);
  const env = {
    ...(sandbox === null ? wanted : withSandbox(wanted, loginOf(sandbox))),
    ...tryton,
    ...{ DATABASE_URL: databaseUrl, REDIS_URL: redisUrl, PORT: String(port) },
  };
  const files = await startProcesses(context, env, key);
  const url = urlOf(http.host, port);
  await untilReady(url, ending);
  context.screen.line(`API at ${url} and worker are up.`);
  await checkGateway(context, { url, key });
  const listed = await mirrorEverything(context, { db, queue: queues.sync, sandbox, url, key });
  const broken = sandbox === null || once ? null : chooseBroken(sandbox, listed.id);
  context.screen.line(await guide({ ...files, url, key, listed, http, broken, sandboxed: sandbox !== null }));
  if (once) return;
  if (sandbox !== null) startEdits(context, sandbox, listed.id);
  if (sandbox !== null && broken !== null) await breakForAWhile(context, sandbox, broken, { url, key });
  await showRuns(context, db);
}

async function portOf({ screen }: Context, { host, port }: MirrorConfig['http']): Promise<number> {
  const free = await choosePort(host, port, isSet(process.env, 'PORT'));
  if (free !== port && port !== 0) screen.line(`Port ${port} is in use: the API uses ${free}.`);
  return free;
}

interface Parts extends Address {
  readonly db: Database;
  readonly queue: SyncQueue;
  readonly sandbox: SandboxOdoo | null;
}

/**
 * Runs the first full sync, and checks that all parts count the same after it.
 *
 * @throws WrongCountError, FirstSyncFailedError
 */
async function mirrorEverything({ ending, screen }: Context, { db, queue, sandbox, url, key }: Parts) {
  const run = await firstFullSync({ db, queue, ending, show: (text) => screen.status(text) });
  screen.line(`First full sync: ${runLine(run)}`);
  const expected = sandbox?.count('dimagaz.bc') ?? run.seen;
  if (run.seen !== expected) throw new WrongCountError('The run', run.seen, 'the sandbox', expected);
  const listed = await checkList({ url, key }, () => countDocuments(bcStore(db), EVERY_BC));
  screen.line(`The API lists ${count(listed.total)} BC.`);
  return listed;
}

async function startSandbox({ screen, defer }: Context, documents: number): Promise<SandboxOdoo> {
  const sandbox = await startSandboxOdoo({ documents });
  defer(() => sandbox.stop());
  const lines = sandbox.count('dimagaz.bc.line');
  screen.line(`Odoo: a sandbox at ${sandbox.url} with ${count(documents)} BC and ${count(lines)} lines`);
  return sandbox;
}

function loginOf({ url, db, user, apiKey }: SandboxOdoo) {
  return { ODOO_URL: url, ODOO_DB: db, ODOO_USER: user, ODOO_PASSWORD: apiKey };
}

/** Starts the API and a worker, as in production, and writes a file with the settings that the command line needs. */
async function startProcesses({ ending, defer }: Context, env: Environment, key: string) {
  const workspace = await openWorkspace();
  defer(() => workspace.clean());
  const envFile = join(workspace.directory, 'env');
  await writeFile(envFile, shellExports({ ...env, PASSERELLE_KEY: key }), { mode: 0o600 });
  const failed = (error: Error) => ending.fail(error);
  const api = startProduct(workspace, { name: 'API', env, failed });
  defer(() => api.stop());
  const worker = startProduct(workspace, { name: 'worker', env, failed });
  defer(() => worker.stop());
  return { envFile, logs: [api.log, worker.log] };
}

/** Keeps changing the sandbox, beginning with the BC that the text shows. */
function startEdits({ defer }: Context, sandbox: SandboxOdoo, shown: number): void {
  sandbox.write('dimagaz.bc', [shown], { notes: 'Written while the demo ran.', urgent: true });
  const edits = simulateActivity(sandbox, { everyMs: ACTIVITY_EVERY_MS });
  defer(() => edits.stop());
}
