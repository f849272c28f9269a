import { FastifyOtelInstrumentation } from '@fastify/otel';
import { SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici';
import { NodeSDK, resources } from '@opentelemetry/sdk-node';
import type { Telemetry } from 'bullmq';
import { BullMQOtel } from 'bullmq-otel';
import type { FastifyPluginCallback } from 'fastify';
import type { TraceStatement } from '../../db/pool.ts';
import { errorCode } from '../../shared/errors.ts';
import { resultWithin } from '../../shared/timeout.ts';
import { packageVersion } from '../../shared/version.ts';

/** Maximum length of a statement in a span. */
const MAX_TEXT = 2000;

const tracer = trace.getTracer('passerelle');

/**
 * A span for each statement within a trace; periodic checks are outside of any trace. The text contains no values,
 * because those are parameters. `begin` and `commit` have no span.
 */
const traceStatement: TraceStatement = (text) => {
  if (trace.getActiveSpan() === undefined) return () => {};
  const operation = /[a-z]+/i.exec(withoutComments(text))?.[0].toUpperCase() ?? 'SQL';
  const attributes = {
    'db.system.name': 'postgresql',
    'db.operation.name': operation,
    'db.query.text': text.slice(0, MAX_TEXT),
  };
  const span = tracer.startSpan(operation, { kind: SpanKind.CLIENT, attributes });
  return (error) => {
    if (error !== undefined) {
      // The message of the driver may quote a value; its code does not.
      span.setAttribute('db.response.status_code', errorCode(error));
      span.setStatus({ code: SpanStatusCode.ERROR });
    }
    span.end();
  };
};

const withoutComments = (text: string): string => text.replaceAll(/\/\*.*?\*\//g, '');

/** Spans that are not exported within this time are lost, so that a missing collector does not delay the exit. */
const STOP_LIMIT_MS = 3000;

/**
 * Starts the OpenTelemetry SDK, which reads the other OTEL_* variables; OTEL_SERVICE_NAME overrides `service`. Nothing
 * patches modules, so it may start after they are loaded: Fastify has a plugin, BullMQ an option, undici a diagnostics
 * channel, and our connection reports statements.
 *
 * @param origins the servers whose requests become spans. The URL of another server, such as a webhook, may contain a
 * secret.
 */
export function openTracing(service: Service, origins: readonly string[]): Tracing {
  const undici = new UndiciInstrumentation({
    requireParentforSpans: true,
    ignoreRequestHook: ({ origin }) => !origins.includes(origin),
  });
  const fastify = new FastifyOtelInstrumentation({
    instrumentHooks: false,
    ignorePaths: ({ url }) => ['/healthz', '/readyz', '/metrics'].includes(url),
    requestHook: (span, { method, url, routeOptions }) => {
      span.updateName(`${method} ${routeOptions.url ?? ''}`.trim());
      // Without the query string, which may contain secrets.
      span.setAttribute('url.path', url.split('?', 1)[0] ?? '');
    },
  });
  const { defaultResource, resourceFromAttributes } = resources;
  const named = resourceFromAttributes({ 'service.name': service, 'service.version': packageVersion() });
  const sdk = new NodeSDK({
    resource: defaultResource().merge(named),
    instrumentations: [undici, fastify],
    // Metrics are served at /metrics, and logs are written to the output of the process.
    metricReaders: [],
    logRecordProcessors: [],
  });
  sdk.start();
  const queues = new BullMQOtel({ tracerName: 'passerelle', version: packageVersion() });
  return {
    http: fastify.plugin(),
    queuesOf: (mirror) => ({
      contextManager: queues.contextManager,
      tracer: {
        startSpan: (...args) => {
          const span = queues.tracer.startSpan(...args);
          span.setAttribute('passerelle.mirror', mirror);
          return span;
        },
      },
    }),
    statement: traceStatement,
    stop: async () => {
      await resultWithin(() => sdk.shutdown(), STOP_LIMIT_MS);
    },
  };
}

export interface Tracing {
  /** Registered before the routes: a span for each request. */
  readonly http: FastifyPluginCallback;
  /**
   * Carries a trace from the queue of one process to the worker of another. The spans have the name of the mirror as
   * `passerelle.mirror`.
   */
  readonly queuesOf: (mirror: string) => Telemetry;
  readonly statement: TraceStatement;
  /** Sends the remaining spans and stops. */
  stop(): Promise<void>;
}

export type Service = 'passerelle-api' | 'passerelle-worker';
