import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findRun } from '../../../src/db/runs/runs.ts';
import { MAX_READING } from '../../../src/sync/fetch/batch-size.ts';
import { processPage } from '../../../src/sync/fetch/process-page.ts';
import { startRun } from '../../../src/sync/runs/start-run.ts';
import { redisUrl } from '../../support/redis.ts';
import type { TestSetup } from '../../support/test-setup.ts';
import { openTestSetup } from '../../support/test-setup.ts';
import { waitFor } from '../../support/wait-for.ts';

const BC = 'dimagaz.bc';
const MEGABYTE = 1024 * 1024;
const BCS = 40;
/** Two bytes each. */
const CHARACTERS = 100_000;

let setup: TestSetup;
let redis: Redis;
beforeAll(async () => {
  redis = new Redis(redisUrl());
  setup = await openTestSetup({ sandbox: { documents: BCS }, env: { SYNC_PAGES_IN_FLIGHT: '16' } });
  setup.odoo.write(BC, setup.odoo.ids(BC), { notes: 'é'.repeat(CHARACTERS) });
});
afterAll(async () => {
  redis?.disconnect();
  await setup?.close();
});

const keptKeys = () => redis.keys(`${setup.env['QUEUE_PREFIX']}:reading:*`);

/** The kept bytes of each BC. */
async function keptSizes(): Promise<number[]> {
  const keys = await keptKeys();
  const pages = await Promise.all(keys.map((key) => redis.hvals(key)));
  return pages.flat().map((text) => Buffer.byteLength(text));
}

const jobsOf = (state: 'waiting' | 'completed') => setup.mirror.queues.bc.getJobs([state]);

test('what large BCs put into Redis is bounded by their size, not by their number', async () => {
  const { mirror, database } = setup;
  const runId = await setup.request('full');
  const queued = await findRun(mirror.db, runId);
  if (queued === null) throw new Error('the run was just asked for');
  await startRun(mirror, queued);
  const [page] = await mirror.queues.pages.getJobs(['waiting']);
  if (page === undefined) throw new Error('all BCs fit into one page');
  // All of them would be 8 MB; with 16 pages in flight each of these has 2 MB of the 32.
  expect(await processPage(mirror, page.data, { number: 1, last: false })).toBeLessThan(BCS);
  const sizes = await keptSizes();
  const total = sizes.reduce((sum, size) => sum + size, 0);
  expect(Math.max(...sizes)).toBeGreaterThan(2 * CHARACTERS);
  expect(total).toBeGreaterThan(2 * MEGABYTE - MAX_READING);
  expect(total).toBeLessThanOrEqual(2 * MEGABYTE);
  const jobs = (await jobsOf('waiting')).map(({ data }) => JSON.stringify(data).length);
  expect(jobs).toHaveLength(sizes.length);
  expect(Math.max(...jobs)).toBeLessThan(200);
  const pages = await database.client`
    select p.page, p.state, count(i.odoo_id)::int as items from sync_run_page p
    left join sync_run_item i on i.run_id = p.run_id and i.page = p.page group by 1, 2 order by 1`;
  expect(pages.reduce((sum, { items }) => sum + items, 0)).toBe(BCS);
  expect(pages.map(({ state }) => state)).toEqual(['queued', ...pages.slice(1).map(() => 'planned')]);
  expect(pages.length).toBeGreaterThan(3);
  expect(Math.max(...pages.map(({ items }) => items))).toBe(sizes.length);
});

test('the run stores all of them, and no reading stays in Redis', async () => {
  await setup.work();
  const [asked] = await setup.database.client`select id from sync_log`;
  const run = await setup.ended(Number(asked?.['id']));
  expect(run).toMatchObject({ status: 'success', seen: BCS, created: BCS });
  const [stored] = await setup.database.client`
    select min(length(fields->>'notes')) as least, count(*)::int as n from scrap_dimagaz_bc`;
  expect(stored).toEqual({ least: CHARACTERS, n: BCS });
  expect(await jobsOf('completed')).toHaveLength(BCS);
  await waitFor(async () => (await keptKeys()).length === 0, 'the readings to be dropped');
});

test('a job that failed for good keeps one stack and the beginning of its message; the ledger has all of it', async () => {
  const { mirror, database, odoo } = setup;
  await database.client.unsafe(`
    create function refuse() returns trigger language plpgsql as
      $$ begin raise exception '%', repeat('long ', 10000) using errcode = '53100'; end $$;
    create trigger refuse before insert or update on scrap_dimagaz_bc for each row execute function refuse()`);
  const [id = 0] = odoo.ids(BC);
  const { id: runId } = await setup.run('single', [id]);
  const [failure] =
    await database.client`select length(message) as n from sync_failure where odoo_id = ${id}`;
  expect(failure).toEqual({ n: 50_000 });
  // The failure is recorded first, and ends the run.
  const job = await waitFor(async () => {
    const found = await mirror.queues.bc.getJob(`bc-${runId}-${id}-0`);
    return (await found?.getState()) === 'failed' ? found : undefined;
  }, 'the end of the job');
  expect(job.attemptsMade).toBe(3);
  expect(job.failedReason.length).toBeLessThan(1100);
  expect(job.stacktrace?.length).toBe(1);
});
