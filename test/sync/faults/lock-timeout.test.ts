import { afterEach, expect, it } from 'vitest';
import { LOCK_FAMILIES } from '../../../src/db/locks.ts';
import { onServer } from '../../support/server.ts';
import { openTestSetup, type TestSetup } from '../../support/test-setup.ts';
import { waitFor } from '../../support/wait-for.ts';

let setup: TestSetup;
afterEach(() => setup.close());

const ATTEMPTS = 3;

it('a BC whose lock is held for longer than all attempts last is stored later, and is no failure', async () => {
  setup = await openTestSetup({
    sandbox: { documents: 10 },
    env: { DATABASE_LOCK_TIMEOUT: '1s', SYNC_LEASE: '5s', SYNC_ATTEMPTS: String(ATTEMPTS) },
  });
  const { client, url } = setup.database;
  const waits = new Set<string>();
  const [runId = 0] = await onServer(url, (sql) =>
    sql.begin(async (holder) => {
      await holder`select pg_advisory_xact_lock(${LOCK_FAMILIES.document}, hashint8(5))`;
      const run = await setup.request('full');
      await setup.work();
      await waitFor(async () => {
        const rows = await client`
          select query_start::text as start from pg_stat_activity join pg_locks using (pid)
          where locktype = 'advisory' and not granted and datname = current_database()`;
        for (const { start } of rows) waits.add(String(start));
        return waits.size > ATTEMPTS;
      }, 'more attempts than a BC has');
      return [run];
    }),
  );
  expect(await setup.ended(runId)).toMatchObject({ status: 'success', created: 10, failed: 0 });
  expect([...(await client`select odoo_id, code from sync_failure`)]).toEqual([]);
});
