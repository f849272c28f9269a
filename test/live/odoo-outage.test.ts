import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { waitFor } from '../support/wait-for.ts';
import type { WorkerProcess } from '../support/worker-process.ts';
import { startWorkerProcess } from '../support/worker-process.ts';
import type { LiveSetup } from './odoo-setup.ts';
import { missing, openLiveSetup, run } from './odoo-setup.ts';

const lacking = missing('ODOO_STOP_COMMAND', 'ODOO_START_COMMAND');
const title = 'an Odoo that is away for longer than all attempts, on a real server';

/** Small pages and few calls per second, so that there is a middle to go away in; two quick attempts. */
const SHORT = {
  SYNC_PAGE_SIZE: '10',
  SYNC_PAGES_IN_FLIGHT: '2',
  ODOO_CALLS_PER_SECOND: '20',
  SYNC_ATTEMPTS: '2',
  SYNC_BACKOFF: '50ms',
};

if (lacking !== null)
  describe(title, () => {
    it.skip(`needs ${lacking}`);
  });
else
  describe(title, () => {
    let setup: LiveSetup;
    let worker: WorkerProcess;
    let testMirror: ReturnType<LiveSetup['open']>;
    beforeAll(async () => {
      setup = await openLiveSetup();
      testMirror = setup.open(SHORT);
      worker = startWorkerProcess(testMirror.env);
    });
    afterAll(async () => {
      worker?.child.kill('SIGTERM');
      await worker?.exit;
      await setup?.close();
    });

    it('fails the run, and the next one carries on where that stopped', async () => {
      const { client } = setup.database;
      const owed = async (id: number) => {
        const [row] =
          await client`select count(*)::int as all, count(*) filter (where state = 'open')::int as open
          from sync_run_item where run_id = ${id}`;
        return { all: Number(row?.['all']), open: Number(row?.['open']) };
      };
      const first = await testMirror.request('full');
      const begun = async () => {
        const { all, open } = await owed(first);
        return all - open >= 30;
      };
      await waitFor(begun, 'thirty BCs');
      await run('ODOO_STOP_COMMAND');
      const failed = await testMirror.ended(first);
      expect(failed).toMatchObject({ status: 'failed', errorCode: 'odoo_unreachable' });
      const left = await owed(first);
      expect(left.open).toBeGreaterThan(0);
      const [parked] = await client`select count(*)::int as n from sync_failure`;
      expect(parked?.['n']).toBe(0);
      expect(await testMirror.run('incremental')).toMatchObject({
        status: 'failed',
        errorCode: 'odoo_unreachable',
      });
      await run('ODOO_START_COMMAND');
      const next = await testMirror.run('incremental');
      expect(next).toMatchObject({ status: 'success', continues: first, failed: 0 });
      // A job of the first run may store its BC late; nothing is read that the first run has stored.
      expect(next.created).toBeGreaterThan(0);
      expect(next.created).toBeLessThanOrEqual(left.open);
      expect(await setup.verify(testMirror)).toMatchObject({ ok: true });
    });
  });
