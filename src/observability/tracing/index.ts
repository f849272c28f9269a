import type { Config } from '../../config/index.ts';
import type { Service, Tracing } from './sdk.ts';

/** Null unless OTEL_EXPORTER_OTLP_ENDPOINT is set; then OpenTelemetry is not even loaded. */
export async function startTracing(config: Config, service: Service): Promise<Tracing | null> {
  if (!config.tracing) return null;
  const { openTracing } = await import('./sdk.ts');
  const servers = [config.odoo?.url, config.tryton?.url].filter((url) => url !== undefined);
  return openTracing(
    service,
    servers.map((url) => new URL(url).origin),
  );
}
