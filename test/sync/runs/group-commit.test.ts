import { sql } from 'drizzle-orm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bcJobId } from '../../../src/queues/jobs.ts';
import type { TestSetup } from '../../support/test-setup.ts';
import { openTestSetup } from '../../support/test-setup.ts';

const BCS = 100;

describe('BCs that share a transaction', () => {
  let setup: TestSetup;
  beforeEach(async () => {
    setup = await openTestSetup({
      sandbox: { documents: BCS },
      env: { SYNC_GROUP_WAIT_MS: '500', RETAIN_COMPLETED_JOBS: '1000' },
    });
    await setup.work();
  });
  afterEach(() => setup.close());

  /** Transactions that stored headers, and how many BCs each. */
  const transactions = async () => {
    const rows = await setup.database
      .client`select count(*)::int as bcs from scrap_dimagaz_bc group by changed_xid::text order by 1 desc`;
    return rows.map((row) => Number(row['bcs']));
  };
  const poison = (odooId: number) =>
    setup.mirror.db.execute(
      sql.raw(`alter table scrap_dimagaz_bc add constraint poisoned check (odoo_id <> ${odooId})`),
    );
  const startsOf = async (runId: number, odooId: number) => {
    const job = await setup.mirror.queues.bc.getJob(bcJobId({ runId, odooId, generation: 0 }));
    return job?.attemptsStarted;
  };

  it('are many: a hundred jobs need a few transactions', async () => {
    expect(await setup.run('full')).toMatchObject({ status: 'success', created: BCS });
    const sizes = await transactions();
    expect(sizes.reduce((sum, bcs) => sum + bcs, 0)).toBe(BCS);
    expect(sizes.length).toBeLessThan(BCS / 5);
  });

  it('cost nothing but one more store when one of them is poisoned: each job ends at its first try', async () => {
    const ids = setup.odoo.ids('dimagaz.bc');
    const bad = ids[41] ?? 0;
    await poison(bad);
    const run = await setup.run('full');
    expect(run).toMatchObject({ status: 'partial', created: BCS - 1, failed: 1 });
    const starts = await Promise.all(ids.map((id) => startsOf(run.id, id)));
    expect(new Set(starts)).toEqual(new Set([1]));
    const [trail] = await setup.database
      .client`select count(*)::int as rows, count(distinct odoo_id)::int as bcs from audit_log`;
    expect(trail).toEqual({ rows: BCS - 1, bcs: BCS - 1 });
    const failures = await setup.database.client`select odoo_id::int, code from sync_failure`;
    expect(failures).toEqual([{ odoo_id: bad, code: '23514' }]);
  });

  it('counts and records each on its own: created, updated and unchanged together', async () => {
    await setup.run('full');
    const ids = setup.odoo.ids('dimagaz.bc');
    setup.odoo.write('dimagaz.bc', ids.slice(0, 10), { notes: 'changed' });
    const [line = 0] = setup.odoo.ids('dimagaz.bc.line');
    setup.odoo.erase('dimagaz.bc.line', [line]);
    const run = await setup.run('full');
    expect(run).toMatchObject({ status: 'success', created: 0, failed: 0, linesRemoved: 1 });
    expect(run.updated + run.unchanged).toBe(BCS);
    const [counted] = await setup.database
      .client`select count(distinct odoo_id)::int as bcs from audit_log where action = 'updated' and run_id = ${run.id}`;
    expect(counted).toEqual({ bcs: run.updated });
  });

  it('are never two of the same BC: two resyncs at once store it one after the other', async () => {
    await setup.run('full');
    const [id = 0] = setup.odoo.ids('dimagaz.bc');
    setup.odoo.write('dimagaz.bc', [id], { notes: 'once' });
    const runs = await Promise.all([setup.run('single', [id]), setup.run('single', [id])]);
    expect(runs.map(({ status }) => status)).toEqual(['success', 'success']);
    expect(runs.map(({ updated, unchanged }) => updated + unchanged)).toEqual([1, 1]);
    expect(runs.reduce((sum, { updated }) => sum + updated, 0)).toBe(1);
  });
});
