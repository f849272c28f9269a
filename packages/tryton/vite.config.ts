import { defineConfig } from 'vite';

/**
 * The client of `src/tryton` as one file. `undici` stays a dependency, so that it is updated without us. The small
 * `lru-cache` becomes a part of the file.
 */
export default defineConfig({
  // `npm pack --json` prints its answer on the same output.
  logLevel: 'warn',
  build: { ssr: '../../src/tryton/index.ts', target: 'node20.19', minify: false },
  ssr: { noExternal: ['lru-cache'], external: ['undici'] },
});
