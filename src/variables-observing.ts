import { z } from 'zod';
import { count, oneOf, trueOrFalse, url } from './variable-types.ts';

/** The variables of logs, metrics and traces. */
export const observing = {
  LOG_LEVEL: oneOf(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
    .default('info')
    .describe('least severe message that is logged'),
  NODE_ENV: z
    .string()
    .default('development')
    .describe('unless production, a log on a terminal is for people to read; anywhere else it is JSON'),
  METRICS_PORT: count(1, 65_535)
    .optional()
    .describe('port on which a worker serves /metrics, /healthz and /readyz; none when unset'),
  METRICS_TOKEN: z
    .string()
    .min(16, 'a secret of at least 16 characters')
    .optional()
    .describe('secret that /metrics asks for, as a bearer token; open to everybody when unset'),
  OTEL_EXPORTER_OTLP_ENDPOINT: url(/^https?$/, 'http://localhost:4318')
    .optional()
    .describe('OpenTelemetry collector that gets traces; none are made when unset'),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: url(/^https?$/, 'http://localhost:4318/v1/traces')
    .optional()
    .describe('the same with its path, for traces alone'),
  OTEL_SDK_DISABLED: trueOrFalse
    .default(false)
    .describe('true: no traces, whatever the other OTEL_* variables say'),
} as const;
