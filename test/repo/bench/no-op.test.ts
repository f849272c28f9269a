import { afterAll, beforeAll, expect, test } from 'vitest';
import { pageJobs, samplePayloads } from '../../../bench/programs/no-op-worker.ts';
import { readMirrorConfig } from '../../../src/config/index.ts';
import { findRun } from '../../../src/db/runs/runs.ts';
import type { BcPayload } from '../../../src/queues/jobs.ts';
import { processPage } from '../../../src/sync/fetch/process-page.ts';
import { startRun } from '../../../src/sync/runs/start-run.ts';
import type { TestSetup } from '../../support/test-setup.ts';
import { openTestSetup } from '../../support/test-setup.ts';

const DOCUMENTS = 20;

let setup: TestSetup;
beforeAll(async () => {
  setup = await openTestSetup({ sandbox: { documents: DOCUMENTS } });
});
afterAll(() => setup?.close());

/** The jobs that a page of the mirror queues, by the ids of their BCs. */
async function queuedJobs(): Promise<BcPayload[]> {
  const { mirror } = setup;
  const run = await findRun(mirror.db, await setup.request('full'));
  if (run === null) throw new Error('the run was just asked for');
  await startRun(mirror, run);
  const [page] = await mirror.queues.pages.getJobs(['waiting']);
  if (page === undefined) throw new Error('a full run has a page');
  await processPage(mirror, page.data, { number: 1, last: false });
  const jobs = await mirror.queues.bc.getJobs(['waiting']);
  return jobs.map(({ data }) => data).sort((a, b) => a.odooId - b.odooId);
}

test('the jobs of the no-op worker hold what those of the mirror do, and nothing more', async () => {
  const [ours, payloads] = [await queuedJobs(), await samplePayloads(readMirrorConfig(setup.env))];
  expect(ours).toHaveLength(DOCUMENTS);
  expect(payloads.map((payload) => Object.keys(payload))).toEqual(ours.map((job) => Object.keys(job)));
  const bytes = (jobs: readonly BcPayload[]) => Buffer.byteLength(JSON.stringify(jobs));
  expect(bytes(payloads) / bytes(ours)).toBeCloseTo(1, 1);
});

test('each page of the no-op worker has BCs of its own, however small the sample is', async () => {
  const payloads = await samplePayloads(readMirrorConfig(setup.env));
  const jobs = [pageJobs(payloads, 0, 0, 30), pageJobs(payloads, 1, 30, 15)].flat();
  expect(jobs.map(({ odooId }) => odooId)).toEqual(Array.from({ length: 45 }, (_, at) => at + 1));
  expect(jobs.filter(({ page }) => page === 1)).toHaveLength(15);
  expect(jobs[DOCUMENTS]?.bytes).toBe(payloads[0]?.bytes);
});
