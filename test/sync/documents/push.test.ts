import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { grantLease, releaseLease } from '../../../src/db/runs/lease.ts';
import type { TestApi } from '../../api/http/start-api.ts';
import { startApi } from '../../api/http/start-api.ts';
import type { TestSetup } from '../../support/test-setup.ts';
import { openTestSetup } from '../../support/test-setup.ts';
import { waitFor } from '../../support/wait-for.ts';

const SECRET = 'a-secret-of-the-webhooks-42';
const BC = 'dimagaz.bc';
const LINE = 'dimagaz.bc.line';

describe('a change that Odoo announces', () => {
  let setup: TestSetup;
  let api: TestApi;
  let url: string;
  let mute: () => void;
  beforeAll(async () => {
    setup = await openTestSetup({ sandbox: { documents: 1200, lines: 2 } });
    await setup.work();
    await setup.run('full');
    const env = { ...setup.env, ODOO_HOOK_SECRET: SECRET, ODOO_HOOK_DELAY: '50ms' };
    api = await startApi(env, { db: setup.mirror.db });
    url = `${await api.app.listen({ port: 0 })}/hooks/odoo?secret=${SECRET}`;
    mute = setup.odoo.webhooks.add(url, [BC, LINE]);
  });
  afterAll(async () => {
    mute?.();
    await setup?.odoo.webhooks.sent();
    await api?.close();
    await setup?.close();
  });
  afterEach(() => quiet());

  const query = async (text: string) => setup.database.client.unsafe(text);
  /** Every announced change is read. */
  const quiet = async () => {
    await setup.odoo.webhooks.sent();
    await waitFor(async () => {
      const counts = await setup.mirror.queues.sync.getJobCounts('waiting', 'active', 'delayed');
      const [open] = await query(`select count(*)::int as n from sync_log where finished_at is null`);
      return Object.values(counts).every((count) => count === 0) && open?.['n'] === 0;
    }, 'all announced changes to be read');
  };
  const mirrored = async (table: string, id: number) =>
    (await query(`select * from ${table} where odoo_id = ${id}`))[0];
  const notesOf = (id: number) =>
    waitFor(async () => (await mirrored('scrap_dimagaz_bc', id))?.['fields'].notes ?? false, `BC ${id}`);
  const lineOf = (bc: number) =>
    setup.odoo.ids(LINE).find((id) => setup.odoo.record(LINE, id)['bc_id'] === bc) ?? 0;
  const [first = 0, second = 0, third = 0, fourth = 0] = [11, 12, 13, 14];
  const runsSince = async (id: number) => query(`select * from sync_log where id > ${id} order by id`);
  const newestRun = async () => Number((await query('select max(id) as id from sync_log'))[0]?.['id']);
  /** Another run has the lease meanwhile. */
  const whileHeld = async (work: () => Promise<void>) => {
    const token = (await grantLease(setup.mirror.db, 'bclinbc', 0, 600_000)) ?? 0;
    try {
      await work();
    } finally {
      await releaseLease(setup.mirror.db, 'bclinbc', { runId: 0, token }, {});
    }
  };
  const tell = (id: number, model = BC) =>
    fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ _action: 'Forged(#1)', _id: id, _model: model, notes: 'invented' }),
    });

  it('is in the mirror by a single run of that BC, though nothing else looks', async () => {
    const before = await newestRun();
    setup.odoo.write(BC, [first], { notes: 'raconté par Odoo' });
    await waitFor(async () => (await notesOf(first)) === 'raconté par Odoo', 'the change');
    await quiet();
    const [run] = await runsSince(before);
    expect(run).toMatchObject({ mode: 'single', trigger: 'hook', status: 'success', odoo_ids: [first] });
    expect(await query(`select action from audit_log where run_id = ${run?.['id']}`)).toEqual([
      { action: 'updated' },
    ]);
    expect(new Set(setup.odoo.webhooks.answers)).toEqual(new Set([202]));
  });

  it('brings a BC that was created, and archives one that was deleted', async () => {
    const id = setup.odoo.create(BC, { name: 'BC/NEUF/2', notes: 'neuf' });
    expect(await notesOf(id)).toBe('neuf');
    setup.odoo.unlink(BC, [id]);
    await waitFor(
      async () => (await mirrored('scrap_dimagaz_bc', id))?.['archived_at'] ?? false,
      'the archiving',
    );
  });

  it('brings the BC of a line that was written, added, moved or deleted directly', async () => {
    // By the announced lines alone: their BCs would be announced too if an amount moves.
    mute();
    mute = setup.odoo.webhooks.add(url, [LINE]);
    const written = lineOf(first);
    const moved = lineOf(second);
    const removed = lineOf(third);
    setup.odoo.write(LINE, [written], { note: 'à vérifier' });
    const added = setup.odoo.create(LINE, { bc_id: fourth, name: 'Bouteille', quantity: 0, price_unit: 0 });
    setup.odoo.write(LINE, [moved], { bc_id: third });
    setup.odoo.unlink(LINE, [removed]);
    const owner = async (line: number) =>
      Number((await mirrored('scrap_dimagaz_bc_line', line))?.['bc_odoo_id']);
    await waitFor(
      async () => (await mirrored('scrap_dimagaz_bc_line', written))?.['fields'].note === 'à vérifier',
      'the note',
    );
    await waitFor(async () => (await owner(added)) === fourth, 'the new line');
    await waitFor(async () => (await owner(moved)) === third, 'the moved line');
    await waitFor(
      async () => (await mirrored('scrap_dimagaz_bc_line', removed))?.['archive_reason'] === 'removed',
      'the deletion',
    );
    await quiet();
    expect(
      (await query(`select fields from scrap_dimagaz_bc where odoo_id = ${second}`))[0]?.['fields'][
        'line_ids'
      ],
    ).not.toContain(moved);
    mute();
    mute = setup.odoo.webhooks.add(url, [BC, LINE]);
  });

  it('is read while another run holds the lease', async () => {
    await whileHeld(async () => {
      setup.odoo.write(BC, [first], { notes: 'pendant une synchronisation' });
      await waitFor(async () => (await notesOf(first)) === 'pendant une synchronisation', 'the change');
    });
  });

  it('is one of hundreds announced in a moment: few runs read them all, each once', async () => {
    const ids = setup.odoo.ids(BC).slice(0, 300);
    const before = await newestRun();
    setup.odoo.write(BC, ids, { priority: 8 });
    await quiet();
    const runs = await runsSince(before);
    expect(runs.reduce((seen, run) => seen + run['updated'], 0)).toBe(300);
    expect(runs.length).toBeLessThan(100);
    expect(new Set(runs.map((run) => run['trigger']))).toEqual(new Set(['hook']));
  });

  it('is one of thousands: an incremental run reads them once the lease is free', async () => {
    const ids = setup.odoo.ids(BC);
    expect(ids.length).toBeGreaterThan(1000);
    const before = await newestRun();
    mute();
    setup.odoo.write(BC, ids, { priority: 987 });
    mute = setup.odoo.webhooks.add(url, [BC, LINE]);
    const { hooks, sync } = setup.mirror.queues;
    await whileHeld(async () => {
      for (const id of ids) await hooks.add('bc', id);
      await tell(1);
      const waits = async () =>
        (await sync.getDelayed()).find(
          ({ name, attemptsStarted }) => name === 'hooks' && attemptsStarted > 0,
        );
      await waitFor(waits, 'the batch to be put back');
      expect(await runsSince(before)).toEqual([]);
    });
    await quiet();
    expect(await runsSince(before)).toEqual([
      expect.objectContaining({
        mode: 'incremental',
        trigger: 'hook',
        status: 'success',
        updated: ids.length,
      }),
    ]);
  });

  it('that never was costs a reading and changes nothing', async () => {
    const before = await newestRun();
    const changes = async () => (await query('select count(*)::int as n from audit_log'))[0]?.['n'];
    const audited = await changes();
    expect((await tell(second)).status).toBe(202);
    expect((await tell(99_999_999)).status).toBe(202);
    expect((await tell(99_999_999, LINE)).status).toBe(202);
    await quiet();
    const runs = await runsSince(before);
    expect(runs.every((run) => run['status'] === 'success' && run['failed'] === 0)).toBe(true);
    expect(runs.reduce((seen, run) => seen + run['gone'], 0)).toBe(1);
    expect(await changes()).toBe(audited);
  });

  it('that Odoo does not get through is brought by the next incremental run', async () => {
    mute();
    setup.odoo.write(BC, [first], { notes: 'sans un mot' });
    mute = setup.odoo.webhooks.add(url, [BC, LINE]);
    expect(await setup.run('incremental')).toMatchObject({ status: 'success', updated: 1 });
    expect(await notesOf(first)).toBe('sans un mot');
  });
});
