import { mkdir, rm, rmdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type postgres from 'postgres';
import { seededRandom } from '../../dev/sandbox-odoo/random.ts';
import type { SandboxOdoo } from '../../dev/sandbox-odoo/sandbox.ts';
import { startSandboxOdoo } from '../../dev/sandbox-odoo/sandbox.ts';
import { openClient } from '../../src/db/client.ts';
import { migrate } from '../../src/db/migrate.ts';
import { verifyMirror } from '../../src/sync/maintenance/verify.ts';
import type { Release, TestMirror } from '../support/test-setup.ts';
import { openTestMirrors } from '../support/test-setup.ts';
import { waitFor } from '../support/wait-for.ts';
import { ORDERS, settingsOf } from '../sync/source/source-setup.ts';
import { checkHiddenLines, checkLedger, checkMirror, checkOther, checkTrail } from './checks/checks.ts';
import { FeedReader } from './checks/feed-reader.ts';
import { MirrorView } from './checks/mirror-view.ts';
import type { FaultLog } from './fault-player.ts';
import { playFaults } from './fault-player.ts';
import type { Figures } from './figures.ts';
import { difference, runFigures } from './figures.ts';
import { Clock } from './odoo/clock.ts';
import { growDocuments } from './odoo/grow.ts';
import { BC, History, LINE } from './odoo/history.ts';
import { OdooWriter } from './odoo/odoo-writer.ts';
import { mirrorsFile, OTHER_MIRRORS, OtherWriter } from './odoo/other-models.ts';
import { duration, paced, pause } from './pace.ts';
import type { Schedule } from './schedule.ts';
import { Links } from './servers/links.ts';
import type { ScenarioSetup } from './servers/scenario-setup.ts';
import { WorkerProcesses } from './servers/worker-processes.ts';
import { settle } from './settle.ts';

export interface Outcome {
  readonly problems: readonly string[];
  readonly figures: Figures;
  /** Where the logs of the workers are; removed when there was no problem. */
  readonly logs: string;
}

/** With the BCs that are hidden for a while, below the 50 that a sweep archives without a question. */
const MOST_DELETED = 20;

const WORKERS = 2;

const STUCK = 'stuck (runs, jobs, leases, failures, BCs)';

/**
 * Short, so that a scenario has many runs and gives up a frozen worker within seconds. Longer than a healthy process
 * waits for a processor on a loaded machine.
 */
const HURRIED = {
  ...{ SYNC_EVERY: duration(2000), SWEEP_EVERY: duration(4000), SWEEP_REREAD: duration(20_000) },
  FULL_SYNC_CRON: 'off',
  ...{ SYNC_LEASE: duration(5000), QUEUE_LOCK: duration(3000) },
  ...{ SYNC_ATTEMPTS: '3', SYNC_BACKOFF: '50ms', SYNC_PAGE_SIZE: '20', SYNC_OVERLAP: '2s' },
  ...{ DATABASE_IDLE_IN_TRANSACTION: duration(3000), DATABASE_LOCK_TIMEOUT: duration(5000) },
  ...{ DATABASE_PEER_TIMEOUT: duration(5000), ODOO_TIMEOUT_MS: String(paced(2000)) },
  ...{ LOG_LEVEL: 'info', SHUTDOWN_DEADLINE: duration(20_000), DATABASE_AWAIT_MIGRATIONS: 'on' },
};

/** The pace of the other mirrors: their runs meet those of the mirror `bc` at any moment. */
const OTHERS_EVERY_MS = 3000;

/** The checks ask for much, and of an Odoo without faults. */
const PATIENT = { LOG_LEVEL: 'silent', ODOO_TIMEOUT_MS: '60000' };

/** Plays the scenario of a schedule from an empty mirror to the end, and checks the result. */
export async function play(setup: ScenarioSetup, schedule: Schedule): Promise<Outcome> {
  const { seed, documents } = schedule;
  const logs = join(tmpdir(), `passerelle-chaos-${process.pid}`, `seed-${seed}`);
  await rm(logs, { recursive: true, force: true });
  await mkdir(logs, { recursive: true });
  const random = seededRandom(seed + 1);
  const clock = new Clock(
    random,
    schedule.acts.some((act) => act.disturbances.some(({ disturbance }) => disturbance.kind === 'skew')),
  );
  const odoo = await startSandboxOdoo({ documents, seed, clock: clock.now, headerClock: clock.headerNow });
  growDocuments(odoo, random);
  clock.begin();
  const name = `passerelle_chaos_${seed}`;
  const databaseUrl = await setup.emptyDatabase(name);
  if (schedule.schemaAfterMs === null) await migrate(databaseUrl);
  const files = await writeMirrorsFiles(logs);
  const env = { ...environment(setup, schedule, odoo, databaseUrl, name), MIRRORS_FILE: files.usual };
  const links = await Promise.all(Array.from({ length: WORKERS }, () => Links.open(env)));
  const processes = new WorkerProcesses(
    links.map((link) => link.through(env)),
    logs,
  );
  const log: FaultLog = { played: new Map(), hiddenLines: new Set(), installations: [] };
  const releases: Release[] = [];
  try {
    // The workers create the tables.
    const opened = await openTestMirrors({ ...env, ...PATIENT }, releases, false);
    const mirrors = [...opened.values()];
    const servers = { setup, processes, links, databaseUrl, env, logs, files };
    const outcome = await act({ ...servers, schedule, odoo, clock, mirrors, log });
    if (outcome.problems.length === 0) await discard(logs);
    else await writeFile(join(logs, 'problems.txt'), outcome.problems.join('\n'));
    return { ...outcome, logs };
  } catch (error) {
    const problem = `the scenario broke off: ${error instanceof Error ? error.stack : String(error)}`;
    // Mostly a run that did not end in time.
    return { problems: [problem, ...processes.collapsed], figures: { seeds: 1, [STUCK]: 1 }, logs };
  } finally {
    processes.abandon();
    for (const installation of log.installations) await installation.stop();
    for (const release of releases.reverse()) await release();
    for (const link of links) await link.close();
    await odoo.stop();
    await setup.dropDatabases();
  }
}

interface MirrorsFiles {
  readonly usual: string;
  /** Another model for the mirror `bc`. */
  readonly otherModel: string;
  readonly unscheduled: string;
}

async function writeMirrorsFiles(folder: string): Promise<MirrorsFiles> {
  const orders = { model: ORDERS.ODOO_MODEL, lines: ORDERS.ODOO_LINE_MODEL };
  const texts = {
    usual: mirrorsFile({ everyMs: OTHERS_EVERY_MS }),
    otherModel: mirrorsFile({ everyMs: OTHERS_EVERY_MS, bc: orders }),
    unscheduled: mirrorsFile({ everyMs: null }),
  };
  const path = (name: keyof MirrorsFiles) => join(folder, `${name}.yaml`);
  for (const name of ['usual', 'otherModel', 'unscheduled'] as const)
    await writeFile(path(name), texts[name]);
  return { usual: path('usual'), otherModel: path('otherModel'), unscheduled: path('unscheduled') };
}

/** With the folder around it, unless another scenario's logs are there. */
async function discard(logs: string): Promise<void> {
  await rm(logs, { recursive: true });
  await rmdir(dirname(logs)).catch(() => {});
}

function environment(
  setup: ScenarioSetup,
  { protocol }: Schedule,
  odoo: SandboxOdoo,
  databaseUrl: string,
  name: string,
): Record<string, string> {
  return {
    ...HURRIED,
    ODOO_PROTOCOL: protocol,
    DATABASE_URL: databaseUrl,
    REDIS_URL: setup.redisUrl,
    QUEUE_PREFIX: name,
    ODOO_USER: odoo.user,
    ...settingsOf(odoo),
  };
}

interface Actors {
  readonly schedule: Schedule;
  readonly setup: ScenarioSetup;
  readonly odoo: SandboxOdoo;
  readonly processes: WorkerProcesses;
  readonly links: readonly Links[];
  readonly clock: Clock;
  /** The mirror `bc` is the first one. */
  readonly mirrors: readonly TestMirror[];
  readonly files: MirrorsFiles;
  readonly databaseUrl: string;
  readonly env: Readonly<Record<string, string>>;
  readonly logs: string;
  readonly log: FaultLog;
}

interface Played {
  readonly history: History;
  readonly odooWriter: OdooWriter;
  readonly otherWriter: OtherWriter;
  /** In the order of the mirrors. */
  readonly feeds: readonly FeedReader[];
  /** The BCs that were changed or deleted when the last fault was over. */
  readonly afterwards: readonly number[];
}

async function act(cast: Actors): Promise<Omit<Outcome, 'logs'>> {
  const { setup, odoo, processes, schedule, mirrors, databaseUrl, log, files } = cast;
  const begin = performance.now();
  const before = setup.events;
  const played = await perform(cast);
  const sql = openClient(databaseUrl, 2);
  try {
    await settle(sql, mirrors, processes, files.unscheduled);
    const { problems, figures } = await inspect(sql, cast, played);
    const happened = {
      ...{ seeds: 1, seconds: Math.round((performance.now() - begin) / 1000), 'kill -9': processes.kills },
      'workers frozen': processes.freezes,
      ...difference(setup.events, before),
      'second installations refused': log.installations.reduce((sum, { refusals }) => sum + refusals, 0),
      'workers refused after Redis was emptied': processes.refusals,
      'lines hidden alone': log.hiddenLines.size,
      'transactions in Odoo': played.odooWriter.commits + played.otherWriter.commits,
      'of these in other models': played.otherWriter.commits,
      'of these late': played.odooWriter.lateCommits,
      'BCs deleted in Odoo': played.odooWriter.deleted,
      ...Object.fromEntries([...odoo.faults.taken].map(([fault, n]) => [`Odoo's answers: ${fault}`, n])),
      ...Object.fromEntries([...log.played].map(([kind, n]) => [`played: ${kind}`, n])),
      ...(schedule.schemaAfterMs === null ? {} : { 'played: late schema': 1 }),
    };
    return { problems, figures: { ...happened, ...(await runFigures(sql)), ...figures } };
  } finally {
    await sql.end({ timeout: 5 });
  }
}

/** From the first start of the workers to the moment when nothing goes wrong any more. */
async function perform(cast: Actors): Promise<Played> {
  const { schedule, odoo, processes, clock, mirrors, databaseUrl, files } = cast;
  const history = new History(odoo);
  const odooWriter = new OdooWriter(odoo, seededRandom(schedule.seed + 2), clock, history);
  const otherWriter = new OtherWriter(odoo, seededRandom(schedule.seed + 3), clock, history);
  const mirrorView = new MirrorView(databaseUrl);
  const feeds = mirrors.map(({ mirror }) => new FeedReader(mirror));
  const asked: Promise<unknown>[] = [];
  const request: TestMirror['request'] = (mode, ids) => {
    const asking = bcOf(mirrors).request(mode, ids);
    asked.push(asking.catch(() => {}));
    return asking;
  };
  const targets = { ...cast, odooWriter, mirrorView, request, otherModelFile: files.otherModel };
  processes.start();
  if (schedule.schemaAfterMs !== null) {
    await pause(schedule.schemaAfterMs);
    await migrate(databaseUrl);
  }
  await waitFor(() => odoo.calls.length > 0, 'the workers to ask Odoo');
  odooWriter.start();
  otherWriter.start();
  for (const feed of feeds) feed.start();
  const [first, second] = schedule.acts;
  await playFaults(targets, first);
  await mirrorView.firstFullRuns(mirrors.map(({ mirror }) => mirror.definition.key));
  odooWriter.mostDeleted = MOST_DELETED;
  await playFaults(targets, second);
  await odooWriter.stop();
  await otherWriter.stop();
  odoo.faults.clear();
  await Promise.all(asked);
  const afterwards = odooWriter.aftermath(await mirrorView.mirrored());
  return { history, odooWriter, otherWriter, feeds, afterwards };
}

function bcOf([bc]: readonly TestMirror[]): TestMirror {
  if (bc === undefined) throw new Error('a scenario has a mirror');
  return bc;
}

async function inspect(
  sql: postgres.Sql,
  { odoo, processes, mirrors, log }: Actors,
  { history, feeds, afterwards }: Played,
): Promise<Omit<Outcome, 'logs'>> {
  const problems: string[] = [...processes.collapsed];
  let duplicates = 0;
  for (const { mirror } of mirrors) {
    const { ok, examples, ...verified } = await verifyMirror({ ...mirror, pageSize: 500 }, () => {});
    duplicates += verified.duplicates;
    const { name } = mirror.definition;
    if (!ok) problems.push(`verify of ${name}: ${JSON.stringify({ ...verified, examples })}`);
  }
  const stored = await checkMirror(sql, odoo);
  const trails = [await checkTrail(sql, stored.bcs, history)];
  const wrong = [...stored.problems];
  for (const other of OTHER_MIRRORS) {
    const found = await checkOther(sql, odoo, other);
    wrong.push(...found.problems);
    trails.push(await checkTrail(sql, found.bcs, history, other));
  }
  const stayed = [...log.hiddenLines].filter((line) => !history.moved(line));
  const hidden = await checkHiddenLines(sql, stayed);
  const untold = (await Promise.all(feeds.map((feed) => feed.stop(sql)))).flat();
  const left = await checkLedger(
    sql,
    mirrors.map(({ mirror }) => mirror.queues),
  );
  const foreign: string[] = [];
  for (const installation of log.installations)
    foreign.push(...installation.problems, ...(await installation.documentsOfOthers()));
  // Each of these BCs changed or was deleted after the last fault: the mirror must still follow.
  const stuck = stored.wrong.filter((id) => afterwards.includes(id));
  const trailProblems = trails.flatMap((trail) => trail.problems);
  const twice = feeds.flatMap((feed) => feed.twice);
  problems.push(...wrong, ...trailProblems, ...hidden, ...untold, ...twice, ...left, ...foreign);
  problems.push(...stuck.map((id) => `BC ${id} can no longer be changed or archived`));
  const figures = {
    'BCs compared': odoo.count(BC),
    'lines compared': odoo.count(LINE),
    'records of other mirrors compared': OTHER_MIRRORS.reduce((sum, { model }) => sum + odoo.count(model), 0),
    'BCs changed or deleted after the last fault': afterwards.length,
    'changes in the audit trails': trails.reduce((sum, { entries }) => sum + entries, 0),
    'changes in the feeds': feeds.reduce((sum, { changes }) => sum + changes, 0),
    'feeds that began anew': feeds.reduce((sum, { restarts }) => sum + restarts, 0),
    'faults of the audit trails': trailProblems.length,
    'documents of another installation': foreign.length,
    lost: wrong.length + hidden.length + untold.length,
    doubled: duplicates + twice.length + trails.reduce((sum, trail) => sum + trail.twice.length, 0),
    [STUCK]: left.length + stuck.length,
  };
  return { problems, figures };
}
