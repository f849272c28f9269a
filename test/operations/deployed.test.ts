import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { startSandboxOdoo } from '../../dev/sandbox-odoo/sandbox.ts';
import { lastSightings } from '../../src/db/upstream-health.ts';
import { freePort } from '../../src/embedded/ports.ts';
import { startTrytonApi } from '../api/tryton/tryton-api.ts';
import { redisUrl } from '../support/redis.ts';
import { QUICK } from '../support/test-setup.ts';
import { waitFor } from '../support/wait-for.ts';
import { startWorkerProcess } from '../support/worker-process.ts';
import type { Sample } from './samples.ts';
import { figure, samplesOf } from './samples.ts';

const ROOT = resolve(import.meta.dirname, '../../deploy');
const read = (path: string) => readFileSync(resolve(ROOT, path), 'utf8');

interface Panel {
  readonly title: string;
  readonly description?: string;
  readonly type: string;
  readonly targets?: readonly { readonly expr: string }[];
}
interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly annotations: Readonly<Record<string, string>>;
}

const { panels } = JSON.parse(read('grafana/dashboards/passerelle.json')) as { panels: Panel[] };
const rules = (parse(read('prometheus/rules.yml')) as { groups: { rules: Rule[] }[] }).groups.flatMap(
  (group) => group.rules,
);
const expressions = [
  ...panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr }) => [`panel ${title}`, expr] as const),
  ),
  ...rules.map(({ alert, expr }) => [`alert ${alert}`, expr] as const),
];

/** Each metric that an expression asks for, with the labels that it names beside it. */
function selectors(expr: string): { name: string; labels: string[] }[] {
  return [...expr.matchAll(/\b((?:passerelle|nodejs|process)_\w+)(?:\{([^}]*)\})?/g)].map(
    ([, name = '', labels = '']) => ({
      name,
      labels: [...labels.matchAll(/(\w+)\s*(?:=|!=|=~|!~)"/g)].map(([, label = '']) => label),
    }),
  );
}

/** Labels that an expression groups by, for whichever of its metrics. */
function grouped(expr: string): string[] {
  return [...expr.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, labels = '']) => labels.split(/,\s*/));
}

/** Calls of Odoo and of Tryton have the same metric, and only those of Odoo have a mirror. */
const isOfGateway = (name: string, expr: string) =>
  name.startsWith('passerelle_rpc_') && expr.includes('server="tryton"');

/** What Prometheus adds itself. */
const ADDED = ['job', 'instance', 'le'];

describe('the dashboard and the alert rules', () => {
  let samples: Sample[];
  const releases: (() => Promise<unknown>)[] = [];
  beforeAll(async () => {
    const api = await startTrytonApi();
    releases.push(api.close);
    const odoo = await startSandboxOdoo({ documents: 20 });
    releases.push(odoo.stop);
    const port = await freePort();
    const { databaseUrl: DATABASE_URL, queuePrefix: QUEUE_PREFIX } = api.config;
    const worker = startWorkerProcess({
      ...{ ...QUICK, DATABASE_URL, REDIS_URL: redisUrl(), QUEUE_PREFIX, METRICS_PORT: String(port) },
      ...{ ODOO_URL: odoo.url, ODOO_DB: odoo.db, ODOO_USER: odoo.user, ODOO_PASSWORD: odoo.apiKey },
    });
    releases.push(() => {
      worker.child.kill('SIGTERM');
      return worker.exit;
    });
    const call = { method: 'model.party.party.search_count', params: [[], {}], cache: 60 };
    expect((await api.rpc(call)).status).toBe(200);
    await api.inject({ method: 'POST', url: '/api/v1/sync/runs', payload: { mode: 'full' } });
    const text = await waitFor(async () => {
      const scraped = await fetch(`http://127.0.0.1:${port}/metrics`).catch(() => null);
      const found = await scraped?.text();
      return found !== undefined && figure(found, 'passerelle_run_duration_seconds_count') === 1 && found;
    }, 'a run that has ended');
    await waitFor(
      async () => (await lastSightings(api.db)).every(({ succeededAt }) => succeededAt !== null),
      'both servers',
    );
    samples = [...samplesOf((await api.app.inject('/metrics')).payload), ...samplesOf(text)];
  });
  afterAll(async () => {
    for (const release of releases.reverse()) await release();
  });

  it.each(expressions)('%s uses metrics of API or worker, with their labels', (_, expr) => {
    const asked = selectors(expr);
    expect(asked.length + (/\bup\{/.test(expr) ? 1 : 0)).toBeGreaterThan(0);
    for (const { name, labels } of asked) {
      const series = samples.filter((sample) => sample.name === name);
      expect(series, name).not.toEqual([]);
      const known = new Set([...ADDED, ...series.flatMap((sample) => Object.keys(sample.labels))]);
      expect(labels.filter((label) => !known.has(label))).toEqual([]);
    }
    const known = new Set([...ADDED, ...samples.flatMap(({ labels }) => Object.keys(labels))]);
    expect(grouped(expr).filter((label) => !known.has(label))).toEqual([]);
  });

  it.each(expressions)('%s keeps mirrors apart', (from, expr) => {
    const ofMirrors = selectors(expr).filter(({ name }) =>
      samples.some((sample) => sample.name === name && 'mirror' in sample.labels),
    );
    if (ofMirrors.every(({ name, labels }) => isOfGateway(name, expr) && !labels.includes('mirror'))) return;
    expect(grouped(expr)).toContain('mirror');
    if (from.startsWith('panel'))
      expect(ofMirrors.filter(({ labels }) => !labels.includes('mirror'))).toEqual([]);
  });

  it('show every metric of ours, or give an alarm by it', () => {
    const asked = expressions.flatMap(([, expr]) =>
      selectors(expr).map(({ name }) => name.replace(/_(bucket|count|sum)$/, '')),
    );
    const ours = samples
      .map(({ name }) => name.replace(/_(bucket|count|sum)$/, ''))
      .filter((name) => name.startsWith('passerelle_'));
    expect([...new Set(ours)].filter((name) => !asked.includes(name)).sort()).toEqual([
      'passerelle_build_info',
      'passerelle_last_run_documents',
      'passerelle_last_run_duration_seconds',
      'passerelle_last_run_late_changes',
      'passerelle_sync_running',
    ]);
  });
});

describe('the dashboard', () => {
  it('explains each panel below it', () => {
    const shown = panels.filter(({ type }) => type !== 'row');
    expect(shown.filter(({ description = '' }) => description === '').map(({ title }) => title)).toEqual([]);
  });
});

interface Service {
  readonly environment?: Readonly<Record<string, unknown>>;
  readonly volumes?: readonly string[];
}

describe('the compose file with Prometheus and Grafana', () => {
  const servicesOf = (path: string) =>
    (parse(read(path), { merge: true }) as { services: Record<string, Service> }).services;
  const services = { ...servicesOf('compose.observability.yml'), ...servicesOf('../docker-compose.yml') };

  it('has Prometheus ask the API and the workers where they listen', () => {
    const { scrape_configs: jobs } = parse(read('prometheus/prometheus.yml')) as {
      scrape_configs: Record<string, unknown>[];
    };
    const { api, worker } = services;
    expect(jobs).toMatchObject([
      { static_configs: [{ targets: [`api:${api?.environment?.['PORT']}`] }] },
      { dns_sd_configs: [{ names: ['worker'], port: worker?.environment?.['METRICS_PORT'] }] },
    ]);
    expect(worker?.environment).toMatchObject({ HOST: '0.0.0.0', REDIS_URL: expect.any(String) });
  });

  it('mounts files of the repository', () => {
    const mounts = ['prometheus', 'grafana'].flatMap((name) => services[name]?.volumes ?? []);
    const ours = mounts.map((mount) => mount.split(':')[0] ?? '').filter((path) => path.startsWith('./'));
    expect(ours).toHaveLength(4);
    expect(ours.filter((path) => !existsSync(resolve(ROOT, '..', path)))).toEqual([]);
  });
});

function promtool(...args: string[]): string {
  return execFileSync('promtool', args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] }).toString();
}

function isThere(): boolean {
  try {
    promtool('--version');
    return true;
  } catch {
    return false;
  }
}

describe.runIf(isThere())('the alert rules, by promtool', () => {
  it('are well formed, and fire when they should', () => {
    expect(promtool('check', 'rules', 'prometheus/rules.yml')).toContain('SUCCESS');
    expect(promtool('test', 'rules', 'prometheus/rules.test.yml')).toContain('SUCCESS');
  });
});
