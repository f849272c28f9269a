import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { findRun } from '../../../src/db/runs/runs.ts';
import { processPage } from '../../../src/sync/fetch/process-page.ts';
import { startRun } from '../../../src/sync/runs/start-run.ts';
import { processBc } from '../../../src/sync/store/process-bc.ts';
import type { TestSetup } from '../../support/test-setup.ts';
import { openTestSetup } from '../../support/test-setup.ts';

const BC = 'dimagaz.bc';
const FIRST_TRY = { number: 1, last: false };

function signal(): readonly [Promise<void>, () => void] {
  let give = () => {};
  const given = new Promise<void>((resolve) => {
    give = resolve;
  });
  return [given, give];
}

describe('two readings of a BC at the same time, and an edit between their answers', () => {
  let setup: TestSetup;
  let id = 0;
  beforeEach(async () => {
    setup = await openTestSetup({ sandbox: { documents: 3 } });
    id = setup.odoo.create(BC, { name: 'BC/DEUX/LECTURES', notes: 'avant' });
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    await setup.close();
  });

  /** A run that is to read the BC. Nobody works on it yet. */
  const planned = async () => {
    const { mirror } = setup;
    const run = await findRun(mirror.db, await setup.request('single', [id]));
    if (run === null) throw new Error('the run was just asked for');
    await startRun(mirror, run);
    return {
      read: async () => {
        const pages = await mirror.queues.pages.getJobs(['waiting']);
        const page = pages.find(({ data }) => data.runId === run.id);
        if (page === undefined) throw new Error('a run has a page');
        return processPage(mirror, page.data, FIRST_TRY);
      },
      store: async (attempt = 1) => {
        const bcs = await mirror.queues.bc.getJobs(['waiting']);
        const bc = bcs.find(({ data }) => data.runId === run.id);
        if (bc === undefined) throw new Error('the page queued the BC');
        expect(bc.data.bytes).toBeGreaterThan(0);
        return processBc(mirror, bc.data, attempt);
      },
    };
  };
  const stored = async () => {
    const [row] = await setup.database
      .client`select fields->>'notes' as notes, fields->>'scan' as scan from scrap_dimagaz_bc where odoo_id = ${id}`;
    return row;
  };
  /** Delays Odoo's next answer to a `read`: its question, or its answer, waits until it is released. */
  const hold = (what: 'question' | 'answer') => {
    const { source } = setup.mirror;
    const read = source.read;
    const [begun, begin] = signal();
    const [free, release] = signal();
    vi.spyOn(source, 'read').mockImplementationOnce(async (...call) => {
      const answer = what === 'answer' ? await read(...call) : null;
      begin();
      await free;
      return answer ?? read(...call);
    });
    return { begun, release };
  };

  it.each([
    ['first', ['slow', 'quick']],
    ['last', ['quick', 'slow']],
  ] as const)('leave the newest content where the one with it is stored %s', async (_, order) => {
    const runs = { slow: await planned(), quick: await planned() };
    const held = hold('question');
    const slow = runs.slow.read();
    await held.begun;
    expect(await runs.quick.read()).toBe(1);
    setup.odoo.write(BC, [id], { notes: 'après' });
    held.release();
    expect(await slow).toBe(1);
    for (const which of order) await runs[which].store();
    expect(await stored()).toMatchObject({ notes: 'après' });
  });

  it('leave the newest content where it was read by a second attempt', async () => {
    const [slow, quick] = [await planned(), await planned()];
    await slow.read();
    const held = hold('question');
    const again = slow.store(2);
    await held.begun;
    await quick.read();
    setup.odoo.write(BC, [id], { notes: 'après' });
    held.release();
    await again;
    await quick.store();
    expect(await stored()).toMatchObject({ notes: 'après' });
  });

  it('leave the newest content of a binary, which is read when its page has long been', async () => {
    const before = btoa('page une');
    const after = btoa('page deux');
    setup.odoo.write(BC, [id], { scan: before });
    const runs = [await planned(), await planned()] as const;
    for (const run of runs) expect(await run.read()).toBe(1);
    const held = hold('answer');
    const late = runs[1].store();
    await held.begun;
    setup.odoo.write(BC, [id], { scan: after });
    await runs[0].store();
    held.release();
    await late;
    expect(await stored()).toMatchObject({ scan: after });
  });
});
