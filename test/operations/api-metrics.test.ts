import { sql } from 'drizzle-orm';
import { afterEach, describe, expect, it } from 'vitest';
import { openIncident } from '../../src/db/alerts.ts';
import { openDatabase } from '../../src/db/client.ts';
import { recordFailure } from '../../src/db/runs/failures.ts';
import { BC_KEY, syncLog, syncState } from '../../src/db/schema/sync.ts';
import { recordOdooHealth } from '../../src/db/upstream-health.ts';
import { openQueues } from '../../src/queues/queues.ts';
import { openRedis } from '../../src/queues/redis.ts';
import { createLogger } from '../../src/shared/logger.ts';
import type { TestApi } from '../api/http/start-api.ts';
import { startApi } from '../api/http/start-api.ts';
import { figure, samplesOf } from './samples.ts';

let api: TestApi;
afterEach(() => api.close());

const scrape = async () => (await api.app.inject('/metrics')).payload;

describe('GET /metrics', () => {
  it('is open, and in the text format of Prometheus', async () => {
    api = await startApi();
    const answer = await api.app.inject('/metrics');
    expect(answer.statusCode).toBe(200);
    expect(answer.headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/);
    expect(figure(answer.payload, 'passerelle_build_info', { node: process.versions.node })).toBe(1);
    expect(figure(answer.payload, 'nodejs_eventloop_lag_seconds')).toBeGreaterThanOrEqual(0);
    expect(figure(answer.payload, 'process_resident_memory_bytes')).toBeGreaterThan(0);
  });

  it('asks for METRICS_TOKEN where there is one', async () => {
    api = await startApi({ METRICS_TOKEN: 'only-for-prometheus' });
    const withToken = (token: string) =>
      api.app.inject({ url: '/metrics', headers: { authorization: `Bearer ${token}` } });
    expect((await api.app.inject('/metrics')).json()).toMatchObject({
      status: 401,
      code: 'bad_metrics_token',
    });
    expect((await withToken('only-for-promethe')).statusCode).toBe(401);
    expect((await withToken('only-for-prometheus')).statusCode).toBe(200);
  });

  it('counts answers by the template of their route, never by the path that was asked for', async () => {
    api = await startApi();
    await api.inject('/api/v1/bc/4711');
    await api.inject('/api/v1/bc/4712');
    await api.inject('/no/such/route-4713');
    const text = await scrape();
    const name = 'passerelle_http_request_duration_seconds_count';
    expect(figure(text, name, { method: 'GET', route: '/api/v1/bc/:odooId', status: '404' })).toBe(2);
    expect(figure(text, name, { route: 'none', status: '404' })).toBe(1);
    expect(text).not.toContain('bc/4711');
    expect(text).not.toContain('route-4713');
  });

  it('give the state of the mirror, by the clock of PostgreSQL', async () => {
    api = await startApi();
    expect(figure(await scrape(), 'passerelle_mirror_lag_seconds')).toBeUndefined();
    await api.db
      .insert(syncState)
      .values({ key: BC_KEY, lastSync: sql`clock_timestamp() - interval '1 hour'` });
    const run = { key: BC_KEY, trigger: 'schedule' as const, finishedAt: new Date(1_800_000_000_000) };
    const [sweep] = await api.db
      .insert(syncLog)
      .values([
        { ...run, mode: 'sweep', status: 'success', durationMs: 9000, late: 7 },
        { ...run, mode: 'sweep', status: 'partial', durationMs: 1500, late: 2, updated: 3, failed: 1 },
        { ...run, mode: 'sweep', status: 'skipped', durationMs: 0 },
      ])
      .returning();
    const failure = { key: BC_KEY, runId: sweep?.id ?? 0, jobId: null, code: 'x', message: 'x' };
    await recordFailure(api.db, { ...failure, odooId: 1 });
    await recordFailure(api.db, { ...failure, odooId: 2 });
    await openIncident(api.db, {
      kind: 'mirror_stale',
      subject: BC_KEY,
      code: 'x',
      message: 'x',
      runId: null,
    });
    const text = await scrape();
    expect(figure(text, 'passerelle_mirror_lag_seconds')).toBeGreaterThanOrEqual(3600);
    expect(figure(text, 'passerelle_mirror_lag_seconds')).toBeLessThan(7200);
    expect(figure(text, 'passerelle_open_failures')).toBe(2);
    expect(figure(text, 'passerelle_open_incidents', { kind: 'mirror_stale' })).toBe(1);
    expect(figure(text, 'passerelle_open_incidents', { kind: 'run_failed' })).toBe(0);
    expect(figure(text, 'passerelle_sync_running')).toBe(0);
    const mode = 'sweep';
    expect(figure(text, 'passerelle_last_run_status', { mode, status: 'partial' })).toBe(1);
    expect(figure(text, 'passerelle_last_run_status', { mode, status: 'success' })).toBe(0);
    expect(figure(text, 'passerelle_last_run_duration_seconds', { mode })).toBe(1.5);
    expect(figure(text, 'passerelle_last_run_late_changes', { mode })).toBe(2);
    expect(figure(text, 'passerelle_last_run_documents', { mode, outcome: 'updated' })).toBe(3);
    expect(figure(text, 'passerelle_last_run_end_timestamp_seconds', { mode })).toBe(1_800_000_000);
  });

  it('give the open items of the run that holds the lease', async () => {
    api = await startApi();
    const [run] = await api.db
      .insert(syncLog)
      .values({ key: BC_KEY, mode: 'full', trigger: 'cli', status: 'running', planned: 3 })
      .returning();
    const leaseRunId = run?.id ?? 0;
    const leaseExpiresAt = sql`clock_timestamp() + interval '1 hour'`;
    await api.db.insert(syncState).values({ key: BC_KEY, isSyncing: true, leaseRunId, leaseExpiresAt });
    await api.db.execute(sql`insert into sync_run_item (run_id, odoo_id, page, state)
      values (${leaseRunId}, 1, 0, 'open'), (${leaseRunId}, 2, 0, 'open'), (${leaseRunId}, 3, 0, 'created')`);
    const text = await scrape();
    expect(figure(text, 'passerelle_sync_running')).toBe(1);
    expect(figure(text, 'passerelle_run_planned_documents')).toBe(3);
    expect(figure(text, 'passerelle_run_open_documents')).toBe(2);
    await api.db.update(syncState).set({ leaseExpiresAt: sql`clock_timestamp() - interval '1 second'` });
    expect(figure(await scrape(), 'passerelle_sync_running')).toBe(0);
  });

  it('give the queues, the connections and the last contact with Odoo', async () => {
    api = await startApi();
    await api.queues.sync.add('run', { mode: 'full', trigger: 'cli' });
    await recordOdooHealth(
      api.db,
      'x',
      { success: { at: new Date(1_800_000_000_000), method: 'read' }, error: null },
      { version: null, protocol: null, latencyMs: null },
    );
    const text = await scrape();
    expect(figure(text, 'passerelle_queue_jobs', { queue: 'sync', state: 'waiting' })).toBe(1);
    expect(figure(text, 'passerelle_queue_jobs', { queue: 'bc', state: 'failed' })).toBe(0);
    expect(figure(text, 'passerelle_workers')).toBe(0);
    expect(figure(text, 'passerelle_up', { store: 'postgresql' })).toBe(1);
    expect(figure(text, 'passerelle_up', { store: 'redis' })).toBe(1);
    expect(figure(text, 'passerelle_postgresql_connections', { state: 'active' })).toBeGreaterThan(0);
    const seen = 'passerelle_upstream_last_success_timestamp_seconds';
    expect(figure(text, seen, { server: 'odoo' })).toBe(1_800_000_000);
    expect(figure(text, seen, { server: 'tryton' })).toBeUndefined();
  });

  it('answers while PostgreSQL or Redis is down, and says nothing that it does not know', async () => {
    const log = createLogger('silent', 'test');
    const { db, close } = openDatabase('postgres://user@127.0.0.1:1/nothing');
    const redis = openRedis('redis://127.0.0.1:1', 'producer', log);
    const queues = openQueues(redis, 'nothing', log);
    api = await startApi({}, {});
    const { metrics } = api;
    const sources = { ...api, tryton: null };
    expect(figure((await metrics.scrape(sources)).text, 'passerelle_open_failures')).toBe(0);
    const { text } = await metrics.scrape({ ...sources, db });
    expect(figure(text, 'passerelle_up', { store: 'postgresql' })).toBe(0);
    expect(figure(text, 'passerelle_up', { store: 'redis' })).toBe(1);
    expect(figure(text, 'passerelle_open_failures')).toBeUndefined();
    expect(figure(text, 'passerelle_queue_jobs', { queue: 'bc', state: 'waiting' })).toBe(0);
    const { text: other } = await metrics.scrape({ ...sources, queuesOf: () => queues });
    expect(figure(other, 'passerelle_up', { store: 'redis' })).toBe(0);
    expect(figure(other, 'passerelle_open_failures')).toBe(0);
    expect(samplesOf(other).some(({ name }) => name === 'passerelle_queue_jobs')).toBe(false);
    redis.disconnect();
    await close();
  });

  it('is read once for all who ask at the same time', async () => {
    api = await startApi();
    const sources = { ...api, tryton: null };
    const first = api.metrics.scrape(sources);
    expect(api.metrics.scrape(sources)).toBe(first);
    await first;
    expect(api.metrics.scrape(sources)).not.toBe(first);
  });
});
