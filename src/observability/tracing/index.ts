import type { Telemetry } from 'bullmq';
import type { FastifyPluginCallback } from 'fastify';
import type { Config } from '../../config/index.ts';
import type { TraceStatement } from '../../db/pool.ts';

/** OpenTelemetry traces of one process, for the parts that take them in. */
export interface Tracing {
  /** Registered before the routes: a span for each request. */
  readonly http: FastifyPluginCallback;
  /** Carries a trace from the queue of one process to the worker of another. */
  readonly queues: Telemetry;
  readonly statement: TraceStatement;
  /** Sends what is left to send, and ends. */
  stop(): Promise<void>;
}

export type Service = 'passerelle-api' | 'passerelle-worker';

/** Null, with nothing of OpenTelemetry loaded, unless OTEL_EXPORTER_OTLP_ENDPOINT asks for traces. */
export async function startTracing(config: Config, service: Service): Promise<Tracing | null> {
  if (!config.tracing) return null;
  const { openTracing } = await import('./sdk.ts');
  const servers = [config.odoo?.url, config.tryton?.url].filter((url) => url !== undefined);
  return openTracing(
    service,
    servers.map((url) => new URL(url).origin),
  );
}
