import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { grantLease, releaseLease } from '../../../src/db/runs/lease.ts';
import type { TestApi } from '../../api/http/start-api.ts';
import { startApi } from '../../api/http/start-api.ts';
import type { Office } from '../../support/test-environment.ts';
import { openOffice } from '../../support/test-environment.ts';
import { until } from '../../support/wait-for.ts';

const SECRET = 'a-secret-of-the-webhooks-42';
const BC = 'dimagaz.bc';
const LINE = 'dimagaz.bc.line';

describe('a change that Odoo announces', () => {
  let office: Office;
  let api: TestApi;
  let url: string;
  let mute: () => void;
  beforeAll(async () => {
    office = await openOffice({ sandbox: { documents: 1200, lines: 2 } });
    await office.work();
    await office.run('full');
    const env = { ...office.env, ODOO_HOOK_SECRET: SECRET, ODOO_HOOK_DELAY: '50ms' };
    api = await startApi(env, { db: office.mirror.db });
    url = `${await api.app.listen({ port: 0 })}/hooks/odoo?secret=${SECRET}`;
    mute = office.odoo.webhooks.add(url, [BC, LINE]);
  });
  afterAll(async () => {
    mute?.();
    await office?.odoo.webhooks.sent();
    await api?.close();
    await office?.close();
  });
  afterEach(() => quiet());

  const query = async (text: string) => office.database.client.unsafe(text);
  /** Every announced change is read. */
  const quiet = async () => {
    await office.odoo.webhooks.sent();
    await until(async () => {
      const counts = await office.mirror.queues.sync.getJobCounts('waiting', 'active', 'delayed');
      const [open] = await query(`select count(*)::int as n from sync_log where finished_at is null`);
      return Object.values(counts).every((count) => count === 0) && open?.['n'] === 0;
    }, 'all announced changes to be read');
  };
  const mirrored = async (table: string, id: number) =>
    (await query(`select * from ${table} where odoo_id = ${id}`))[0];
  const notesOf = (id: number) =>
    until(async () => (await mirrored('scrap_dimagaz_bc', id))?.['fields'].notes ?? false, `BC ${id}`);
  const lineOf = (bc: number) =>
    office.odoo.ids(LINE).find((id) => office.odoo.record(LINE, id)['bc_id'] === bc) ?? 0;
  const [first = 0, second = 0, third = 0, fourth = 0] = [11, 12, 13, 14];
  const runsSince = async (id: number) => query(`select * from sync_log where id > ${id} order by id`);
  const newestRun = async () => Number((await query('select max(id) as id from sync_log'))[0]?.['id']);
  /** Another run has the lease meanwhile. */
  const whileHeld = async (work: () => Promise<void>) => {
    const token = (await grantLease(office.mirror.db, 'bclinbc', 0, 600_000)) ?? 0;
    try {
      await work();
    } finally {
      await releaseLease(office.mirror.db, 'bclinbc', { runId: 0, token }, {});
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
    office.odoo.write(BC, [first], { notes: 'raconté par Odoo' });
    await until(async () => (await notesOf(first)) === 'raconté par Odoo', 'the change');
    await quiet();
    const [run] = await runsSince(before);
    expect(run).toMatchObject({ mode: 'single', trigger: 'hook', status: 'success', odoo_ids: [first] });
    expect(await query(`select action from audit_log where run_id = ${run?.['id']}`)).toEqual([
      { action: 'updated' },
    ]);
    expect(new Set(office.odoo.webhooks.answers)).toEqual(new Set([202]));
  });

  it('brings a BC that was created, and archives one that was deleted', async () => {
    const id = office.odoo.create(BC, { name: 'BC/NEUF/2', notes: 'neuf' });
    expect(await notesOf(id)).toBe('neuf');
    office.odoo.unlink(BC, [id]);
    await until(
      async () => (await mirrored('scrap_dimagaz_bc', id))?.['archived_at'] ?? false,
      'the archiving',
    );
  });

  it('brings the BC of a line that was written, added, moved or deleted directly', async () => {
    // By the announced lines alone: their BCs would be announced too if an amount moves.
    mute();
    mute = office.odoo.webhooks.add(url, [LINE]);
    const written = lineOf(first);
    const moved = lineOf(second);
    const removed = lineOf(third);
    office.odoo.write(LINE, [written], { note: 'à vérifier' });
    const added = office.odoo.create(LINE, { bc_id: fourth, name: 'Bouteille', quantity: 0, price_unit: 0 });
    office.odoo.write(LINE, [moved], { bc_id: third });
    office.odoo.unlink(LINE, [removed]);
    const owner = async (line: number) =>
      Number((await mirrored('scrap_dimagaz_bc_line', line))?.['bc_odoo_id']);
    await until(
      async () => (await mirrored('scrap_dimagaz_bc_line', written))?.['fields'].note === 'à vérifier',
      'the note',
    );
    await until(async () => (await owner(added)) === fourth, 'the new line');
    await until(async () => (await owner(moved)) === third, 'the moved line');
    await until(
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
    mute = office.odoo.webhooks.add(url, [BC, LINE]);
  });

  it('is read while another run holds the lease', async () => {
    await whileHeld(async () => {
      office.odoo.write(BC, [first], { notes: 'pendant une synchronisation' });
      await until(async () => (await notesOf(first)) === 'pendant une synchronisation', 'the change');
    });
  });

  it('is one of hundreds announced in a moment: few runs read them all, each once', async () => {
    const ids = office.odoo.ids(BC).slice(0, 300);
    const before = await newestRun();
    office.odoo.write(BC, ids, { priority: 8 });
    await quiet();
    const runs = await runsSince(before);
    expect(runs.reduce((seen, run) => seen + run['updated'], 0)).toBe(300);
    expect(runs.length).toBeLessThan(100);
    expect(new Set(runs.map((run) => run['trigger']))).toEqual(new Set(['hook']));
  });

  it('is one of thousands: an incremental run reads them once the lease is free', async () => {
    const ids = office.odoo.ids(BC);
    expect(ids.length).toBeGreaterThan(1000);
    const before = await newestRun();
    mute();
    office.odoo.write(BC, ids, { priority: 987 });
    mute = office.odoo.webhooks.add(url, [BC, LINE]);
    const { hooks, sync } = office.mirror.queues;
    await whileHeld(async () => {
      for (const id of ids) await hooks.add('bc', id);
      await tell(1);
      const waits = async () =>
        (await sync.getDelayed()).find(
          ({ name, attemptsStarted }) => name === 'hooks' && attemptsStarted > 0,
        );
      await until(waits, 'the batch to be put back');
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
    office.odoo.write(BC, [first], { notes: 'sans un mot' });
    mute = office.odoo.webhooks.add(url, [BC, LINE]);
    expect(await office.run('incremental')).toMatchObject({ status: 'success', updated: 1 });
    expect(await notesOf(first)).toBe('sans un mot');
  });
});
