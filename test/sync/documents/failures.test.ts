import { sql } from 'drizzle-orm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buildApp } from '../../../src/api/app.ts';
import { readApiConfig } from '../../../src/config/index.ts';
import { readState } from '../../../src/db/runs/lease.ts';
import { openApiMetrics } from '../../../src/observability/metrics/api-metrics.ts';
import { bcJobId } from '../../../src/queues/jobs.ts';
import { openRedis } from '../../../src/queues/redis.ts';
import { createLogger } from '../../../src/shared/logger.ts';
import { basic } from '../../api/http/start-api.ts';
import { redisUrl } from '../../support/redis.ts';
import type { TestSetup } from '../../support/test-setup.ts';
import { openTestSetup } from '../../support/test-setup.ts';
import { waitFor } from '../../support/wait-for.ts';

describe('one BC that cannot be stored', () => {
  let setup: TestSetup;
  let bad = 0;
  beforeEach(async () => {
    setup = await openTestSetup({ env: { SYNC_PAGE_SIZE: '16' } });
    bad = setup.odoo.ids('dimagaz.bc')[7] ?? 0;
    await setup.work();
  });
  afterEach(() => setup.close());

  const openFailures = () =>
    setup.database
      .client`select odoo_id, code, message, failures from sync_failure where resolved_at is null`;
  const openBoard = async () => {
    const log = createLogger('silent', 'test');
    const redis = openRedis(redisUrl(), 'producer', log);
    const app = await buildApp({
      ...setup.mirror,
      queuesOf: () => setup.mirror.queues,
      reserveDb: setup.mirror.db,
      config: readApiConfig({ ...setup.env, ADMIN_PASSWORD: 'of-the-tests' }),
      redis,
      cacheRedis: redis,
      tryton: null,
      trytonHealth: null,
      metrics: openApiMetrics(),
      tracing: null,
      log,
      stopping: new AbortController().signal,
    });
    app.addHook('onClose', () => redis.disconnect());
    return app;
  };
  /** PostgreSQL refuses this one BC, as it would refuse bad data. */
  const refuse = () =>
    setup.mirror.db.execute(
      sql.raw(`alter table scrap_dimagaz_bc add constraint no_bad check (odoo_id <> ${bad})`),
    );
  const allow = () => setup.mirror.db.execute(sql`alter table scrap_dimagaz_bc drop constraint no_bad`);

  it('fails alone when PostgreSQL refuses it: the run ends partial and the failure is listed with its reason', async () => {
    await refuse();
    const run = await setup.run('full');
    expect(run).toMatchObject({ status: 'partial', failed: 1, created: setup.odoo.count('dimagaz.bc') - 1 });
    const [failure] = await openFailures();
    expect(failure).toMatchObject({ odoo_id: String(bad), code: '23514', failures: 1 });
    expect(failure?.['message']).toContain('no_bad');
    expect(failure?.['message']).not.toContain('insert into');
  });

  it('fails alone when Odoo refuses it: the page is halved down to it', async () => {
    setup.odoo.faults.denyRecord('dimagaz.bc', bad);
    const run = await setup.run('full');
    expect(run).toMatchObject({ status: 'partial', failed: 1, created: setup.odoo.count('dimagaz.bc') - 1 });
    expect(await openFailures()).toMatchObject([{ odoo_id: String(bad), code: 'odoo_access_denied' }]);
  });

  it('fails alone when Odoo refuses a line of it that was just written', async () => {
    await setup.run('full');
    const [line = 0, other = 0] = setup.odoo.ids('dimagaz.bc.line').slice(-2);
    setup.odoo.write('dimagaz.bc.line', [line, other], { note: 'written' });
    setup.odoo.faults.denyRecord('dimagaz.bc.line', line);
    expect(await setup.run('incremental')).toMatchObject({ status: 'partial', failed: 1 });
    const owner = setup.odoo.record('dimagaz.bc.line', line)['bc_id'];
    expect(await openFailures()).toMatchObject([{ odoo_id: String(owner), code: 'odoo_access_denied' }]);
  });

  it('is found when Odoo hangs on it: the page times out, the record is blamed, the others are stored', async () => {
    setup.odoo.faults.when({ ids: [bad] }, 'hang');
    const testMirror = setup.also({ ODOO_TIMEOUT_MS: '300', SYNC_ATTEMPTS: '2' });
    await testMirror.work();
    const run = await testMirror.run('full');
    expect(run).toMatchObject({ status: 'partial', failed: 1, created: setup.odoo.count('dimagaz.bc') - 1 });
    expect(await openFailures()).toMatchObject([{ odoo_id: String(bad), code: 'odoo_timeout' }]);
  });

  it('is found when the newest one, which speaks for Odoo, cannot be read either', async () => {
    const [newest = 0] = setup.odoo.ids('dimagaz.bc').slice(-1);
    for (const id of [bad, newest]) setup.odoo.faults.when({ ids: [id] }, 'hang');
    const testMirror = setup.also({ ODOO_TIMEOUT_MS: '300', SYNC_ATTEMPTS: '2' });
    await testMirror.work();
    expect(await testMirror.run('full')).toMatchObject({ status: 'partial', failed: 2 });
  });

  it('does not stop later runs however many there are of it', async () => {
    const denied = setup.odoo.ids('dimagaz.bc').slice(0, 20);
    for (const id of denied) setup.odoo.faults.denyRecord('dimagaz.bc', id);
    expect(await setup.run('full')).toMatchObject({ status: 'partial', failed: 20 });
    await setup.mirror.db.execute(sql`update sync_failure set next_attempt_at = now()`);
    expect(await setup.run('incremental')).toMatchObject({ status: 'partial' });
    expect(await openFailures()).toHaveLength(20);
  });

  it('is not blamed when nothing can be read any more: the run fails, and says why', async () => {
    setup.odoo.faults.when({ method: 'read', model: 'dimagaz.bc' }, 'hang');
    const testMirror = setup.also({ ODOO_TIMEOUT_MS: '100', SYNC_ATTEMPTS: '2' });
    await testMirror.work();
    expect(await testMirror.run('full')).toMatchObject({ status: 'failed', errorCode: 'odoo_timeout' });
    expect(await openFailures()).toEqual([]);
  });

  it('is stored by Retry in bull-board long after the run ended, with the content of today, and its failure is closed', async () => {
    await refuse();
    const run = await setup.run('full');
    await setup.run('incremental');
    await allow();
    setup.odoo.write('dimagaz.bc', [bad], { notes: 'corrigé depuis' });
    const board = await openBoard();
    const jobs = '/admin/queues/api/queues';
    const headers = basic('admin', 'of-the-tests');
    const listed = await board.inject({
      url: `${jobs}?activeQueue=bc&status=failed&page=1&jobsPerPage=10`,
      headers,
    });
    const [job] = listed.json().queues.find((queue: { name: string }) => queue.name === 'bc').jobs;
    expect(job).toMatchObject({ id: bcJobId({ runId: run.id, odooId: bad, generation: 0 }) });
    expect(job.failedReason).toContain('no_bad');
    expect(
      (await board.inject({ method: 'PUT', url: `${jobs}/bc/${job.id}/retry`, headers })).statusCode,
    ).toBeLessThan(300);
    await waitFor(async () => (await openFailures()).length === 0, 'the failure to be resolved');
    await board.close();
    const [row] = await setup.database
      .client`select fields->>'notes' as notes from scrap_dimagaz_bc where odoo_id = ${bad}`;
    expect(row?.['notes']).toBe('corrigé depuis');
  });

  it('is offered again by a later run once its pause is over, which closes the failure', async () => {
    await refuse();
    await setup.run('full');
    await allow();
    await setup.mirror.db.execute(sql`update sync_failure set next_attempt_at = now()`);
    expect(await setup.run('incremental')).toMatchObject({ status: 'success', created: 1 });
    expect(await openFailures()).toEqual([]);
  });

  it('is one open incident, with growing pauses, however often it fails', async () => {
    await refuse();
    await setup.run('full');
    await setup.run('single', [bad]);
    await setup.run('single', [bad]);
    const [failure] = await setup.database.client`
      select failures, extract(epoch from next_attempt_at - last_failed_at)::int as pause from sync_failure`;
    expect(failure).toEqual({ failures: 3, pause: 240 });
  });

  it('moves last_sync all the same: a parked BC is not lost', async () => {
    await refuse();
    const run = await setup.run('full');
    const state = await readState(setup.mirror.db, 'bclinbc');
    expect(state).toMatchObject({ lastSync: run.nowSync, isSyncing: false, held: false });
  });
});
