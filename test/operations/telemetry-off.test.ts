import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { apart, TSX } from '../support/own-process.ts';

const source = (module: string) => new URL(`../../${module}`, import.meta.url).href;
const STORES = { DATABASE_URL: 'postgres://127.0.0.1:1/x', REDIS_URL: 'redis://127.0.0.1:1' };

/** Which packages of OpenTelemetry are loaded once a process has opened its traces, or has not. */
function loaded(env: Record<string, string>): string[] {
  const script = `
    import { createRequire } from 'node:module';
    import { readConfig } from '${source('src/config/index.ts')}';
    import { startTracing } from '${source('src/observability/tracing/index.ts')}';
    import '${source('src/api/app.ts')}';
    import '${source('workers/worker-pool.ts')}';
    const tracing = await startTracing(readConfig(), 'passerelle-api');
    const files = Object.keys(createRequire(import.meta.url).cache);
    console.log(JSON.stringify({ on: tracing !== null, files }));
    process.exit();`;
  const output = execFileSync(process.execPath, [...TSX, '--input-type=module', '-e', script], {
    ...apart({ ...STORES, ...env }),
  });
  const { on, files } = JSON.parse(output.toString()) as { on: boolean; files: string[] };
  const names = files.flatMap(
    (file) => /node_modules\/((?:@opentelemetry|@fastify)\/[\w-]+|bullmq-otel)\//.exec(file)?.[1] ?? [],
  );
  const packages = new Set(names.filter((name) => /otel|opentelemetry/.test(name)));
  return [on ? 'on' : 'off', ...packages];
}

const ENDPOINT = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' };

describe('OpenTelemetry', () => {
  it('is not loaded unless an endpoint is named', () => {
    expect(loaded({})).toEqual(['off']);
  });

  it('is not loaded with OTEL_SDK_DISABLED either', () => {
    expect(loaded({ ...ENDPOINT, OTEL_SDK_DISABLED: 'true' })).toEqual(['off']);
  });

  it.each([ENDPOINT, { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://127.0.0.1:1/v1/traces' }])(
    'is loaded with %o',
    (env) => {
      expect(loaded(env)).toEqual(expect.arrayContaining(['on', '@opentelemetry/sdk-node', '@fastify/otel']));
    },
  );
});
