import { defineConfig } from 'vitest/config';

/** The dashboard in a real browser, on real processes. */
export default defineConfig({
  test: {
    include: ['test/browser/**/*.test.ts'],
    globalSetup: ['test/harness/global.ts', 'test/browser/browser-global.ts'],
    // Starting processes and a browser on a busy machine: limits against hanging for ever, not speed checks.
    testTimeout: 180_000,
    hookTimeout: 300_000,
    fileParallelism: false,
  },
});
