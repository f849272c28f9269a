import { afterAll, beforeAll, expect, test } from 'vitest';
import { addItems, closeStored } from '../../../src/db/runs/ledger.ts';
import { freshDatabase } from '../../support/database.ts';
import { waitFor } from '../../support/wait-for.ts';

const RUN = 1;
let database: Awaited<ReturnType<typeof freshDatabase>>;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database?.close());

test('an outcome is not lost when the item changes while its turn is waited for', async () => {
  const { client, db } = database;
  await addItems(db, RUN, [{ odooId: 7, page: 0 }]);
  const stored = {
    runId: RUN,
    odooId: 7,
    state: 'created',
    linesSeen: 2,
    linesRemoved: 0,
    linesKept: 0,
    rpcCalls: 0,
    isAnother: false,
  } as const;
  let storing: Promise<void> | undefined;
  await client.begin(async (other) => {
    await other`update sync_run_item set state = 'failed' where run_id = ${RUN} and odoo_id = 7`;
    storing = closeStored(db, [stored]);
    await waitFor(async () => {
      const [row] = await client`
        select count(*)::int as n from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'`;
      return row?.['n'] === 1;
    }, 'the other to be waited for');
  });
  await storing;
  const [item] = await client`select state, lines_seen as lines from sync_run_item where run_id = ${RUN}`;
  expect(item).toEqual({ state: 'created', lines: 2 });
});
