import { afterAll, beforeAll, expect, test } from 'vitest';
import { createRun, findRun } from '../../../src/db/runs/runs.ts';
import { planRun } from '../../../src/sync/planning/plan-run.ts';
import { advanceRun } from '../../../src/sync/runs/advance-run.ts';
import { acquireRun } from '../../../src/sync/runs/run-lease.ts';
import type { TestSetup } from '../../support/test-setup.ts';
import { openTestSetup } from '../../support/test-setup.ts';

/** More than two batches of 500, and as many BCs that stay. */
const GONE = 1100;

let setup: TestSetup;
beforeAll(async () => {
  setup = await openTestSetup({
    sandbox: { documents: 10, lines: 1 },
    env: { SWEEP_MAX_SHARE: '100' },
  });
  const stop = await setup.work();
  await setup.run('full');
  await stop();
  // BCs that Odoo never had are as gone as those it lost.
  await setup.database.client`
    insert into scrap_dimagaz_bc (odoo_id, fields, content_hash, fetch_seq, fetched_at, synced_at)
    select 1000 + n, '{}', '', 0, now(), now() from generate_series(1, ${GONE}::int) as n`;
});
afterAll(() => setup?.close());

test('a sweep archives in several transactions, each BC once, and leaves the others', async () => {
  const { mirror, database, odoo } = setup;
  const { id } = await createRun(mirror.db, { key: mirror.definition.key, mode: 'sweep', trigger: 'cli' });
  const run = await acquireRun(mirror, id);
  if (run === null) throw new Error('the lease is taken');
  await planRun(mirror, run);
  await database.client`update sync_run_item set state = 'gone', gone_seq = nextval('fetch_seq') where run_id = ${id}`;
  await database.client`update sync_run_page set state = 'done' where run_id = ${id}`;
  // One caller, and no worker that would go on for it.
  await advanceRun(mirror, id);
  expect(await findRun(mirror.db, id)).toMatchObject({ status: 'success', archived: GONE, gone: 0 });
  const [row] = await database.client`
    select count(distinct xid)::int as transactions, count(*)::int as entries, count(distinct odoo_id)::int as bcs
    from audit_log where run_id = ${id} and action = 'archived'`;
  expect(row).toEqual({ transactions: 3, entries: GONE, bcs: GONE });
  const [left] = await database.client`
    select count(*)::int as n from scrap_dimagaz_bc where archived_at is null`;
  expect(left).toEqual({ n: odoo.count('dimagaz.bc') });
});
