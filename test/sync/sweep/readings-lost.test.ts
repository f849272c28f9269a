import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findRun } from '../../../src/db/runs/runs.ts';
import { processPage } from '../../../src/sync/fetch/process-page.ts';
import { startRun } from '../../../src/sync/runs/start-run.ts';
import { redisUrl } from '../../support/redis.ts';
import type { TestSetup } from '../../support/test-setup.ts';
import { openTestSetup } from '../../support/test-setup.ts';
import { waitFor } from '../../support/wait-for.ts';

const BC = 'dimagaz.bc';

describe('what a page read for its BCs', () => {
  let setup: TestSetup;
  let redis: Redis;
  beforeEach(async () => {
    setup = await openTestSetup({ sandbox: { documents: 6 } });
    redis = new Redis(redisUrl());
  });
  afterEach(async () => {
    redis.disconnect();
    await setup.close();
  });

  const keptKeys = () => redis.keys(`${setup.env['QUEUE_PREFIX']}:reading:*`);

  /** A full run whose one page was read, and whose jobs are still waiting. */
  const readRun = async () => {
    const { mirror } = setup;
    const runId = await setup.request('full');
    const run = await findRun(mirror.db, runId);
    if (run === null) throw new Error('the run was just asked for');
    await startRun(mirror, run);
    const [job] = await mirror.queues.pages.getJobs(['waiting']);
    if (job === undefined) throw new Error('a full run has a page');
    expect(await processPage(mirror, job.data, { number: 1, last: false })).toBe(6);
    await job.remove();
    return runId;
  };
  const readsSince = (from: number) =>
    setup.odoo.calls.slice(from).filter(({ method, model }) => method === 'read' && model === BC).length;

  it('is stored: Odoo is not asked again', async () => {
    const runId = await readRun();
    const from = setup.odoo.calls.length;
    setup.odoo.write(BC, setup.odoo.ids(BC), { notes: 'later' });
    await setup.work();
    expect(await setup.ended(runId)).toMatchObject({ status: 'success', created: 6 });
    const rows = await setup.database.client`select fields->>'notes' as notes from scrap_dimagaz_bc`;
    expect(rows.filter(({ notes }) => notes === 'later')).toEqual([]);
    expect(readsSince(from)).toBe(await holders());
  });

  /** BCs with contents of binaries are asked for those. */
  const holders = async () => {
    const [row] = await setup.database
      .client`select count(*)::int as n from scrap_dimagaz_bc where binary_sizes <> '{}'`;
    return row?.['n'];
  };

  it('is read again by each BC when Redis lost it', async () => {
    const runId = await readRun();
    await redis.unlink(await keptKeys());
    setup.odoo.write(BC, setup.odoo.ids(BC), { notes: 'later' });
    await setup.work();
    expect(await setup.ended(runId)).toMatchObject({ status: 'success', created: 6, failed: 0 });
    const rows = await setup.database.client`select fields->>'notes' as notes from scrap_dimagaz_bc`;
    expect(rows.map(({ notes }) => notes)).toEqual(Array(6).fill('later'));
  });

  it('is stored too when a page of the version before kept it', async () => {
    const runId = await readRun();
    const [key = ''] = await keptKeys();
    for (const [odooId, text] of Object.entries(await redis.hgetall(key))) {
      expect(text).toContain('"endSeq"');
      await redis.hset(key, odooId, text.replace(/"endSeq":\d+,/, ''));
    }
    setup.odoo.write(BC, setup.odoo.ids(BC), { notes: 'later' });
    await setup.work();
    expect(await setup.ended(runId)).toMatchObject({ status: 'success', created: 6, failed: 0 });
    const rows = await setup.database.client`select fields->>'notes' as notes from scrap_dimagaz_bc`;
    expect(rows.filter(({ notes }) => notes === 'later')).toEqual([]);
  });

  it('is read again when it was read by another description of the model', async () => {
    const runId = await readRun();
    const [key = ''] = await keptKeys();
    for (const [odooId, text] of Object.entries(await redis.hgetall(key))) {
      await redis.hset(key, odooId, text.replace(/"model":"[^"]*"/, '"model":"another"'));
    }
    setup.odoo.write(BC, setup.odoo.ids(BC), { notes: 'later' });
    await setup.work();
    expect(await setup.ended(runId)).toMatchObject({ status: 'success', created: 6, failed: 0 });
    const rows = await setup.database.client`select fields->>'notes' as notes from scrap_dimagaz_bc`;
    expect(rows.map(({ notes }) => notes)).toEqual(Array(6).fill('later'));
  });

  describe('before an older dump was restored', () => {
    const countFrom = (number: number) => setup.database.client`select setval('fetch_seq', ${number})`;
    beforeEach(() => countFrom(900_000));

    /** A change in Odoo after which the next run has to bring all of it. */
    const isFollowed = async () => {
      setup.odoo.write(BC, setup.odoo.ids(BC), { notes: 'last' });
      expect(await setup.run('incremental')).toMatchObject({ status: 'success', updated: 6, failed: 0 });
    };

    it('is read again, and keeps no later reading out, when the dump has nothing of the run', async () => {
      const runId = await readRun();
      const { client } = setup.database;
      await client`delete from sync_log where id = ${runId}`;
      await client`update sync_state set is_syncing = false, lease_run_id = null, lease_expires_at = null`;
      await countFrom(1);
      const jobs = () => setup.mirror.queues.bc.getJobCountByTypes('waiting', 'active', 'delayed');
      expect(await jobs()).toBe(6);
      await setup.work();
      await waitFor(async () => (await jobs()) === 0, 'the end of the jobs');
      await isFollowed();
    });

    it('is read again, and keeps no later reading out, when the dump has the run', async () => {
      const runId = await readRun();
      await countFrom(1);
      setup.odoo.write(BC, setup.odoo.ids(BC), { notes: 'later' });
      await setup.work();
      expect(await setup.ended(runId)).toMatchObject({ status: 'success', created: 6, failed: 0 });
      const rows = await setup.database.client`select fields->>'notes' as notes from scrap_dimagaz_bc`;
      expect(rows.map(({ notes }) => notes)).toEqual(Array(6).fill('later'));
      await isFollowed();
    });
  });
});
