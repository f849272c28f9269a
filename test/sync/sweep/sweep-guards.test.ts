import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { beginReading, endReading } from '../../../src/db/documents/fetch-sequence.ts';
import { openItemsOfEndedRuns } from '../../../src/db/documents/integrity-checks.ts';
import { heartbeat, readState } from '../../../src/db/runs/lease.ts';
import { createRun } from '../../../src/db/runs/runs.ts';
import { NONE_MISSING } from '../../../src/sync/fetch/missing-lines.ts';
import { describeDocument } from '../../../src/sync/model/document-model.ts';
import { planRun } from '../../../src/sync/planning/plan-run.ts';
import { advanceRun } from '../../../src/sync/runs/advance-run.ts';
import { acquireRun } from '../../../src/sync/runs/run-lease.ts';
import { carryOn } from '../../../src/sync/runs/start-run.ts';
import { prepare } from '../../../src/sync/store/normalize.ts';
import { storeTogether } from '../../../src/sync/store/store-documents.ts';
import type { TestSetup } from '../../support/test-setup.ts';
import { openTestSetup } from '../../support/test-setup.ts';

const BC = 'dimagaz.bc';
const LINE = 'dimagaz.bc.line';
const KEY = 'bclinbc';

describe('what a sweep archives', () => {
  let setup: TestSetup;
  let stop: () => Promise<void>;
  beforeEach(async () => {
    setup = await openTestSetup({ sandbox: { documents: 300 }, env: { SYNC_PAGE_SIZE: '10' } });
    stop = await setup.work();
    await setup.run('full');
  });
  afterEach(() => setup.close());

  const archived = async () => {
    const [row] = await setup.database
      .client`select count(*)::int as n from scrap_dimagaz_bc where archived_at is not null`;
    return row?.['n'];
  };
  const some = (from: number, to: number) => setup.odoo.ids(BC).slice(from, to);

  /** A sweep whose comparing is done, as a worker leaves it that dies then. Nobody else works. */
  const planned = async () => {
    await stop();
    const { id: runId } = await createRun(setup.mirror.db, { key: KEY, mode: 'sweep', trigger: 'cli' });
    const run = await acquireRun(setup.mirror, runId);
    if (run === null) throw new Error('the lease is taken');
    await planRun(setup.mirror, run);
    await heartbeat(setup.mirror.db, KEY, run.leaseToken, 600_000);
    return { runId, token: run.leaseToken };
  };

  it('is nothing when our user lost sight of half the BCs: the breaker says so loudly', async () => {
    const [changed = 0, ...rest] = setup.odoo.ids(BC);
    const hidden = rest.filter((id) => id % 2 === 0);
    setup.odoo.faults.hideRecords(BC, hidden);
    const late = setup.odoo.begin(new Date('2025-01-01T00:00:00Z'));
    late.write(BC, [changed], { notes: 'lu quand même' });
    late.commit();
    const run = await setup.run('sweep');
    expect(run).toMatchObject({ status: 'partial', errorCode: 'sweep_breaker', archived: 0 });
    expect(run).toMatchObject({ gone: hidden.length, updated: 1, late: 1 });
    expect(run.errorMessage).toContain(`${hidden.length} of 300 BCs are gone`);
    expect(run.errorMessage).toContain('at most 60');
    expect(run.errorMessage).toContain('--force');
    expect(await archived()).toBe(0);
    expect(await readState(setup.mirror.db, KEY)).toMatchObject({ held: false, isSyncing: false });
    setup.odoo.faults.clear();
    expect(await setup.run('sweep')).toMatchObject({ status: 'success', planned: 0 });
  });

  it('is at most the larger of 20 % and 50 in a day, unless it is forced', async () => {
    setup.odoo.erase(BC, some(0, 60));
    expect(await setup.run('sweep')).toMatchObject({ status: 'success', archived: 60 });
    setup.odoo.erase(BC, some(0, 1));
    const refused = await setup.run('sweep');
    expect(refused).toMatchObject({ errorCode: 'sweep_breaker', gone: 1, archived: 0 });
    expect(refused.errorMessage).toContain('at most 60 in a day');
    expect(refused.errorMessage).toContain('have archived 60 already');
    expect(await setup.run('sweep', undefined, true)).toMatchObject({ status: 'success', archived: 1 });
    await setup.database.client`update sync_log set finished_at = finished_at - interval '1 day'`;
    setup.odoo.erase(BC, some(0, 50));
    expect(await setup.run('sweep')).toMatchObject({ status: 'success', archived: 50 });
    expect(await archived()).toBe(111);
  });

  it('counts for the day if a resync archived it', async () => {
    const named = some(0, 40);
    setup.odoo.erase(BC, named);
    expect(await setup.run('single', named)).toMatchObject({ status: 'success', archived: 40 });
    setup.odoo.erase(BC, some(0, 21));
    expect(await setup.run('sweep')).toMatchObject({ errorCode: 'sweep_breaker', gone: 21, archived: 0 });
  });

  it('is at most half of a small mirror', async () => {
    setup.odoo.erase(BC, some(0, 260));
    expect(await setup.run('sweep', undefined, true)).toMatchObject({ archived: 260 });
    setup.odoo.erase(BC, some(0, 21));
    expect(await setup.run('sweep')).toMatchObject({ errorCode: 'sweep_breaker', gone: 21, archived: 0 });
    setup.odoo.create(BC, { name: 'BC/1' });
    setup.odoo.create(BC, { name: 'BC/2' });
    expect(await setup.run('sweep')).toMatchObject({ status: 'success', created: 2, archived: 21 });
  });

  it('is any number when forced, in several transactions, each BC audited once', async () => {
    await setup.database.client`
      insert into scrap_dimagaz_bc (odoo_id, fields, content_hash, fetch_seq, fetched_at, synced_at)
      select n, jsonb_build_object('id', n), '', 1, now(), now() from generate_series(100001, 101200) as n`;
    expect(await setup.run('sweep')).toMatchObject({ errorCode: 'sweep_breaker', gone: 1200 });
    expect(await setup.run('sweep', undefined, true)).toMatchObject({ status: 'success', archived: 1200 });
    const [audit] = await setup.database
      .client`select count(*)::int as n, count(distinct odoo_id)::int as bcs,
      count(distinct xid)::int as transactions from audit_log where action = 'archived'`;
    expect(audit).toEqual({ n: 1200, bcs: 1200, transactions: 3 });
  });

  it.each([
    ['a slice of lines finds no answer', { method: 'search_read', model: LINE }],
    ['a page cannot be read', { method: 'read' }],
    ['the second look finds no answer', { method: 'search', model: BC }],
  ])('is nothing when %s; the next sweep makes up for it', async (_, match) => {
    const [first = 0, ...gone] = some(0, 21);
    setup.odoo.write(BC, [first], { notes: 'à lire' });
    setup.odoo.erase(BC, gone);
    setup.odoo.faults.when(match, 'error500');
    expect(await setup.run('sweep')).toMatchObject({ status: 'failed', archived: 0 });
    expect(await archived()).toBe(0);
    setup.odoo.faults.clear();
    expect(await setup.run('sweep')).toMatchObject({ status: 'success', updated: 1, archived: 20 });
  });

  it('is nothing when the lease was lost while comparing', async () => {
    await stop();
    setup.odoo.erase(BC, some(0, 5));
    const { id } = await createRun(setup.mirror.db, { key: KEY, mode: 'sweep', trigger: 'cli' });
    const first = await acquireRun(setup.mirror, id);
    await heartbeat(setup.mirror.db, KEY, first?.leaseToken ?? 0, -1000);
    const second = await acquireRun(setup.mirror, id);
    if (first === null || second === null) throw new Error('both were to be granted');
    await expect(planRun(setup.mirror, first)).rejects.toMatchObject({ code: 'lease_lost' });
    await advanceRun(setup.mirror, id);
    expect(await archived()).toBe(0);
  });

  it('leaves a BC alone that came back, or came at all, while the sweep was going on', async () => {
    const [gone = 0, back = 0] = setup.odoo.ids(BC);
    setup.odoo.erase(BC, [gone]);
    setup.odoo.faults.hideRecords(BC, [back]);
    const { runId } = await planned();
    setup.odoo.faults.clear();
    setup.odoo.create(BC, { name: 'BC/PENDANT/1' });
    await advanceRun(setup.mirror, runId);
    await setup.work();
    expect(await setup.ended(runId)).toMatchObject({
      status: 'success',
      archived: 1,
      unchanged: 1,
      seen: 2,
    });
    expect(await archived()).toBe(1);
  });

  it('leaves a BC alone that another run read after the check of the sweep', async () => {
    setup.odoo.erase(BC, some(0, 2));
    const [one = 0] = some(0, 0);
    const { runId } = await planned();
    const { client } = setup.database;
    await client`update sync_run_item set state = 'gone', gone_seq = nextval('fetch_seq')`;
    const [read] = await client`update scrap_dimagaz_bc set fetch_seq = nextval('fetch_seq'),
      synced_at = clock_timestamp() where odoo_id = (select min(odoo_id) from sync_run_item where run_id = ${runId}) returning odoo_id`;
    expect(Number(read?.['odoo_id'])).toBeGreaterThan(one);
    await advanceRun(setup.mirror, runId);
    await setup.work();
    expect(await setup.ended(runId)).toMatchObject({ status: 'success', archived: 1, gone: 1 });
  });

  it('is reported if it is less than the BCs found gone, because a number claims a reading that never was', async () => {
    setup.odoo.erase(BC, some(0, 2));
    const { runId } = await planned();
    const { client } = setup.database;
    await client`update sync_run_item set state = 'gone', gone_seq = nextval('fetch_seq')`;
    // A number of before a failover, which the sequence passes while the sweep is going on.
    await client`update scrap_dimagaz_bc set fetch_seq = nextval('fetch_seq') + 10
      where odoo_id = (select min(odoo_id) from sync_run_item where run_id = ${runId})`;
    await client`select setval('fetch_seq', (select last_value + 20 from fetch_seq))`;
    await setup.work();
    const run = await setup.ended(runId);
    expect(run).toMatchObject({ status: 'partial', errorCode: 'gone_not_archived', archived: 1, gone: 1 });
    expect(run.errorMessage).toMatch(/^1 BC is gone from Odoo but not archived/);
    expect(await setup.run('sweep')).toMatchObject({ status: 'success', errorCode: null, archived: 1 });
  });

  it('is not restored by a reading that had found it before it was archived', async () => {
    const { mirror } = setup;
    const [id = 0] = some(0, 1);
    setup.odoo.erase(BC, [id]);
    const { runId } = await planned();
    const { client } = setup.database;
    await client`update sync_run_item set state = 'gone', gone_seq = nextval('fetch_seq') where run_id = ${runId}`;
    await client`update sync_run_page set state = 'done' where run_id = ${runId}`;
    const begun = await beginReading(mirror.db);
    await advanceRun(mirror, runId);
    expect(await archived()).toBe(1);
    const reading = await endReading(mirror.db, begun);
    const document = {
      header: prepare(BC, { id, name: 'BC/VU/AVANT' }, {}),
      ...{ lines: [], reading, missing: NONE_MISSING },
    };
    const model = await describeDocument(mirror.source, mirror.definition);
    const entry = { model, document, runId, rpcCalls: 0 };
    expect(await storeTogether(mirror, KEY, mirror.settings, [entry])).toEqual(['stale']);
    expect(await archived()).toBe(1);
  });

  it('is checked again when the run had paused for a while', async () => {
    const [gone = 0, back = 0] = setup.odoo.ids(BC);
    setup.odoo.erase(BC, [gone]);
    setup.odoo.faults.hideRecords(BC, [back]);
    const { runId, token } = await planned();
    const { client } = setup.database;
    await client`update sync_run_item set state = 'gone', gone_seq = nextval('fetch_seq') where run_id = ${runId}`;
    await client`update sync_run_page set state = 'done' where run_id = ${runId}`;
    setup.odoo.faults.clear();
    await heartbeat(setup.mirror.db, KEY, token, -1000);
    const next = await setup.request('incremental');
    await setup.work();
    expect(await setup.ended(next)).toMatchObject({ status: 'skipped' });
    expect(await setup.ended(runId)).toMatchObject({
      status: 'success',
      archived: 1,
      unchanged: 1,
      gone: 0,
    });
  });

  it('is never open again once the run is over, after any number of deliveries', async () => {
    setup.odoo.erase(BC, some(0, 61));
    const { runId, token } = await planned();
    const { client } = setup.database;
    await client`update sync_run_item set state = 'gone', gone_seq = nextval('fetch_seq') where run_id = ${runId}`;
    await client`update sync_run_page set state = 'done' where run_id = ${runId}`;
    await heartbeat(setup.mirror.db, KEY, token, -1000);
    const first = await acquireRun(setup.mirror, runId);
    if (first === null) throw new Error('the lease ran out');
    await heartbeat(setup.mirror.db, KEY, first.leaseToken, -1000);
    await setup.request('incremental');
    await setup.work();
    expect(await setup.ended(runId)).toMatchObject({ status: 'partial', gone: 61 });
    await carryOn(setup.mirror, first);
    expect((await openItemsOfEndedRuns(setup.mirror.db, KEY)).total).toBe(0);
  });

  it('is the one BC too that a resync finds gone; an incremental run leaves it to the sweep', async () => {
    const [first = 0, second = 0] = setup.odoo.ids(BC);
    setup.odoo.erase(BC, [first, second]);
    expect(await setup.run('single', [first, 999_999])).toMatchObject({ archived: 1, gone: 1 });
    expect(await setup.run('incremental')).toMatchObject({ archived: 0 });
    expect(await archived()).toBe(1);
    expect(await setup.run('sweep')).toMatchObject({ archived: 1 });
  });
});
