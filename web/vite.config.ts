import preact from '@preact/preset-vite';
import { defineConfig } from 'vite';

/** The dashboard: built into dist/web, which the API serves at /admin. */
export default defineConfig({
  base: '/admin/',
  plugins: [preact({ devToolsEnabled: false, prefreshEnabled: false })],
  build: {
    outDir: '../dist/web',
    emptyOutDir: true,
    // Nothing inline: the page's Content-Security-Policy lets in files of its own origin only.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  // While it is worked on (`npx vite web`): the data come from an API that runs on its usual port.
  server: { proxy: { '/admin/api': 'http://127.0.0.1:3000', '/admin/queues': 'http://127.0.0.1:3000' } },
});
