import { createHmac } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bcStore } from '../../../src/db/documents/tables.ts';
import { lockDocuments } from '../../../src/db/documents/writes.ts';
import { verifyMirror } from '../../../src/sync/maintenance/verify.ts';
import {
  openTestMirrors,
  openTestSetup,
  type Release,
  type TestMirror,
  type TestSetup,
} from '../../support/test-setup.ts';
import { waitFor } from '../../support/wait-for.ts';
import { BC } from '../source/source-setup.ts';

const LINE = 'dimagaz.bc.line';
const KEY = 'the first key of the tests, long enough';
const OTHER_KEY = 'the other key of the tests, long enough';
const hmac = (text: string, key = KEY) => createHmac('sha256', key).update(text).digest('hex');

const folder = await mkdtemp(join(tmpdir(), 'passerelle-policies-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

let setup: TestSetup;
let releases: Release[] = [];
beforeEach(async () => {
  setup = await openTestSetup({ sandbox: { documents: 6 } });
});
afterEach(async () => {
  await stop();
  await setup.close();
});
const stop = async () => {
  for (const release of releases.reverse()) await release();
  releases = [];
};

/** A worker that was restarted with other policies, or another key. */
async function restart(fields: string, key = KEY): Promise<TestMirror> {
  await stop();
  const MIRRORS_FILE = join(folder, 'mirrors.yaml');
  const bc = `bc: { model: dimagaz.bc, lines: dimagaz.bc.line, fields: ${fields} }`;
  await writeFile(MIRRORS_FILE, `mirrors:\n  ${bc}\n`);
  const env = { ...setup.env, MIRRORS_FILE, FIELD_HASH_KEY: key };
  const mirror = (await openTestMirrors(env, releases)).get('bc');
  if (mirror === undefined) throw new Error('no mirror bc');
  await mirror.work();
  return mirror;
}

const first = () => setup.odoo.ids(BC)[0] ?? 0;
const fieldsOf = async (id: number, table = 'scrap_dimagaz_bc') => {
  const { client } = setup.database;
  const [row] = await client`select fields from ${client(table)} where odoo_id = ${id}`;
  return row?.['fields'];
};
const trailOf = async (id: number) => {
  const rows = await setup.database.client`
    select action, changes from audit_log where odoo_id = ${id} order by id`;
  return rows.map(({ action, changes }) => ({ action, ...changes }));
};
const verify = ({ mirror }: TestMirror) => verifyMirror({ ...mirror, pageSize: 100 }, () => {});

/** A BC with an old and a new note, of which the mirror has both in its audit trail. */
async function copied(fields = '{}', key = KEY): Promise<TestMirror> {
  const mirror = await restart(fields, key);
  setup.odoo.write(BC, [first()], { notes: 'an old note' });
  expect((await mirror.run('full')).status).toBe('success');
  setup.odoo.write(BC, [first()], { notes: 'a new note' });
  expect(await mirror.run('incremental')).toMatchObject({ updated: 1 });
  return mirror;
}

describe('a policy that a field gets later', () => {
  it('is applied to headers and lines, and the full run finds nothing else', async () => {
    await copied();
    const { odoo } = setup;
    const [line = 0] = odoo.ids(LINE).filter((id) => odoo.record(LINE, id)['bc_id'] === first());
    const mirror = await restart('{ hash: [notes], mask: [name], drop: [note, terms] }');
    expect(await mirror.run('incremental')).toMatchObject({ mode: 'full', updated: 0, unchanged: 6 });
    const number = String(odoo.record(BC, first())['name']);
    expect(await fieldsOf(first())).toMatchObject({ notes: hmac('a new note'), name: `${number[0]}***` });
    for (const record of [await fieldsOf(first()), await fieldsOf(line, 'scrap_dimagaz_bc_line')]) {
      expect(record).not.toHaveProperty('note');
      expect(record).not.toHaveProperty('terms');
    }
    // The label of the header has the policy of its name.
    expect(await fieldsOf(line, 'scrap_dimagaz_bc_line')).toMatchObject({
      bc_id: [first(), `${number[0]}***`],
    });
    expect(await verify(mirror)).toMatchObject({ ok: true, modelChanges: 0 });
  });

  it('is applied to the audit trail, and dropped values leave no empty part', async () => {
    const plain = await copied();
    const { odoo } = setup;
    const lines = odoo.ids(LINE).filter((id) => odoo.record(LINE, id)['bc_id'] === first());
    const [changed = 0, deleted = 0] = lines;
    odoo.write(LINE, [changed], { note: 'on a line', name: 'plain' });
    odoo.write(LINE, [deleted], { note: 'on a line that goes' });
    expect(await plain.run('incremental')).toMatchObject({ updated: 1 });
    odoo.unlink(LINE, [deleted]);
    const added = odoo.create(LINE, { bc_id: first(), note: 'on a line that comes', name: 'plain' });
    odoo.write(BC, [first()], { terms: '<p>secret</p>' });
    expect(await plain.run('incremental')).toMatchObject({ updated: 1 });

    const mirror = await restart(
      '{ hash: [notes], mask: [note], drop: [terms, "amount_*", name, "line_*"] }',
    );
    expect(await mirror.run('incremental')).toMatchObject({ mode: 'full', updated: 0, failed: 0 });
    const [, updated, ...others] = await trailOf(first());
    expect(updated).toEqual({
      action: 'updated',
      header: expect.objectContaining({ notes: { old: hmac('an old note'), new: hmac('a new note') } }),
    });
    const text = JSON.stringify(others);
    expect(text).not.toMatch(/on a line|secret|plain/);
    const [, both] = others;
    expect(both).toMatchObject({
      linesAdded: [{ id: added, note: 'o***' }],
      linesRemoved: [{ id: deleted, note: 'o***' }],
    });
    expect(others[0]).toMatchObject({ linesChanged: { [changed]: { note: { new: 'o***' } } } });
    expect(others[0]?.linesChanged[changed]).not.toHaveProperty('name');
  });

  it('is applied once if the process dies before all values are rewritten', async () => {
    await copied();
    const { client } = setup.database;
    // The last statement of the rewriting fails, like a connection that breaks.
    await client.unsafe(`
      create sequence refusals;
      create function refuse() returns trigger language plpgsql as $$ begin
        perform nextval('refusals');
        raise exception 'broken' using errcode = '57P01';
      end $$;
      create trigger refuse before insert on model_change execute function refuse()`);
    const mirror = await restart('{ hash: [notes, name] }');
    const run = await mirror.request('incremental');
    await waitFor(async () => {
      // A sequence does not roll back.
      const [refusals] = await client`select is_called from refusals`;
      return refusals?.['is_called'] === true;
    }, 'a rewriting that is rolled back');
    expect(await fieldsOf(first())).toMatchObject({ notes: 'a new note' });
    await client`drop trigger refuse on model_change`;
    await mirror.ended(run);
    await mirror.run('incremental');
    expect(await fieldsOf(first())).toMatchObject({ notes: hmac('a new note') });
    expect((await trailOf(first()))[1]?.header.notes).toEqual({
      ...{ old: hmac('an old note'), new: hmac('a new note') },
    });
  });

  it('waits for stores in progress, and they for it', async () => {
    await copied();
    const mirror = await restart('{ hash: [notes] }');
    const { db, client } = setup.database;
    const waiting = (sessions: number) =>
      waitFor(async () => {
        const [row] = await client`
          select count(*)::int as n from pg_stat_activity
          where datname = current_database() and wait_event_type = 'Lock' and wait_event = 'advisory'`;
        return row?.['n'] === sessions;
      }, `${sessions} sessions that wait for a lock`);
    let run = 0;
    let store: Promise<unknown> = Promise.resolve();
    await db.transaction(async (tx) => {
      await lockDocuments(bcStore(tx), [first()]);
      run = await mirror.request('incremental');
      await waiting(1);
      expect(await fieldsOf(first())).toMatchObject({ notes: 'a new note' });
      // Another BC, but it must not read its old values before they are rewritten.
      store = db.transaction((other) => lockDocuments(bcStore(other), [first() + 1]));
      await waiting(2);
    });
    await store;
    expect(await mirror.ended(run)).toMatchObject({ status: 'success', updated: 0 });
    expect(await fieldsOf(first())).toMatchObject({ notes: hmac('a new note') });
  });

  it('is not applied twice to a value that an earlier policy hashed', async () => {
    const hashing = await copied('{ hash: [notes] }');
    expect((await trailOf(first()))[1]?.header.notes).toEqual({
      ...{ old: hmac('an old note'), new: hmac('a new note') },
    });
    expect((await hashing.run('sweep')).status).toBe('success');
    const plain = await restart('{}');
    expect(await plain.run('incremental')).toMatchObject({ mode: 'full', status: 'success' });
    expect(await fieldsOf(first())).toMatchObject({ notes: 'a new note' });
    const mirror = await restart('{ hash: [notes] }');
    expect(await mirror.run('incremental')).toMatchObject({ mode: 'full', updated: 0 });
    const notes = (await trailOf(first())).flatMap(({ header }) => header?.notes ?? []);
    expect(notes).toEqual([
      { old: hmac('an old note'), new: hmac('a new note') },
      { old: hmac('a new note'), new: hmac('a new note') },
    ]);
  });

  it('replaces messages that may quote a value', async () => {
    await copied();
    const { client } = setup.database;
    await client`
      insert into sync_failure (key, odoo_id, code, message, run_id, next_attempt_at)
      values ('bclinbc', 1, 'odoo_application_error', 'a new note', 1, now() + interval '1 day')`;
    await client`
      insert into sync_log (key, mode, trigger, status, error_code, error_message) values
        ('bclinbc', 'full', 'cli', 'failed', 'odoo_malformed_answer', 'a new note'),
        ('bclinbc', 'sweep', 'cli', 'partial', 'sweep_breaker', 'Nothing was archived.')`;
    const mirror = await restart('{ hash: [notes] }');
    expect((await mirror.run('full')).status).toBe('success');
    const rows = await client`
      select message from sync_failure union all select error_message from sync_log where error_message is not null`;
    const removed = 'The message was removed, because it may quote a hidden or erased value.';
    expect(rows.map(({ message }) => message).sort()).toEqual(['Nothing was archived.', removed, removed]);
  });
});

describe('a policy that stays', () => {
  it('rewrites nothing when the model changes in another way', async () => {
    await copied('{ drop: [name], hash: [notes] }');
    const { client } = setup.database;
    await client`
      insert into sync_failure (key, odoo_id, code, message, run_id, next_attempt_at)
      values ('bclinbc', 99, 'odoo_application_error', 'a message', 1, now() + interval '1 day')`;
    setup.odoo.setField(LINE, 'extra', { type: 'char', string: 'Extra' });
    const mirror = await restart('{ drop: [name], hash: [notes] }');
    expect(await mirror.run('incremental')).toMatchObject({ mode: 'full', status: 'success' });
    const [failure] = await client`select message from sync_failure where odoo_id = 99`;
    expect(failure?.['message']).toBe('a message');
  });
});

describe('another FIELD_HASH_KEY', () => {
  it('removes the old hashes, and a full run reads all values again', async () => {
    await copied('{ hash: [notes, name] }');
    const mirror = await restart('{ hash: [notes, name] }', OTHER_KEY);
    expect(await mirror.run('incremental')).toMatchObject({ mode: 'full', updated: 6 });
    expect(await fieldsOf(first())).toMatchObject({ notes: hmac('a new note', OTHER_KEY) });
    expect((await trailOf(first()))[1]?.header?.notes).toBeUndefined();
    const number = String(setup.odoo.record(BC, first())['name']);
    const [found] = await setup.database.client`
      select (select count(*)::int from audit_log where changes::text like ${`%${hmac('a new note')}%`}) as trail,
        (select count(*)::int from scrap_dimagaz_bc_line
          where fields->'bc_id'->>1 = ${hmac(number, OTHER_KEY)}) > 0 as lines`;
    expect(found).toEqual({ trail: 0, lines: true });
    expect(await verify(mirror)).toMatchObject({ ok: true, modelChanges: 0 });
    // The same key again is no change.
    const again = await restart('{ hash: [notes, name] }', OTHER_KEY);
    expect(await again.run('incremental')).toMatchObject({ mode: 'incremental', status: 'success' });
  });
});
