import { defineConfig } from 'vitest/config';

const BUILD = 'test/support/build.ts';
const GLOBAL = 'test/support/global.ts';

/**
 * One project for each kind of suite; the scripts of `package.json` choose one. The time limits end a test that hangs.
 * They are no speed checks: servers and browsers start slowly on a busy machine.
 */
export default defineConfig({
  test: {
    // Many tests wait for servers and processes: more workers than cores use the time.
    maxWorkers: 4,
    projects: [
      {
        test: {
          name: 'main',
          include: ['test/**/*.test.ts'],
          exclude: ['test/live/**', 'test/chaos/**', 'test/browser/**'],
          globalSetup: [BUILD, GLOBAL],
          // The files of a worker share their modules: to load them again for each took a quarter of the processor time.
          isolate: false,
          testTimeout: 600_000,
          hookTimeout: 300_000,
        },
      },
      {
        // Against the real servers that the environment names.
        test: {
          name: 'live',
          include: ['test/live/**/*.test.ts'],
          globalSetup: [BUILD, GLOBAL],
          // As above: most files of a run are skipped, and loading the modules for each took most of the time.
          isolate: false,
          testTimeout: 900_000,
          hookTimeout: 900_000,
        },
      },
      {
        // The dashboard in a real browser, on real processes.
        test: {
          name: 'browser',
          include: ['test/browser/**/*.test.ts'],
          globalSetup: [BUILD, GLOBAL, 'test/browser/browser-global.ts'],
          isolate: false,
          testTimeout: 180_000,
          hookTimeout: 300_000,
        },
      },
      {
        // Random faults, with servers of their own. The log shows the schedule of each scenario.
        test: {
          name: 'chaos',
          include: ['test/chaos/**/*.test.ts'],
          globalSetup: [BUILD],
          // CHAOS_PACE stretches the scenarios.
          testTimeout: 3_600_000,
          hookTimeout: 300_000,
          maxConcurrency: 2,
          disableConsoleIntercept: true,
        },
      },
    ],
  },
});
