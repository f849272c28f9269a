import { mkdir, rm, rmdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type postgres from 'postgres';
import { seededRandom } from '../../dev/sandbox-odoo/random.ts';
import type { SandboxOdoo } from '../../dev/sandbox-odoo/sandbox.ts';
import { startSandboxOdoo } from '../../dev/sandbox-odoo/sandbox.ts';
import { openClient } from '../../src/db/client.ts';
import { verifyMirror } from '../../src/sync/maintenance/verify.ts';
import type { Release, TestMirror } from '../support/test-setup.ts';
import { openTestMirror } from '../support/test-setup.ts';
import { waitFor } from '../support/wait-for.ts';
import { checkLedger, checkMirror, checkTrail } from './checks.ts';
import { playFaults } from './fault-player.ts';
import type { Figures } from './figures.ts';
import { runFigures } from './figures.ts';
import { growDocuments } from './grow.ts';
import { BC, History, LINE } from './history.ts';
import { MirrorView } from './mirror-view.ts';
import { OdooWriter } from './odoo-writer.ts';
import { Clock, type ScenarioSetup } from './scenario-setup.ts';
import type { Schedule } from './schedule.ts';
import { settle } from './settle.ts';
import { WorkerProcesses } from './worker-processes.ts';

export interface Outcome {
  readonly problems: readonly string[];
  readonly figures: Figures;
  /** Where the logs of the workers are; removed when there was no problem. */
  readonly logs: string;
}

/** With the BCs that are hidden for a while, below the 50 that a sweep archives without a question. */
const MOST_DELETED = 25;

/** Everything short, so that a scenario has many runs. */
const HURRIED = {
  ...{ SYNC_EVERY: '2s', SWEEP_EVERY: '4s', SWEEP_REREAD: '20s', FULL_SYNC_CRON: 'off' },
  ...{ SYNC_LEASE: '3s', QUEUE_LOCK: '2s' },
  ...{ SYNC_ATTEMPTS: '3', SYNC_BACKOFF: '50ms', SYNC_PAGE_SIZE: '20', SYNC_OVERLAP: '2s' },
  DATABASE_IDLE_IN_TRANSACTION: 'off',
  ...{ ODOO_TIMEOUT_MS: '1500', LOG_LEVEL: 'info' },
};

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
  const odoo = await startSandboxOdoo({ documents, seed, clock: clock.now });
  growDocuments(odoo, random);
  clock.begin();
  const name = `passerelle_chaos_${seed}`;
  await setup.dropDatabase(name);
  const databaseUrl = await setup.freshDatabase(name);
  const env = environment(setup, schedule, odoo, databaseUrl, name);
  const processes = new WorkerProcesses(env, logs);
  const releases: Release[] = [];
  try {
    const testMirror = openTestMirror({ ...env, LOG_LEVEL: 'silent' }, releases);
    const outcome = await act({ schedule, setup, odoo, processes, clock, testMirror, databaseUrl });
    if (outcome.problems.length === 0) await discard(logs);
    else await writeFile(join(logs, 'problems.txt'), outcome.problems.join('\n'));
    return { ...outcome, logs };
  } catch (error) {
    const problem = `the scenario broke off: ${error instanceof Error ? error.stack : String(error)}`;
    return { problems: [problem, ...processes.collapsed], figures: {}, logs };
  } finally {
    processes.abandon();
    for (const release of releases.reverse()) await release();
    await odoo.stop();
  }
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
    ODOO_URL: odoo.url,
    ODOO_DB: odoo.db,
    ODOO_USER: odoo.user,
    ODOO_PASSWORD: odoo.apiKey,
  };
}

interface Actors {
  readonly schedule: Schedule;
  readonly setup: ScenarioSetup;
  readonly odoo: SandboxOdoo;
  readonly processes: WorkerProcesses;
  readonly clock: Clock;
  readonly testMirror: TestMirror;
  readonly databaseUrl: string;
}

interface Played {
  readonly history: History;
  readonly odooWriter: OdooWriter;
}

async function act(cast: Actors): Promise<Omit<Outcome, 'logs'>> {
  const { setup, odoo, processes, testMirror, databaseUrl } = cast;
  const begin = performance.now();
  const before = { flushes: setup.flushes, redis: setup.redisRestarts, postgres: setup.postgresRestarts };
  const played = await perform(cast);
  const sql = openClient(databaseUrl, 2);
  try {
    await settle(sql, testMirror, processes);
    const { problems, figures } = await inspect(sql, cast, played);
    const happened = {
      ...{ seeds: 1, seconds: Math.round((performance.now() - begin) / 1000), 'kill -9': processes.kills },
      'Redis flushed': setup.flushes - before.flushes,
      'Redis restarted': setup.redisRestarts - before.redis,
      'PostgreSQL restarted': setup.postgresRestarts - before.postgres,
      'transactions in Odoo': played.odooWriter.commits,
      'of these late': played.odooWriter.lateCommits,
      'BCs deleted in Odoo': played.odooWriter.deleted,
      ...Object.fromEntries([...odoo.faults.taken].map(([fault, n]) => [`Odoo's answers: ${fault}`, n])),
    };
    return { problems, figures: { ...happened, ...(await runFigures(sql)), ...figures } };
  } finally {
    await sql.end({ timeout: 5 });
  }
}

/** From the first start of the workers to the moment when nothing goes wrong any more. */
async function perform({
  schedule,
  setup,
  odoo,
  processes,
  clock,
  testMirror,
  databaseUrl,
}: Actors): Promise<Played> {
  const history = new History(odoo);
  const odooWriter = new OdooWriter(odoo, seededRandom(schedule.seed + 2), clock, history);
  const mirrorView = new MirrorView(databaseUrl);
  const asked: Promise<unknown>[] = [];
  const request: TestMirror['request'] = (mode, ids) => {
    const asking = testMirror.request(mode, ids);
    asked.push(asking.catch(() => {}));
    return asking;
  };
  const targets = { odoo, setup, processes, clock, mirrorView, request };
  processes.start();
  await waitFor(() => odoo.calls.length > 0, 'the workers to ask Odoo');
  odooWriter.start();
  const [first, second] = schedule.acts;
  await playFaults(targets, first);
  await mirrorView.firstFullRun();
  odooWriter.mostDeleted = MOST_DELETED;
  await playFaults(targets, second);
  await odooWriter.stop();
  odoo.faults.clear();
  await Promise.all(asked);
  return { history, odooWriter };
}

async function inspect(
  sql: postgres.Sql,
  { odoo, processes, testMirror }: Actors,
  { history }: Played,
): Promise<Omit<Outcome, 'logs'>> {
  const { mirror } = testMirror;
  const { ok, examples, ...verified } = await verifyMirror({ ...mirror, pageSize: 500 }, () => {});
  const stored = await checkMirror(sql, odoo);
  const trail = await checkTrail(sql, stored.bcs, history);
  const left = await checkLedger(sql, mirror.queues);
  const problems = [
    ...processes.collapsed,
    ...(ok ? [] : [`verify: ${JSON.stringify({ ...verified, examples })}`]),
    ...[...stored.problems, ...trail.problems, ...left],
  ];
  const figures = {
    'BCs compared': odoo.count(BC),
    'lines compared': odoo.count(LINE),
    'changes in the audit trail': trail.entries,
    'records lost, stale or misplaced': stored.problems.length,
    'records doubled': verified.duplicates,
    'changes lost or recorded twice': trail.problems.length,
    'jobs, leases, runs or failures left over': left.length,
  };
  return { problems, figures };
}
