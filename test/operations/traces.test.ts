import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SandboxTryton } from '../../dev/sandbox-tryton/sandbox.ts';
import { startSandboxTryton } from '../../dev/sandbox-tryton/sandbox.ts';
import { createApiKey } from '../../src/db/api-keys.ts';
import { freePort } from '../../src/embedded/ports.ts';
import { startApiProcess } from '../support/api-process.ts';
import type { TestSetup } from '../support/test-setup.ts';
import { openTestSetup } from '../support/test-setup.ts';
import { waitFor } from '../support/wait-for.ts';
import { startWorkerProcess } from '../support/worker-process.ts';
import type { Collector, Span } from './trace-receiver.ts';
import { startCollector } from './trace-receiver.ts';

describe('traces, with OTEL_EXPORTER_OTLP_ENDPOINT', () => {
  let setup: TestSetup;
  let tryton: SandboxTryton;
  let collector: Collector;
  let url: string;
  let authorization: string;
  const ends: (() => Promise<unknown>)[] = [];
  beforeAll(async () => {
    setup = await openTestSetup({ sandbox: { documents: 20 } });
    tryton = await startSandboxTryton();
    collector = await startCollector();
    const { key } = await createApiKey(setup.mirror.db, { name: 'test', scopes: ['admin'], methods: ['*'] });
    authorization = `Bearer ${key}`;
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    const env = {
      ...setup.env,
      ...{ TRYTON_RPC_URL: tryton.url, TRYTON_USER: tryton.user, TRYTON_PASSWORD: tryton.password },
      ...{ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' },
      ...{ OTEL_BSP_SCHEDULE_DELAY: '100', PORT: String(port), LOG_LEVEL: 'info' },
    };
    for (const { child, exit } of [startApiProcess(env), startWorkerProcess(env)]) {
      ends.push(() => {
        child.kill('SIGTERM');
        return exit;
      });
    }
    await waitFor(
      () =>
        fetch(`${url}/healthz`).then(
          ({ ok }) => ok,
          () => false,
        ),
      'the API',
    );
  });
  afterAll(async () => {
    await Promise.all(ends.map((end) => end()));
    await collector.stop();
    await tryton.stop();
    await setup.close();
  });

  const post = (path: string, body: object) =>
    fetch(url + path, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  /** The spans of a trace, once they are all there: each with its parent. */
  const traceOf = async (isRoot: (span: Span) => boolean, isWhole: (trace: readonly Span[]) => boolean) =>
    waitFor(() => {
      const root = collector.spans.find(isRoot);
      const trace = collector.spans.filter(({ traceId }) => traceId === root?.traceId);
      const ids = new Set([undefined, ...trace.map(({ spanId }) => spanId)]);
      return isWhole(trace) && trace.every(({ parentSpanId }) => ids.has(parentSpanId)) && trace;
    }, 'the trace');
  const routed = (route: string) => (span: Span) =>
    span.attributes['http.route'] === route && span.parentSpanId === undefined;

  it('go from the request through the queue and the worker to the calls of Odoo and the statements', async () => {
    const { status } = await post('/api/v1/sync/runs?why=a-secret-in-the-query', { mode: 'full' });
    expect(status).toBe(202);
    const isStored = ({ name, attributes }: Span) =>
      name === 'INSERT' && String(attributes['db.query.text']).includes('scrap_dimagaz_bc');
    const trace = await traceOf(
      routed('/api/v1/sync/runs'),
      (spans) => spans.some(isStored) && spans.some(({ name }) => name.startsWith('process bc')),
    );
    const spans = trace.map(({ service, name }) => `${service}: ${name}`);
    expect(spans).toEqual(
      expect.arrayContaining([
        'passerelle-api: POST /api/v1/sync/runs',
        'passerelle-api: add sync.run',
        'passerelle-worker: process sync',
        'passerelle-worker: process pages',
        'passerelle-worker: process bc',
        'passerelle-worker: INSERT',
      ]),
    );
    const jobs = trace.filter(({ name }) => /^(add|process) /.test(name));
    expect([...new Set(jobs.map(({ attributes }) => attributes['passerelle.mirror']))]).toEqual(['bc']);
    const calls = trace.filter(({ attributes }) => String(attributes['url.full']).startsWith(setup.odoo.url));
    expect(calls.map(({ service }) => service)).toContain('passerelle-worker');
    expect(JSON.stringify(trace)).not.toContain('a-secret-in-the-query');
  });

  it('go from the request to Tryton, and hold no secret', async () => {
    const call = { method: 'model.party.party.search_count', params: [[], {}] };
    expect((await post('/api/v1/tryton/rpc', call)).status).toBe(200);
    const isTryton = ({ attributes }: Span) => String(attributes['url.full']).startsWith(tryton.url);
    await traceOf(routed('/api/v1/tryton/rpc'), (trace) => trace.some(isTryton));
    const everything = JSON.stringify(collector.spans);
    for (const secret of [tryton.password, setup.odoo.apiKey, authorization.slice('Bearer '.length)]) {
      expect(everything).not.toContain(secret);
    }
  });

  it('are not made of probes and scrapes, nor of idle polls, and only traces are sent', async () => {
    await fetch(`${url}/readyz`);
    await fetch(`${url}/metrics`);
    await post('/api/v1/tryton/rpc', { method: 'model.party.party.search_count', params: [[], {}] });
    await waitFor(() => collector.spans.filter(routed('/api/v1/tryton/rpc')).length >= 2, 'the next trace');
    const routes = collector.spans.map(({ attributes }) => attributes['http.route']);
    expect(routes).not.toContain('/readyz');
    expect(routes).not.toContain('/metrics');
    expect([...collector.paths]).toEqual(['/v1/traces']);
  });
});
