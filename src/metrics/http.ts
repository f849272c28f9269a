import type { Registry } from 'prom-client';
import { Histogram } from 'prom-client';

/** From a cached answer to one that waits for a slow server, in seconds. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

export interface Answered {
  readonly method: string;
  /** The route's template, such as `/api/v1/bc/:odooId`: what callers write there would be labels without end. */
  readonly route: string | undefined;
  readonly status: number;
  readonly ms: number;
}

/** How long the API takes for its answers. */
export function httpMetrics(registry: Registry): (answer: Answered) => void {
  const duration = new Histogram({
    name: 'passerelle_http_request_duration_seconds',
    help: 'Time until an answer of the API was sent, by route template; "none" where no route fits.',
    labelNames: ['method', 'route', 'status'],
    buckets: BUCKETS,
    registers: [registry],
  });
  return ({ method, route = 'none', status, ms }) => {
    duration.observe({ method, route, status }, ms / 1000);
  };
}
