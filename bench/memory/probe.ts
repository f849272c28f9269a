import { constants, PerformanceObserver } from 'node:perf_hooks';

/**
 * Runs inside the measured process (`--import`) and reports to its parent once a second. Nothing here keeps the
 * process alive.
 */

/** In bytes. `live`: the heap after the last full collection; 0 before the first one. */
export interface ProbeReport {
  readonly rss: number;
  readonly live: number;
}

const EVERY_MS = 1000;

let live = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    const detail = 'detail' in entry ? entry.detail : null;
    const kind = typeof detail === 'object' && detail !== null && 'kind' in detail ? detail.kind : null;
    if (kind === constants.NODE_PERFORMANCE_GC_MAJOR) live = process.memoryUsage().heapUsed;
  }
}).observe({ entryTypes: ['gc'] });

setInterval(() => {
  const report: ProbeReport = { rss: process.memoryUsage.rss(), live };
  // A parent that is gone needs no figures.
  if (process.connected) process.send?.(report, () => {});
}, EVERY_MS).unref();
process.channel?.unref();
