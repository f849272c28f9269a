import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { freshDatabase } from '../support/database.ts';
import { apart, fromSources } from '../support/own-process.ts';
import { redisUrl } from '../support/redis.ts';

const ROOT = resolve(import.meta.dirname, '../..');
/** The programs that documented commands use. */
const PROGRAMS = ['bash', 'curl', 'jq', 'psql'];
const missing = PROGRAMS.filter((name) => spawnSync(name, ['--version']).error !== undefined);

let database: Awaited<ReturnType<typeof freshDatabase>>;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.close());

it.skipIf(missing.length > 0)(
  `the answers under documented commands are those that the commands give (needs ${PROGRAMS.join(', ')})`,
  async () => {
    const servers = { DATABASE_URL: database.url, REDIS_URL: redisUrl() };
    const options = { ...apart({ HOME: process.env['HOME'] ?? ROOT, ...servers }), cwd: ROOT };
    const child = spawn(process.execPath, [...fromSources('dev/answers/main.ts'), '--check'], options);
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
    const [code] = await once(child, 'close');
    expect(code, output).toBe(0);
  },
);
