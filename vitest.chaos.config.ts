import { defineConfig } from 'vitest/config';

/** Stories of faults, with servers of their own. Each takes half a minute; a limit is only there against hanging. */
export default defineConfig({
  test: {
    include: ['test/chaos/**/*.test.ts'],
    testTimeout: 400_000,
    hookTimeout: 300_000,
    maxConcurrency: 2,
    // The stories' schedules and the figures belong to what the suite says.
    disableConsoleIntercept: true,
  },
});
