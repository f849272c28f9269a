import { mkdir, rm, rmdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type postgres from 'postgres';
import { seededRandom } from '../../dev/sandbox-odoo/random.ts';
import type { SandboxOdoo } from '../../dev/sandbox-odoo/sandbox.ts';
import { startSandboxOdoo } from '../../dev/sandbox-odoo/sandbox.ts';
import { openClient } from '../../src/db/client.ts';
import { verifyMirror } from '../../src/sync/maintenance/verify.ts';
import type { Desk, Release } from '../support/test-environment.ts';
import { openDesk } from '../support/test-environment.ts';
import { until } from '../support/wait-for.ts';
import { calmDown } from './calm.ts';
import { checkLedger } from './check-ledger.ts';
import { checkMirror } from './check-mirror.ts';
import { checkTrail } from './check-trail.ts';
import { Clerk } from './clerk.ts';
import { Clock } from './clock.ts';
import { Crew } from './crew.ts';
import { disturb } from './director.ts';
import type { Figures } from './figures.ts';
import { runFigures } from './figures.ts';
import { growDocuments } from './grow.ts';
import { BC, History, LINE } from './history.ts';
import type { Lane } from './lane.ts';
import { Outlook } from './outlook.ts';
import type { Schedule } from './schedule.ts';

export interface Outcome {
  readonly problems: readonly string[];
  readonly figures: Figures;
  /** Where the logs of the workers are; removed when there was no problem. */
  readonly logs: string;
}

/** With the BCs that are hidden for a while, below the 50 that a sweep archives without a question. */
const MOST_DELETED = 25;

/** Everything short, so that a story has many runs. */
const HURRIED = {
  ...{ SYNC_EVERY: '2s', SWEEP_EVERY: '4s', FULL_SYNC_CRON: 'off', SYNC_LEASE: '3s', QUEUE_LOCK: '2s' },
  ...{ SYNC_ATTEMPTS: '3', SYNC_BACKOFF: '50ms', SYNC_PAGE_SIZE: '20', SYNC_OVERLAP: '2s' },
  DATABASE_IDLE_IN_TRANSACTION: 'off',
  ...{ ODOO_TIMEOUT_MS: '1500', LOG_LEVEL: 'info' },
};

/** Plays the scenario of a schedule from an empty mirror to the end, and checks the result. */
export async function play(lane: Lane, schedule: Schedule): Promise<Outcome> {
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
  await lane.dropDatabase(name);
  const databaseUrl = await lane.freshDatabase(name);
  const env = environment(lane, schedule, odoo, databaseUrl, name);
  const crew = new Crew(env, logs);
  const releases: Release[] = [];
  try {
    const desk = openDesk({ ...env, LOG_LEVEL: 'silent' }, releases);
    const outcome = await act({ schedule, lane, odoo, crew, clock, desk, databaseUrl });
    if (outcome.problems.length === 0) await discard(logs);
    else await writeFile(join(logs, 'problems.txt'), outcome.problems.join('\n'));
    return { ...outcome, logs };
  } catch (error) {
    const problem = `the story broke off: ${error instanceof Error ? error.stack : String(error)}`;
    return { problems: [problem, ...crew.collapsed], figures: {}, logs };
  } finally {
    crew.abandon();
    for (const release of releases.reverse()) await release();
    await odoo.stop();
  }
}

/** With the folder around it, unless another story's logs are there. */
async function discard(logs: string): Promise<void> {
  await rm(logs, { recursive: true });
  await rmdir(dirname(logs)).catch(() => {});
}

function environment(
  lane: Lane,
  { protocol }: Schedule,
  odoo: SandboxOdoo,
  databaseUrl: string,
  name: string,
): Record<string, string> {
  return {
    ...HURRIED,
    ODOO_PROTOCOL: protocol,
    DATABASE_URL: databaseUrl,
    REDIS_URL: lane.redisUrl,
    QUEUE_PREFIX: name,
    ODOO_URL: odoo.url,
    ODOO_DB: odoo.db,
    ODOO_USER: odoo.user,
    ODOO_PASSWORD: odoo.apiKey,
  };
}

interface Cast {
  readonly schedule: Schedule;
  readonly lane: Lane;
  readonly odoo: SandboxOdoo;
  readonly crew: Crew;
  readonly clock: Clock;
  readonly desk: Desk;
  readonly databaseUrl: string;
}

interface Played {
  readonly history: History;
  readonly clerk: Clerk;
}

async function act(cast: Cast): Promise<Omit<Outcome, 'logs'>> {
  const { lane, odoo, crew, desk, databaseUrl } = cast;
  const begin = performance.now();
  const before = { flushes: lane.flushes, redis: lane.redisRestarts, postgres: lane.postgresRestarts };
  const played = await perform(cast);
  const sql = openClient(databaseUrl, 2);
  try {
    await calmDown(sql, desk, crew);
    const { problems, figures } = await inspect(sql, cast, played);
    const happened = {
      ...{ seeds: 1, seconds: Math.round((performance.now() - begin) / 1000), 'kill -9': crew.kills },
      'Redis flushed': lane.flushes - before.flushes,
      'Redis restarted': lane.redisRestarts - before.redis,
      'PostgreSQL restarted': lane.postgresRestarts - before.postgres,
      'transactions in Odoo': played.clerk.commits,
      'of these late': played.clerk.lateCommits,
      'BCs deleted in Odoo': played.clerk.deleted,
      ...Object.fromEntries([...odoo.faults.taken].map(([fault, n]) => [`Odoo's answers: ${fault}`, n])),
    };
    return { problems, figures: { ...happened, ...(await runFigures(sql)), ...figures } };
  } finally {
    await sql.end({ timeout: 5 });
  }
}

/** From the first start of the workers to the moment when nothing goes wrong any more. */
async function perform({ schedule, lane, odoo, crew, clock, desk, databaseUrl }: Cast): Promise<Played> {
  const history = new History(odoo);
  const clerk = new Clerk(odoo, seededRandom(schedule.seed + 2), clock, history);
  const outlook = new Outlook(databaseUrl);
  const asked: Promise<unknown>[] = [];
  const request: Desk['request'] = (mode, ids) => {
    const asking = desk.request(mode, ids);
    asked.push(asking.catch(() => {}));
    return asking;
  };
  const stage = { odoo, lane, crew, clock, outlook, request };
  crew.start();
  await until(() => odoo.calls.length > 0, 'the workers to ask Odoo');
  clerk.start();
  const [first, second] = schedule.acts;
  await disturb(stage, first);
  await outlook.firstFullRun();
  clerk.mostDeleted = MOST_DELETED;
  await disturb(stage, second);
  await clerk.stop();
  odoo.faults.clear();
  await Promise.all(asked);
  return { history, clerk };
}

async function inspect(
  sql: postgres.Sql,
  { odoo, crew, desk }: Cast,
  { history }: Played,
): Promise<Omit<Outcome, 'logs'>> {
  const { mirror } = desk;
  const { ok, examples, ...verified } = await verifyMirror({ ...mirror, pageSize: 500 }, () => {});
  const stored = await checkMirror(sql, odoo);
  const trail = await checkTrail(sql, stored.bcs, history);
  const left = await checkLedger(sql, mirror.queues);
  const problems = [
    ...crew.collapsed,
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
