import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { waitFor } from '../support/wait-for.ts';
import type { LiveSetup } from './odoo-setup.ts';
import { missing, openLiveSetup, run } from './odoo-setup.ts';

const lacking = missing('ODOO_SHELL_COMMAND', 'ODOO_SQL_URL');
const title = 'what no window sees, on a real server';

/** Seconds: how far a window looks back here, and how much later than that the transaction is committed. */
const OVERLAP = 1;
const LATE = Number(process.env['ODOO_LATE_SECONDS'] ?? 3);
const LOCK = 1905;

if (lacking !== null)
  describe(title, () => {
    it.skip(`needs ${lacking}`);
  });
else
  describe(title, () => {
    let setup: LiveSetup;
    let testMirror: ReturnType<LiveSetup['open']>;
    beforeAll(async () => {
      setup = await openLiveSetup();
      testMirror = setup.open({ SYNC_OVERLAP: `${OVERLAP}s` });
      await testMirror.work();
      expect(await testMirror.run('full')).toMatchObject({ status: 'success', failed: 0 });
    });
    afterAll(() => setup?.close());

    const ids = async (rows: Promise<readonly object[]>) =>
      (await rows).map((row) => Number(Object.values(row)[0]));

    /** An Odoo that has written these BCs in a transaction which stays open until `commit`. */
    const openTransaction = async (bcs: readonly number[]) => {
      const holder = await setup.sql.reserve();
      await holder`select pg_advisory_lock(${LOCK})`;
      const script = await readFile('dev/seed/late.py', 'utf8');
      const shell = run('ODOO_SHELL_COMMAND', `LATE_BC = ${JSON.stringify(bcs)}; LOCK = ${LOCK}\n${script}`);
      const waiting = async () =>
        (await setup.sql`select from pg_locks where locktype = 'advisory' and not granted`).length > 0;
      await Promise.race([waitFor(waiting, 'the open transaction'), shell]);
      return async () => {
        await holder`select pg_advisory_unlock(${LOCK})`;
        holder.release();
        await shell;
      };
    };

    it('finds 50 BCs committed late, 30 BCs and 100 lines deleted by SQL, in one sweep', async () => {
      const { sql } = setup;
      const late = await ids(sql`select id from dimagaz_bc order by id limit 50`);
      const gone = await ids(sql`select id from dimagaz_bc order by id offset 50 limit 30`);
      const commit = await openTransaction(late);
      // On an Odoo without newer changes, windows would reach back to these.
      const touch = () => sql`update dimagaz_bc set write_date = now() at time zone 'UTC' where id in
        (select id from dimagaz_bc order by id desc limit 1)`;
      const passBy = async (what: string) => {
        await touch();
        const window = await testMirror.run('incremental');
        expect(window, what).toMatchObject({ status: 'success', created: 0, updated: 0, failed: 0 });
        return window.nowSync?.getTime() ?? 0;
      };
      const first = await passBy('a window while the transaction is open');
      await waitFor(
        async () => (await passBy('a later one')) >= first + (OVERLAP + LATE) * 1000,
        'windows that have passed by',
        (OVERLAP + LATE + 60) * 1000,
      );
      await commit();
      await passBy('a window after the commit, which is too late for it');
      await sql`delete from dimagaz_bc where id in ${sql(gone)}`;
      await sql`delete from dimagaz_bc_line where id in (
        select id from dimagaz_bc_line where bc_id not in ${sql(late)} order by id limit 100)`;
      expect(await setup.verify(testMirror)).toMatchObject({ ok: false });

      const sweep = await testMirror.run('sweep');
      expect(sweep).toMatchObject({
        status: 'success',
        late: 50,
        archived: 30,
        linesRemoved: 100,
        created: 0,
      });
      expect(await setup.verify(testMirror)).toMatchObject({ ok: true, missing: 0, extra: 0, different: 0 });
      const trail = await setup.database.client`
        select odoo_id from audit_log where run_id = ${sweep.id} and action = 'archived' order by 1`;
      expect(trail.map((row) => Number(row['odoo_id']))).toEqual(gone);
      expect(await testMirror.run('sweep')).toMatchObject({ status: 'success', seen: 0 });
    });
  });
