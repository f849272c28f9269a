import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { grantLease } from '../../../src/db/runs/lease.ts';
import { addItems, closeItems } from '../../../src/db/runs/ledger.ts';
import { freshDatabase } from '../../support/database.ts';
import { addRun, incidentsOf, lookAtMirror, truncateAll } from './rows.ts';

let database: Awaited<ReturnType<typeof freshDatabase>>;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.close());
beforeEach(() => truncateAll(database.db));

/** A run each minute, stale after ten. */
const MINUTE = { everyMs: 60_000, staleIntervals: 10 };

async function news(settings: { everyMs: number | null; staleIntervals: number } = MINUTE) {
  const { opened, resolved } = await lookAtMirror(database.db, [], settings);
  return [opened, resolved].map((rows) => rows.map(({ kind }) => kind));
}
const NOTHING = [[], []];
const STALE = [['mirror_stale'], []];
const FRESH = [[], ['mirror_stale']];

test('no success for so many intervals is one incident, until the next success', async () => {
  await addRun(database.db, 'incremental', 'success', { endedAgo: 500 });
  expect(await news()).toEqual(NOTHING);
  await database.client`update sync_log set finished_at = finished_at - interval '200 seconds'`;
  // Runs that do not bring the mirror up to date.
  for (const mode of ['sweep', 'single'] as const) await addRun(database.db, mode, 'success');
  await addRun(database.db, 'incremental', 'skipped');
  expect(await news()).toEqual(STALE);
  expect(await news()).toEqual(NOTHING);
  expect(await incidentsOf(database.db)).toMatchObject([
    { subject: 'bclinbc', code: 'mirror_stale', runId: null, message: expect.stringContaining('every 60 s') },
  ]);
  await addRun(database.db, 'incremental', 'partial');
  expect(await news()).toEqual(FRESH);
  expect(await news()).toEqual(NOTHING);
});

test('a mirror that never had a success counts from the first run that was asked for', async () => {
  expect(await news()).toEqual(NOTHING);
  await addRun(database.db, 'full', 'queued', { endedAgo: 500 });
  expect(await news()).toEqual(NOTHING);
  await addRun(database.db, 'full', 'queued', { endedAgo: 700, id: 0 });
  expect(await news()).toEqual(STALE);
});

test('with SYNC_EVERY off no run is expected, and an incident is left to the next success', async () => {
  await addRun(database.db, 'full', 'success', { endedAgo: 86_400 });
  expect(await news({ ...MINUTE, everyMs: null })).toEqual(NOTHING);
  expect(await news()).toEqual(STALE);
  expect(await news({ ...MINUTE, everyMs: null })).toEqual(NOTHING);
  await addRun(database.db, 'full', 'success');
  expect(await news({ ...MINUTE, everyMs: null })).toEqual(FRESH);
});

test('processes whose settings differ do not open and end it in turn', async () => {
  await addRun(database.db, 'full', 'success', { endedAgo: 700 });
  expect(await news()).toEqual(STALE);
  for (let i = 0; i < 3; i++) {
    expect(await news({ everyMs: 3_600_000, staleIntervals: 10 })).toEqual(NOTHING);
    expect(await news()).toEqual(NOTHING);
  }
});

test('a long load that gets further is not stale; one that hangs is, until it goes on', async () => {
  const { db, client } = database;
  const runId = await addRun(db, 'full', 'running', {
    endedAgo: 7200,
    plannedAt: new Date(Date.now() - 7e6),
  });
  await addItems(
    db,
    runId,
    [1, 2, 3].map((odooId) => ({ odooId, page: 0 })),
  );
  await closeItems(db, { runId, odooIds: [1], state: 'created' });
  expect(await news()).toEqual(NOTHING);
  await client`update sync_run_item set closed_at = closed_at - interval '11 minutes'`;
  // A resync goes on meanwhile.
  const single = await addRun(db, 'single', 'running', { plannedAt: new Date() });
  await addItems(db, single, [{ odooId: 9, page: 0 }]);
  await closeItems(db, { runId: single, odooIds: [9], state: 'created' });
  expect(await news()).toEqual(STALE);
  await closeItems(db, { runId, odooIds: [2], state: 'created' });
  expect(await news()).toEqual(FRESH);
});

/** A run that is planned for that long, with a planner that holds the lease. */
async function addPlanned(mode: 'incremental' | 'sweep', ago: number) {
  const startedAt = new Date(Date.now() - ago * 1000);
  const runId = await addRun(database.db, mode, 'running', { endedAgo: ago, startedAt });
  await grantLease(database.db, 'bclinbc', runId, 120_000);
  return runId;
}
const step = (runId: number, ago = 0) => database.client`
  update sync_log set last_step_at = clock_timestamp() - ${ago} * interval '1 second' where id = ${runId}`;

test('a run that takes long to be planned is not stale while its planner makes progress and holds the lease', async () => {
  const { db, client } = database;
  await addRun(db, 'incremental', 'success', { endedAgo: 700 });
  const sweep = await addPlanned('sweep', 690);
  await step(sweep, 500);
  await addRun(db, 'incremental', 'skipped');
  expect(await news()).toEqual(NOTHING);
  await client`update sync_state set lease_expires_at = now() - interval '1 second'`;
  expect(await news()).toEqual(STALE);
  // It is resumed: that it is being planned does not show yet that it will come to an end.
  await grantLease(db, 'bclinbc', sweep, 120_000);
  expect(await news()).toEqual(NOTHING);
  await step(sweep);
  expect(await news()).toEqual(FRESH);
});

test('a planner that holds the lease and makes no progress is stale', async () => {
  const { db } = database;
  await addRun(db, 'incremental', 'success', { endedAgo: 700 });
  const sweep = await addPlanned('sweep', 590);
  // Its first step may take a while.
  expect(await news()).toEqual(NOTHING);
  await step(sweep, 610);
  expect(await news()).toEqual(STALE);
  await step(sweep);
  expect(await news()).toEqual(FRESH);
});

test('a planner that never made a step is stale when the run started too long ago', async () => {
  await addRun(database.db, 'incremental', 'success', { endedAgo: 700 });
  await addPlanned('sweep', 650);
  expect(await news()).toEqual(STALE);
});

test('the progress of a planner excuses nothing after a failed run, and ends no incident', async () => {
  const { db } = database;
  await addRun(db, 'incremental', 'success', { endedAgo: 700 });
  await addRun(db, 'incremental', 'failed', { endedAgo: 400 });
  const run = await addPlanned('incremental', 10);
  await step(run);
  expect((await news())[0]).toContain('mirror_stale');
  await step(run);
  expect((await news())[1]).not.toContain('mirror_stale');
});
