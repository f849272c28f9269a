import { SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import type { TraceStatement } from '../db/statement-trace.ts';
import { errorCode } from '../errors.ts';

/** Of a statement's text: enough to know it by. */
const LONGEST_TEXT = 2000;

const tracer = trace.getTracer('passerelle');

/**
 * A span for each statement that belongs to a trace: what the watchdog asks each five seconds does not. Its text holds
 * no values, those are parameters; `begin` and `commit` have no span.
 */
export const traceStatement: TraceStatement = (text) => {
  if (trace.getActiveSpan() === undefined) return () => {};
  const operation = /[a-z]+/i.exec(withoutComments(text))?.[0].toUpperCase() ?? 'SQL';
  const attributes = {
    'db.system.name': 'postgresql',
    'db.operation.name': operation,
    'db.query.text': text.slice(0, LONGEST_TEXT),
  };
  const span = tracer.startSpan(operation, { kind: SpanKind.CLIENT, attributes });
  return (error) => {
    if (error !== undefined) {
      // The driver's message may quote a value; its code does not.
      span.setAttribute('db.response.status_code', errorCode(error));
      span.setStatus({ code: SpanStatusCode.ERROR });
    }
    span.end();
  };
};

const withoutComments = (text: string): string => text.replaceAll(/\/\*.*?\*\//g, '');
