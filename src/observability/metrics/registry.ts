import { createHash, timingSafeEqual } from 'node:crypto';
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { PasserelleError } from '../../shared/errors.ts';
import { packageVersion } from '../../shared/version.ts';

/** The metrics of one process, in the text format of Prometheus. */
export interface Scraped {
  readonly contentType: string;
  readonly text: string;
}

/** A registry of its own for each process, with Node's own figures (`process_*`, `nodejs_*`) and the build. */
export function openRegistry(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  new Gauge({
    name: 'passerelle_build_info',
    help: 'Always 1; the labels are the versions of Passerelle and Node.',
    labelNames: ['version', 'node'],
    registers: [registry],
  }).set({ version: packageVersion(), node: process.versions.node }, 1);
  return registry;
}

export async function textOf(registry: Registry): Promise<Scraped> {
  return { contentType: registry.contentType, text: await registry.metrics() };
}

/** A gauge that is absent until it is set, because a 0 that was not measured would be wrong. */
export function optionalGauge<Label extends string>(
  registry: Registry,
  name: `passerelle_${string}`,
  help: string,
  labelNames: readonly Label[] = [],
): Gauge<Label> {
  const gauge = new Gauge<Label>({ name, help, labelNames: [...labelNames], registers: [registry] });
  clearGauge(gauge);
  return gauge;
}

/** Makes a gauge absent again. */
export function clearGauge<Label extends string>(gauge: Gauge<Label>): void {
  gauge.reset();
  // A gauge without labels is set to 0 by that.
  gauge.remove({});
}

/** Missing or invalid metrics token. Send METRICS_TOKEN as `Authorization: Bearer <token>`. */
export class BadMetricsTokenError extends PasserelleError {
  readonly code = 'bad_metrics_token';
  constructor() {
    super('Missing or invalid metrics token. Send METRICS_TOKEN as `Authorization: Bearer <token>`.');
  }
}

/**
 * @param token null: no token is needed, because metrics contain no secret and no content of a BC.
 * @throws BadMetricsTokenError
 */
export function checkToken(token: string | null, authorization: string | undefined): void {
  if (token === null) return;
  const digest = (text: string) => createHash('sha256').update(text).digest();
  if (!timingSafeEqual(digest(authorization ?? ''), digest(`Bearer ${token}`)))
    throw new BadMetricsTokenError();
}
