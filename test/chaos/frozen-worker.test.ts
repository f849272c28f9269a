import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seededRandom } from '../../dev/sandbox-odoo/random.ts';
import { startSandboxOdoo } from '../../dev/sandbox-odoo/sandbox.ts';
import { openClient } from '../../src/db/client.ts';
import { findRun } from '../../src/db/runs/runs.ts';
import { verifyMirror } from '../../src/sync/maintenance/verify.ts';
import type { Release, TestMirror } from '../support/test-setup.ts';
import { openTestMirror, QUICK } from '../support/test-setup.ts';
import { waitFor } from '../support/wait-for.ts';
import { settingsOf } from '../sync/source/source-setup.ts';
import { paced } from './pace.ts';
import { ScenarioSetup } from './servers/scenario-setup.ts';
import { WorkerProcesses } from './servers/worker-processes.ts';

/** How often a worker is frozen: FREEZE_COUNT, 20 if it is not set. */
const FREEZES = Number(process.env['FREEZE_COUNT'] || 20);

const SEED = Number(process.env['CHAOS_SEED'] || 1);
const BCS = 600;
const LEASE_MS = paced(6000);

/** A run that nothing keeps from ending does so sooner. */
const LIMIT_MS = 20 * LEASE_MS;

const SETTINGS = {
  ...QUICK,
  ...{ SYNC_LEASE: `${LEASE_MS}ms`, QUEUE_LOCK: `${paced(2000)}ms`, SYNC_PAGE_SIZE: '20' },
  DATABASE_IDLE_IN_TRANSACTION: `${paced(2000)}ms`,
  DATABASE_LOCK_TIMEOUT: `${paced(4000)}ms`,
};

const QUEUE_PREFIX = 'passerelle_frozen';

/**
 * A full run by two workers, one of which is frozen at a random moment and stays so: the run must end by itself. Reads
 * the sandbox, or the Odoo that ODOO_URL, ODOO_DB, ODOO_USER and ODOO_PASSWORD name.
 */
describe(`a full run, ${FREEZES} times with a worker frozen in the middle`, () => {
  const releases: Release[] = [];
  const random = seededRandom(SEED);
  let setup: ScenarioSetup;
  let env: Record<string, string>;
  let testMirror: TestMirror;
  let workers: WorkerProcesses;
  let database: postgres.Sql;
  /** The time of a run by both workers without a freeze. */
  let usualMs: number;

  const runOf = (runId: number) => findRun(testMirror.mirror.db, runId);
  const ended = async (runId: number) => {
    const run = await runOf(runId);
    return run?.finishedAt == null ? null : run;
  };
  /** Each run has to store everything. */
  const empty = () => database`truncate scrap_dimagaz_bc, scrap_dimagaz_bc_line, audit_log`;

  beforeAll(async () => {
    setup = await ScenarioSetup.open(() => {});
    releases.push(() => setup.close());
    const databaseUrl = await setup.freshDatabase(QUEUE_PREFIX);
    env = {
      ...SETTINGS,
      ...(await givenOdoo(releases)),
      ...{ DATABASE_URL: databaseUrl, REDIS_URL: setup.redisUrl, QUEUE_PREFIX },
    };
    database = openClient(databaseUrl, 1, { idleInTransactionMs: null, lockMs: null, peerMs: null });
    releases.push(() => database.end({ timeout: 5 }));
    testMirror = openTestMirror(env, releases);
    workers = new WorkerProcesses([env, env], await logDirectory(releases));
    releases.push(() => workers.abandon());
    workers.start();
    await testMirror.run('full');
    await empty();
    const begin = performance.now();
    await testMirror.run('full');
    usualMs = performance.now() - begin;
  });
  afterAll(async () => {
    for (const release of releases.reverse()) await release();
  });

  it('ends each time within three leases of the freeze', async () => {
    const afterFreeze: number[] = [];
    for (let time = 1; time <= FREEZES; time += 1) {
      await empty();
      const runId = await testMirror.request('full');
      await waitFor(async () => (await runOf(runId))?.startedAt != null, `the start of run ${runId}`);
      await pause(random.next() * usualMs);
      const frozen = workers.freeze(random.between(0, 1));
      const begin = performance.now();
      const run = await waitFor(() => ended(runId), `the end of run ${runId}`, LIMIT_MS);
      afterFreeze.push(performance.now() - begin);
      expect(run).toMatchObject({ status: 'success' });
      frozen.thaw();
    }
    const leases = afterFreeze.map((ms) => ms / LEASE_MS);
    const text = leases.map((count) => count.toFixed(1)).join(' ');
    process.stdout.write(
      `\nA full run takes ${(usualMs / 1000).toFixed(1)} s. After a freeze it ended within these leases of ` +
        `${LEASE_MS / 1000} s: ${text}\n`,
    );
    // The other worker takes longer alone.
    expect(Math.max(...leases)).toBeLessThanOrEqual(3 + (2 * usualMs) / LEASE_MS);
    expect(workers.collapsed).toEqual([]);
    expect(await verifyMirror({ ...testMirror.mirror, pageSize: 500 }, () => {})).toMatchObject({ ok: true });
  });
});

/** The Odoo of the environment with all its variables, or the sandbox. */
async function givenOdoo(releases: Release[]): Promise<Record<string, string>> {
  if (process.env['ODOO_URL']) {
    const given = Object.entries(process.env).filter(([name]) => name.startsWith('ODOO_'));
    return Object.fromEntries(given.map(([name, value]) => [name, value ?? '']));
  }
  const odoo = await startSandboxOdoo({ documents: BCS });
  releases.push(() => odoo.stop());
  return { ODOO_USER: odoo.user, ...settingsOf(odoo) };
}

async function logDirectory(releases: Release[]): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'passerelle-frozen-'));
  releases.push(() => rm(directory, { recursive: true }));
  return directory;
}
