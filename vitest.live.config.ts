import { defineConfig } from 'vitest/config';

/** The contract and flow suites against the real servers named in the environment. */
export default defineConfig({
  test: {
    include: ['test/live/**/*.test.ts'],
    globalSetup: ['test/harness/global.ts'],
    testTimeout: 900_000,
    hookTimeout: 900_000,
    fileParallelism: false,
  },
});
