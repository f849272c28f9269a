import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { packageVersion } from '../../shared/version.ts';

/**
 * Metrics of a process, for Prometheus. `api-metrics.ts` has those of the API, `worker-metrics.ts` those of a worker.
 *
 * Lifecycle: a process opens its metrics once at the start and passes callbacks (`answered`, `called`, `worked`) to the
 * parts that it observes. The API also reads PostgreSQL and Redis at each scrape, with a time limit.
 *
 * Invariants: names and labels are stable, and label values come from a fixed set. A value that was not measured is
 * absent, not 0. Metrics contain no secret and no content of a BC. A metric of a mirror has the label `mirror`, with the
 * name of the mirror. There is no global registry, so tests may open several.
 *
 *     const metrics = openWorkerMetrics(['bc']);
 *     metrics.worked({ mirror: 'bc', queue: 'bc', outcome: 'completed', ms: 12 });
 *     const { text } = await metrics.scrape();
 */

/** The text format of Prometheus. */
export interface Scraped {
  readonly contentType: string;
  readonly text: string;
}

/** The registry of a process, with the default metrics of Node (`process_*`, `nodejs_*`) and the build. */
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
  // For a gauge without labels, `reset` sets 0.
  gauge.remove({});
}
