import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { WORKER } from '../../bench/setup/processes.ts';

const flags = WORKER.flags.join(' ');
const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

test('a worker starts with the flags that benchmarks measure it with, however it is started', () => {
  expect(JSON.parse(read('package.json')).scripts.worker).toContain(`node ${flags} `);
  expect(read('docker-compose.yml')).toContain(`['node', '${flags}', 'dist/workers/main.js']`);
  expect(read('Dockerfile')).toContain(`node ${flags} dist/workers/main.js`);
});
