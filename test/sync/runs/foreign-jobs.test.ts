import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { findRun, updateRun } from '../../../src/db/runs/runs.ts';
import { pageJobId } from '../../../src/queues/jobs.ts';
import { processPage } from '../../../src/sync/fetch/process-page.ts';
import { startRun } from '../../../src/sync/runs/start-run.ts';
import { openTestSetup, type TestSetup } from '../../support/test-setup.ts';
import { waitFor } from '../../support/wait-for.ts';

const BC = 'dimagaz.bc';
const DOCUMENTS = 5;

/** They run without a check of the owner key, as after FLUSHALL or during a rollout. */
describe('two mirrors whose workers use one QUEUE_PREFIX', () => {
  let own: TestSetup;
  let other: TestSetup;
  beforeEach(async () => {
    const env = { SYNC_LEASE: '3s', QUEUE_LOCK: '1s' };
    own = await openTestSetup({ sandbox: { documents: DOCUMENTS }, env });
    const prefix = own.env['QUEUE_PREFIX'] ?? '';
    other = await openTestSetup({
      sandbox: { documents: DOCUMENTS },
      env: { ...env, QUEUE_PREFIX: prefix },
    });
    own.odoo.write(BC, own.odoo.ids(BC), { notes: 'own' });
    other.odoo.write(BC, other.odoo.ids(BC), { notes: 'other' });
    // The readings of the other mirror do not count as newer ones.
    await own.database.client`select setval('fetch_seq', 1000)`;
  });
  afterEach(async () => {
    await own.close();
    await other.close();
  });

  /** Plans a run and queues its first page, as a worker does. */
  const planned = async ({ mirror, request }: TestSetup) => {
    const id = await request('full');
    const run = await findRun(mirror.db, id);
    if (run === null) throw new Error(`no run ${id}`);
    await startRun(mirror, run);
    return id;
  };
  const notes = async ({ database }: TestSetup) => {
    const rows = await database.client`select distinct fields->>'notes' as notes from scrap_dimagaz_bc`;
    return rows.map((row) => row['notes']);
  };

  it('store their own BCs only: each drops the jobs of the other, and the watchdog of the other repeats them', async () => {
    const warn = vi.spyOn(own.mirror.log, 'warn');
    const theirs = await planned(other);
    const token = (await findRun(other.mirror.db, theirs))?.leaseToken ?? null;
    // A page job that has ended, with its BC jobs and readings.
    const at = { runId: theirs, page: 0, token, generation: 0 };
    expect(await processPage(other.mirror, at, { number: 1, last: false })).toBe(DOCUMENTS);
    const ours = await planned(own);
    expect(ours).toBe(theirs);

    const stop = await own.work();
    expect(await own.ended(ours)).toMatchObject({ status: 'success', created: DOCUMENTS });
    expect(await notes(own)).toEqual(['own']);
    expect(await notes(other)).toEqual([]);
    expect((await findRun(other.mirror.db, theirs))?.status).toBe('running');
    expect(warn).toHaveBeenCalledWith(
      expect.objectContaining({ queue: 'bc', runId: theirs }),
      expect.stringContaining('another installation'),
    );

    await stop();
    await other.work();
    expect(await other.ended(theirs)).toMatchObject({ status: 'success', created: DOCUMENTS });
    expect(await notes(other)).toEqual(['other']);
    expect(await notes(own)).toEqual(['own']);
  });

  it('plan their own runs only', async () => {
    const theirs = await other.request('full');
    const stop = await own.work();
    const { queues } = other.mirror;
    await waitFor(
      async () => ['completed', 'failed'].includes(await queues.sync.getJobState(`run-${theirs}`)),
      'the end of the job',
    );
    expect([...(await own.database.client`select id from sync_log`)]).toEqual([]);
    expect(await queues.sync.getJobState(`run-${theirs}`)).toBe('completed');
    await stop();
    await other.work();
    // The watchdog of the other mirror queues the run again.
    expect(await other.ended(theirs)).toMatchObject({ status: 'success', created: DOCUMENTS });
  });

  it('still process the jobs of the previous release, which name no mirror', async () => {
    const { mirror } = own;
    const runId = await planned(own);
    const token = (await findRun(mirror.db, runId))?.leaseToken ?? null;
    const page = { runId, page: 0, token, generation: 0 };
    const jobId = pageJobId(page);
    await (await mirror.queues.pages.getJob(jobId))?.remove();
    await mirror.queues.pages.add('page', page, { jobId });
    const [odooId = 0] = own.odoo.ids(BC);
    const bc = { ...page, odooId, bytes: 1 };
    await mirror.queues.bc.add('bc', bc, { jobId: 'of the previous release' });
    await mirror.queues.sync.add('run', { mode: 'single', trigger: 'cli', runId: await single(odooId) });
    await own.work();
    expect(await own.ended(runId)).toMatchObject({ status: 'success', created: DOCUMENTS });
    expect(await mirror.queues.pages.getJob(jobId)).toMatchObject({ returnvalue: DOCUMENTS });
    const stored = await waitFor(async () => {
      const job = await mirror.queues.bc.getJob('of the previous release');
      return job?.finishedOn !== undefined && job;
    }, 'the BC job');
    expect(['created', 'unchanged']).toContain(stored.returnvalue);
  });

  /** A run whose job is lost. */
  const single = async (odooId: number) => {
    const id = await own.request('single', [odooId]);
    await (await own.mirror.queues.sync.getJob(`run-${id}`))?.remove();
    await updateRun(own.mirror.db, id, { status: 'queued' });
    return id;
  };
});
