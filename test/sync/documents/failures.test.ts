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
import type { Office } from '../../support/test-environment.ts';
import { openOffice } from '../../support/test-environment.ts';
import { until } from '../../support/wait-for.ts';

describe('one BC that cannot be stored', () => {
  let office: Office;
  let bad = 0;
  beforeEach(async () => {
    office = await openOffice({ env: { SYNC_PAGE_SIZE: '16' } });
    bad = office.odoo.ids('dimagaz.bc')[7] ?? 0;
    await office.work();
  });
  afterEach(() => office.close());

  const openFailures = () =>
    office.database
      .client`select odoo_id, code, message, failures from sync_failure where resolved_at is null`;
  const openBoard = async () => {
    const log = createLogger('silent', 'test');
    const redis = openRedis(redisUrl(), 'producer', log);
    const app = await buildApp({
      ...office.mirror,
      reserveDb: office.mirror.db,
      config: readApiConfig({ ...office.env, ADMIN_PASSWORD: 'of-the-tests' }),
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
    office.mirror.db.execute(
      sql.raw(`alter table scrap_dimagaz_bc add constraint no_bad check (odoo_id <> ${bad})`),
    );
  const allow = () => office.mirror.db.execute(sql`alter table scrap_dimagaz_bc drop constraint no_bad`);

  it('fails alone when PostgreSQL refuses it: the run ends partial and the failure is listed with its reason', async () => {
    await refuse();
    const run = await office.run('full');
    expect(run).toMatchObject({ status: 'partial', failed: 1, created: office.odoo.count('dimagaz.bc') - 1 });
    const [failure] = await openFailures();
    expect(failure).toMatchObject({ odoo_id: String(bad), code: '23514', failures: 1 });
    expect(failure?.['message']).toContain('no_bad');
    expect(failure?.['message']).not.toContain('insert into');
  });

  it('fails alone when Odoo refuses it: the page is halved down to it', async () => {
    office.odoo.faults.denyRecord('dimagaz.bc', bad);
    const run = await office.run('full');
    expect(run).toMatchObject({ status: 'partial', failed: 1, created: office.odoo.count('dimagaz.bc') - 1 });
    expect(await openFailures()).toMatchObject([{ odoo_id: String(bad), code: 'odoo_access_denied' }]);
  });

  it('fails alone when Odoo refuses a line of it that was just written', async () => {
    await office.run('full');
    const [line = 0, other = 0] = office.odoo.ids('dimagaz.bc.line').slice(-2);
    office.odoo.write('dimagaz.bc.line', [line, other], { note: 'written' });
    office.odoo.faults.denyRecord('dimagaz.bc.line', line);
    expect(await office.run('incremental')).toMatchObject({ status: 'partial', failed: 1 });
    const owner = office.odoo.record('dimagaz.bc.line', line)['bc_id'];
    expect(await openFailures()).toMatchObject([{ odoo_id: String(owner), code: 'odoo_access_denied' }]);
  });

  it('is found when Odoo hangs on it: the page times out, the record is blamed, the others are stored', async () => {
    office.odoo.faults.when({ ids: [bad] }, 'hang');
    const desk = office.also({ ODOO_TIMEOUT_MS: '300', SYNC_ATTEMPTS: '2' });
    await desk.work();
    const run = await desk.run('full');
    expect(run).toMatchObject({ status: 'partial', failed: 1, created: office.odoo.count('dimagaz.bc') - 1 });
    expect(await openFailures()).toMatchObject([{ odoo_id: String(bad), code: 'odoo_timeout' }]);
  });

  it('is found when the newest one, which speaks for Odoo, cannot be read either', async () => {
    const [newest = 0] = office.odoo.ids('dimagaz.bc').slice(-1);
    for (const id of [bad, newest]) office.odoo.faults.when({ ids: [id] }, 'hang');
    const desk = office.also({ ODOO_TIMEOUT_MS: '300', SYNC_ATTEMPTS: '2' });
    await desk.work();
    expect(await desk.run('full')).toMatchObject({ status: 'partial', failed: 2 });
  });

  it('does not stop later runs however many there are of it', async () => {
    const denied = office.odoo.ids('dimagaz.bc').slice(0, 20);
    for (const id of denied) office.odoo.faults.denyRecord('dimagaz.bc', id);
    expect(await office.run('full')).toMatchObject({ status: 'partial', failed: 20 });
    await office.mirror.db.execute(sql`update sync_failure set next_attempt_at = now()`);
    expect(await office.run('incremental')).toMatchObject({ status: 'partial' });
    expect(await openFailures()).toHaveLength(20);
  });

  it('is not blamed when nothing can be read any more: the run fails, and says why', async () => {
    office.odoo.faults.when({ method: 'read' }, 'hang');
    const desk = office.also({ ODOO_TIMEOUT_MS: '100', SYNC_ATTEMPTS: '2' });
    await desk.work();
    expect(await desk.run('full')).toMatchObject({ status: 'failed', errorCode: 'odoo_timeout' });
    expect(await openFailures()).toEqual([]);
  });

  it('is stored by Retry in bull-board long after the run ended, with the content of today, and its failure is closed', async () => {
    await refuse();
    const run = await office.run('full');
    await office.run('incremental');
    await allow();
    office.odoo.write('dimagaz.bc', [bad], { notes: 'corrigé depuis' });
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
    await until(async () => (await openFailures()).length === 0, 'the failure to be resolved');
    await board.close();
    const [row] = await office.database
      .client`select fields->>'notes' as notes from scrap_dimagaz_bc where odoo_id = ${bad}`;
    expect(row?.['notes']).toBe('corrigé depuis');
  });

  it('is offered again by a later run once its pause is over, which closes the failure', async () => {
    await refuse();
    await office.run('full');
    await allow();
    await office.mirror.db.execute(sql`update sync_failure set next_attempt_at = now()`);
    expect(await office.run('incremental')).toMatchObject({ status: 'success', created: 1 });
    expect(await openFailures()).toEqual([]);
  });

  it('is one open incident, with growing pauses, however often it fails', async () => {
    await refuse();
    await office.run('full');
    await office.run('single', [bad]);
    await office.run('single', [bad]);
    const [failure] = await office.database.client`
      select failures, extract(epoch from next_attempt_at - last_failed_at)::int as pause from sync_failure`;
    expect(failure).toEqual({ failures: 3, pause: 240 });
  });

  it('moves last_sync all the same: a parked BC is not lost', async () => {
    await refuse();
    const run = await office.run('full');
    const state = await readState(office.mirror.db, 'bclinbc');
    expect(state).toMatchObject({ lastSync: run.nowSync, isSyncing: false, held: false });
  });
});
