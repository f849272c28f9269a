import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'bullmq';
import { sql } from 'drizzle-orm';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openIncident } from '../../src/db/alerts.ts';
import { recordFailure } from '../../src/db/runs/failures.ts';
import { BC_KEY, syncLog, syncState } from '../../src/db/schema/sync.ts';
import { freePort } from '../../src/embedded/ports.ts';
import { SYNC_QUEUE } from '../../src/queues/jobs.ts';
import { mirrorPrefix } from '../../src/queues/queues.ts';
import { openRedis } from '../../src/queues/redis.ts';
import { startApi, type TestApi } from '../api/http/start-api.ts';
import { redisUrl } from '../support/redis.ts';
import { openTestSetup, type TestSetup } from '../support/test-setup.ts';
import { waitFor } from '../support/wait-for.ts';
import { startWorkerProcess, type WorkerProcess } from '../support/worker-process.ts';
import { figure, samplesOf } from './samples.ts';

const FILE = `
mirrors:
  bc: { model: dimagaz.bc, lines: dimagaz.bc.line }
  partners: { model: res.partner }
`;

let folder: string;
let path: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'passerelle-mirror-metrics-'));
  path = join(folder, 'mirrors.yaml');
  await writeFile(path, FILE);
});
afterAll(() => rm(folder, { recursive: true }));

/** The metrics that have the label, each with the mirrors of its series. */
function mirrorsOf(text: string): Record<string, string[]> {
  const found: Record<string, string[]> = {};
  for (const { name, labels } of samplesOf(text)) {
    const { mirror } = labels;
    if (mirror === undefined) continue;
    const metric = name.replace(/_(bucket|count|sum)$/, '');
    found[metric] = [...new Set([...(found[metric] ?? []), mirror])].sort();
  }
  return found;
}

const BOTH = ['bc', 'partners'];

describe('metrics of an API with two mirrors', () => {
  let api: TestApi;
  afterEach(() => api.close());
  const scrape = async () => (await api.app.inject('/metrics')).payload;

  it('have a series for each mirror', async () => {
    api = await startApi({ MIRRORS_FILE: path });
    const ended = { trigger: 'schedule' as const, mode: 'full' as const, finishedAt: new Date() };
    await api.db.insert(syncLog).values([
      { ...ended, key: BC_KEY, status: 'success', durationMs: 1000, updated: 3 },
      { ...ended, key: 'partners', status: 'failed', durationMs: 5000 },
    ]);
    await api.db.insert(syncState).values([
      { key: BC_KEY, lastSync: sql`clock_timestamp() - interval '1 minute'` },
      { key: 'partners', lastSync: sql`clock_timestamp() - interval '1 day'` },
    ]);
    const failure = { runId: 1, jobId: null, code: 'x', message: 'x' };
    await recordFailure(api.db, { ...failure, key: 'partners', odooId: 1 });
    const incident = { kind: 'run_failed', code: 'x', message: 'x', runId: null } as const;
    await openIncident(api.db, { ...incident, subject: 'partners' });
    await openIncident(api.db, { ...incident, subject: 'partners sweep' });
    await openIncident(api.db, { ...incident, subject: 'a mirror that left the file' });
    await api.queuesOf('partners').pages.add('page', { runId: 1, page: 0, token: 1, generation: 0 });
    const redis = openRedis(redisUrl(), 'worker', api.log);
    const prefix = mirrorPrefix(api.config.queuePrefix, 'partners');
    const worker = new Worker(SYNC_QUEUE, async () => {}, { connection: redis, prefix });
    await worker.waitUntilReady();
    const workersOf = (text: string) =>
      BOTH.map((mirror) => figure(text, 'passerelle_workers', { mirror })).join();
    const text = await waitFor(async () => {
      const scraped = await scrape();
      return workersOf(scraped) === '0,1' && scraped;
    }, 'the worker of the partners');
    await worker.close();
    redis.disconnect();

    expect(Object.entries(mirrorsOf(text)).filter(([, mirrors]) => mirrors.join() !== BOTH.join())).toEqual(
      [],
    );
    expect(Object.keys(mirrorsOf(text)).sort()).toEqual([
      'passerelle_last_run_documents',
      'passerelle_last_run_duration_seconds',
      'passerelle_last_run_end_timestamp_seconds',
      'passerelle_last_run_late_changes',
      'passerelle_last_run_status',
      'passerelle_mirror_lag_seconds',
      'passerelle_open_failures',
      'passerelle_open_incidents',
      'passerelle_queue_jobs',
      'passerelle_run_open_documents',
      'passerelle_run_planned_documents',
      'passerelle_sync_interval_seconds',
      'passerelle_sync_running',
      'passerelle_workers',
    ]);
    const values = (name: string, labels: Record<string, string> = {}) =>
      BOTH.map((mirror) => figure(text, `passerelle_${name}`, { mirror, ...labels }));
    const failed = { mode: 'full', status: 'failed' };
    expect(values('last_run_status', failed)).toEqual([0, 1]);
    expect(values('last_run_duration_seconds', { mode: 'full' })).toEqual([1, 5]);
    expect(values('last_run_documents', { mode: 'full', outcome: 'updated' })).toEqual([3, 0]);
    expect(values('mirror_lag_seconds').map((seconds) => (seconds ?? 0) > 3600)).toEqual([false, true]);
    expect(values('open_failures')).toEqual([0, 1]);
    expect(values('open_incidents', { kind: 'run_failed' })).toEqual([0, 2]);
    expect(values('queue_jobs', { queue: 'pages', state: 'waiting' })).toEqual([0, 1]);
    const gateway = samplesOf(text).filter(({ labels }) => labels['kind'] === 'tryton_circuit');
    expect(gateway.map(({ labels }) => labels)).toEqual([{ kind: 'tryton_circuit' }]);
  });

  it('are read with the same number of queries for any number of mirrors', async () => {
    const names = Array.from({ length: 20 }, (_, at) => `m${at}`);
    const many = join(folder, 'many.yaml');
    await writeFile(many, `mirrors:\n${names.map((name) => `  ${name}: { model: x.${name} }\n`).join('')}`);
    api = await startApi({ MIRRORS_FILE: many });
    const queries = async (mirrors: typeof api.config.mirrors) => {
      let sent = 0;
      const db = new Proxy(api.db, {
        get(target, name, receiver) {
          if (name === 'execute' || name === 'select') sent += 1;
          return Reflect.get(target, name, receiver);
        },
      });
      await api.metrics.scrape({ ...api, db, config: { ...api.config, mirrors } });
      return sent;
    };
    expect(await queries(api.config.mirrors)).toBe(await queries([api.config.mirrors[0]]));
    const text = await scrape();
    expect(mirrorsOf(text)['passerelle_open_failures']).toHaveLength(20);
  });
});

describe('metrics of a worker with two mirrors', () => {
  let setup: TestSetup;
  let worker: WorkerProcess | undefined;
  afterAll(async () => {
    worker?.child.kill('SIGKILL');
    await setup.close();
  });

  it('have a series for each mirror; a mirror that fails leaves the figures of the other as they are', async () => {
    setup = await openTestSetup({ sandbox: { documents: 20 } });
    const { odoo } = setup;
    const port = await freePort();
    odoo.faults.when({ model: 'res.partner', method: 'search' }, 'error500');
    worker = startWorkerProcess({
      ...setup.env,
      MIRRORS_FILE: path,
      SYNC_EVERY: '1s',
      METRICS_PORT: String(port),
      LOG_LEVEL: 'info',
    });
    const runs = (text: string, mirror: string, status: string) =>
      samplesOf(text)
        .filter(({ name }) => name === 'passerelle_runs_total')
        .filter(({ labels }) => labels['mirror'] === mirror && labels['status'] === status)
        .reduce((sum, { value }) => sum + value, 0);
    const text = await waitFor(async () => {
      const answer = await fetch(`http://127.0.0.1:${port}/metrics`).catch(() => null);
      const scraped = (await answer?.text()) ?? '';
      const isOver = runs(scraped, 'bc', 'success') > 0 && runs(scraped, 'partners', 'failed') > 0;
      return isOver && scraped;
    }, 'a run of each mirror');

    expect(Object.entries(mirrorsOf(text)).filter(([, mirrors]) => mirrors.join() !== BOTH.join())).toEqual(
      [],
    );
    expect(Object.keys(mirrorsOf(text)).sort()).toEqual([
      'passerelle_documents_total',
      'passerelle_job_duration_seconds',
      'passerelle_late_changes_total',
      'passerelle_lines_total',
      'passerelle_rpc_duration_seconds',
      'passerelle_run_duration_seconds',
      'passerelle_runs_total',
    ]);
    expect([runs(text, 'bc', 'failed'), runs(text, 'partners', 'success')]).toEqual([0, 0]);
    const created = (mirror: string) =>
      figure(text, 'passerelle_documents_total', { mirror, outcome: 'created' });
    expect([created('bc'), created('partners')]).toEqual([20, 0]);
    const calls = { server: 'odoo', method: 'search', mirror: 'partners' };
    const outcomes = samplesOf(text)
      .filter(({ name }) => name === 'passerelle_rpc_duration_seconds_count')
      .filter(({ labels }) => Object.entries(calls).every(([label, value]) => labels[label] === value))
      .map(({ labels }) => labels['outcome']);
    expect(outcomes).not.toContain('success');
    expect(outcomes.length).toBeGreaterThan(0);

    const lines = worker
      .output()
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    const ofRuns = lines.filter((line) => 'runId' in line || 'queue' in line);
    expect([...new Set(ofRuns.map(({ mirror }) => mirror))].sort()).toEqual(BOTH);
    const mirrorsWith = (message: string) =>
      [...new Set(lines.filter(({ msg }) => msg === message).map(({ mirror }) => mirror))].sort();
    expect(mirrorsWith('worker started')).toEqual(BOTH);
    expect(mirrorsWith('run failed')).toEqual(['partners']);
  });
});
