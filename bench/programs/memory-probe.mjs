// Loaded into the measured process by `--import`. It sends a `ProbeReport` to its parent once a second. Nothing here keeps
// the process alive. It is JavaScript, because a TypeScript loader would add its own memory to the measurement.
import { constants, PerformanceObserver } from 'node:perf_hooks';

const EVERY_MS = 1000;

let live = 0;
new PerformanceObserver((list) => {
  for (const { detail } of list.getEntries()) {
    if (detail?.kind === constants.NODE_PERFORMANCE_GC_MAJOR) live = process.memoryUsage().heapUsed;
  }
}).observe({ entryTypes: ['gc'] });

setInterval(() => {
  // Without a parent, `send` would throw.
  if (process.connected) process.send?.({ rss: process.memoryUsage.rss(), live }, () => {});
}, EVERY_MS).unref();
process.channel?.unref();
