import { signal } from '@preact/signals';

const TICK_MS = 1000;

/** The time of this browser, once a second: what counts by itself reads it. */
export const now = signal(Date.now());

setInterval(() => {
  now.value = Date.now();
}, TICK_MS);
