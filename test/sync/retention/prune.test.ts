import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { prune } from '../../../src/sync/maintenance/prune.ts';
import type { Archive } from './prune-rows.ts';
import { openArchive, RETENTION } from './prune-rows.ts';

const NOTHING = { items: 0, runs: 0, failures: 0, alerts: 0, modelChanges: 0, audit: 0, jobs: 0 };
const FOR_EVER = { runsMs: null, itemsMs: null, auditMs: null };
const PLANNED = { mode: 'incremental', status: 'failed', lease_token: 9 };

describe('a prune', () => {
  let archive: Archive;
  beforeEach(async () => {
    archive = await openArchive();
  });
  afterEach(() => archive.close());

  it('removes rows older than the settings and keeps the rest', async () => {
    const { source, run } = archive;
    await run(31, {}, 3);
    const middle = await run(8, {}, 2);
    const young = await run(6);
    await archive.audit(61, 2);
    await archive.audit(59);
    await archive.failure(1, 31);
    await archive.failure(1, 29);
    await archive.incident('old', 31, 90);
    await archive.incident('young', 29, 90);
    const changes = [await archive.modelChange(31, true), await archive.modelChange(29, true)];
    await archive.state(changes[1] ?? 0);
    expect(await prune(source)).toEqual({
      ...{ items: 5, runs: 1, failures: 1, alerts: 1, modelChanges: 1, audit: 2, jobs: 0 },
    });
    expect(await archive.ids('sync_log')).toEqual([middle, young]);
    expect(await archive.ids('sync_run_item', 'run_id')).toEqual([young]);
    expect(await archive.ids('sync_run_page', 'run_id')).toEqual([young]);
    expect(await archive.ids('model_change')).toEqual(changes.slice(1));
    for (const table of ['audit_log', 'sync_failure', 'alert_incident', 'alert_delivery']) {
      expect([table, await archive.count(table)]).toEqual([table, 1]);
    }
    expect(await prune(source)).toEqual(NOTHING);
  });

  it('removes nothing that is kept for ever, and items with their run where only these are', async () => {
    const { source } = archive;
    await archive.run(5000);
    await archive.audit(5000);
    await archive.failure(1, 5000);
    expect(await prune({ ...source, retention: FOR_EVER })).toEqual(NOTHING);
    const kept = await archive.run(29);
    const withItems = { ...source, retention: { ...RETENTION, itemsMs: null } };
    expect(await prune(withItems)).toMatchObject({ runs: 1, items: 1, failures: 1, audit: 1 });
    expect(await archive.ids('sync_run_item', 'run_id')).toEqual([kept]);
  });

  it.each([
    ['waits in the queue', null, { status: 'queued' }],
    ['is running', null, { status: 'running' }],
    ['failed, and owes what the next run takes over', 99, PLANNED],
  ])('never touches a run that %s', async (_why, days, more) => {
    const stays = await archive.run(days, more);
    await archive.run(99);
    await archive.state(0);
    expect(await prune(archive.source)).toMatchObject({ runs: 1, items: 1 });
    for (const [table, column] of [
      ['sync_log', 'id'],
      ['sync_run_item', 'run_id'],
      ['sync_run_page', 'run_id'],
    ]) {
      expect([table, await archive.ids(table ?? '', column)]).toEqual([table, [stays]]);
    }
  });

  it('never touches the run that has the lease', async () => {
    const holder = await archive.run(99);
    await archive.state(0, holder);
    expect(await prune(archive.source)).toEqual(NOTHING);
    await archive.state(0);
    expect(await prune(archive.source)).toMatchObject({ runs: 1, items: 1 });
  });

  it('keeps the last word of each kind of run, without its items, so that people and alerts know how things stand', async () => {
    const words = [];
    for (const mode of ['sweep', 'full']) {
      for (const status of ['success', 'partial', 'failed', 'skipped']) {
        words.push(await archive.run(99, { mode, status, lease_token: words.length }));
      }
    }
    const last = words.filter((_, at) => [1, 2, 5, 6].includes(at));
    expect(await prune(archive.source)).toMatchObject({ runs: 4, items: 8 });
    expect(await archive.ids('sync_log')).toEqual(last);
  });

  it('lets a failed run go once another one was planned after it', async () => {
    await archive.run(99, PLANNED);
    const newest = await archive.run(98, { ...PLANNED, lease_token: 10 });
    await archive.state(0);
    expect(await prune(archive.source)).toMatchObject({ runs: 1 });
    expect(await archive.ids('sync_log')).toEqual([newest]);
  });

  it('never removes open failures, open incidents, or incidents with unsent notices', async () => {
    await archive.failure(1, null);
    await archive.incident('open', null, 99);
    await archive.incident('untold', 99, null);
    expect(await prune(archive.source)).toEqual(NOTHING);
    await archive.client`update alert_delivery set given_up_at = now() where delivered_at is null`;
    expect(await prune(archive.source)).toEqual({ ...NOTHING, alerts: 1 });
    expect(await archive.count('alert_delivery')).toBe(1);
  });

  it('never removes the newest change of the model that asks for a full run, nor one that no full run has read', async () => {
    const read = await archive.modelChange(99, true);
    const unread = await archive.modelChange(98, true);
    const newest = await archive.modelChange(97, true);
    const label = await archive.modelChange(96, false);
    expect(await prune(archive.source)).toEqual({ ...NOTHING, modelChanges: 1 });
    expect(await archive.ids('model_change')).not.toContain(label);
    await archive.state(unread);
    expect(await prune(archive.source)).toEqual({ ...NOTHING, modelChanges: 1 });
    expect(await archive.ids('model_change')).not.toContain(read);
    await archive.state(newest + 1);
    expect(await prune(archive.source)).toEqual({ ...NOTHING, modelChanges: 1 });
    expect(await archive.ids('model_change')).toEqual([newest]);
  });

  it('works in batches, stops between them on request, and goes on the next time', async () => {
    await archive.run(99, {}, 4500);
    await archive.audit(99, 5000);
    await archive.audit(1, 3);
    const stopped = await prune(archive.source, AbortSignal.abort());
    expect(stopped).toEqual({ ...NOTHING, items: 4000 });
    expect(await archive.count('sync_log')).toBe(1);
    expect(await prune(archive.source)).toEqual({ ...NOTHING, items: 500, runs: 1, audit: 5000 });
    expect(await archive.count('audit_log')).toBe(3);
  });

  it('shares the work with another one, while others go on writing', async () => {
    const { client, source } = archive;
    for (let runs = 0; runs < 5; runs += 1) await archive.run(99, {}, 1000);
    await archive.audit(99, 6000);
    const open = await archive.run(null, { status: 'running' });
    let writing = true;
    const writer = (async () => {
      let written = 0;
      for (; writing; written += 1) {
        await client`insert into audit_log (odoo_id, run_id, action, changes) values (1, ${open}, 'updated', '{}')`;
        await client`insert into sync_run_item (run_id, odoo_id, page) values (${open}, ${100 + written}, 1)`;
      }
      return written;
    })();
    const both = await Promise.all([prune(source), prune(source)]);
    writing = false;
    const written = await writer;
    const rest = await prune(source);
    const sum = (what: keyof typeof rest) => [...both, rest].reduce((total, one) => total + one[what], 0);
    expect([sum('items'), sum('runs'), sum('audit')]).toEqual([5000, 5, 6000]);
    expect(await archive.count('audit_log')).toBe(written);
    expect(await archive.count('sync_run_item')).toBe(written + 1);
  });

  it('does not wait for a row that another connection is writing: its run stays until the next time', async () => {
    const { client, source } = archive;
    const busy = await archive.run(99, {}, 3);
    const held = await client.reserve();
    await held`begin`;
    await held`update sync_run_item set state = 'unchanged' where run_id = ${busy} and odoo_id = 2`;
    expect(await prune(source)).toEqual({ ...NOTHING, items: 2 });
    await held`commit`;
    held.release();
    expect(await prune(source)).toEqual({ ...NOTHING, items: 1, runs: 1 });
  });
});
