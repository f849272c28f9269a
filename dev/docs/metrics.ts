import type { Registry } from 'prom-client';
import { openApiMetrics } from '../../src/observability/metrics/api-metrics.ts';
import { openWorkerMetrics } from '../../src/observability/metrics/worker-metrics.ts';
import { code, page, table } from './markdown.ts';

/** One metric as its process describes it. */
interface Described {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly labelNames: readonly string[];
}

/** Every metric of API and worker, from their registries. */
export function metricsPage(): string {
  const intro =
    'The metrics of `GET /metrics`, in the text format of Prometheus. A histogram has the series `_bucket`, `_sum` and ' +
    '`_count`; its count is the number of events. Times are in seconds, sizes in bytes. ' +
    '[How to watch it](../how-to/observe.md) says how to scrape it, and which alerts come with it.';
  const api = figures(openApiMetrics().registry);
  const worker = figures(openWorkerMetrics([]).registry);
  return page('Metrics', intro, [
    '## Metrics of the API\n\nShared metrics (mirror, runs, queues, circuit, stores) are read at each scrape, and are ' +
      `the same from each API process. The rest is its own.\n\n${rows(api)}`,
    '## Of a worker\n\nWith `METRICS_PORT` only. Each counts its own work: sums over all workers only grow, whatever a ' +
      `prune removes. A run that a command ran by itself is in no worker's count.\n\n${rows(worker)}`,
    '## Of Node, in both\n\n`process_*` and `nodejs_*`, as prom-client names them; which ones depends on the system. Most ' +
      'worth watching: `nodejs_eventloop_lag_p99_seconds`, `nodejs_gc_duration_seconds`, ' +
      '`process_resident_memory_bytes`, `process_cpu_seconds_total`.',
  ]);
}

const isOurs = ({ name }: Described) => name.startsWith('passerelle_');

function figures(registry: Registry): Described[] {
  return described(registry)
    .filter(isOurs)
    .sort((one, other) => (one.name < other.name ? -1 : 1));
}

/** prom-client (15.1) keeps type and labels of each metric, but declares neither. */
function described(registry: Registry): Described[] {
  return registry.getMetricsAsArray() as unknown as Described[];
}

function rows(all: readonly Described[]): string {
  return table(
    ['metric', 'type', 'labels', 'meaning'],
    all.map(({ name, type, labelNames, help }) => [code(name), type, labelNames.map(code).join(' '), help]),
  );
}
