import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/live/**', 'test/chaos/**', 'test/browser/**'],
    globalSetup: ['test/harness/global.ts'],
    // Starting servers and cloning databases on a busy machine: limits against hanging for ever, not speed checks.
    testTimeout: 120_000,
    hookTimeout: 300_000,
    maxWorkers: 2,
  },
});
