import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { waitFor } from '../../support/wait-for.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const NEEDED = [
  'package.json',
  'dist',
  'src',
  'workers',
  'dev/services',
  'test/support',
  'test/chaos/pace.ts',
  'test/chaos/servers/worker-processes.ts',
];

/** Stands in for the repository: a file in the real one would be read by other tests, or be a developer's. */
const copy = await mkdtemp(join(tmpdir(), 'passerelle-copy-'));
for (const part of NEEDED) await cp(join(ROOT, part), join(copy, part), { recursive: true });
await symlink(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
await writeFile(join(copy, '.env'), 'DATABASE_URL=postgres://real.example/mirror\nLOG_LEVEL=of the file\n');
const { startWorkerProcess }: typeof import('../../support/worker-process.ts') = await import(
  join(copy, 'test/support/worker-process.ts')
);
const { startApiProcess }: typeof import('../../support/api-process.ts') = await import(
  join(copy, 'test/support/api-process.ts')
);
const { WorkerProcesses }: typeof import('../../chaos/servers/worker-processes.ts') = await import(
  join(copy, 'test/chaos/servers/worker-processes.ts')
);

afterAll(() => rm(copy, { recursive: true }));

/** How each complains of settings that are missing, wrong or halves. */
const STARTS = {
  worker: () => complaintOf(startWorkerProcess({})),
  API: () => complaintOf(startApiProcess({})),
  'worker of a chaos scenario': async () => {
    const logs = join(copy, 'logs');
    await mkdir(logs);
    const processes = new WorkerProcesses([{}], logs);
    processes.startOne(0);
    await waitFor(() => processes.collapsed.length === 1, 'its end');
    return readFile(join(logs, 'worker-0.log'), 'utf8');
  },
};

async function complaintOf({ exit, output }: ReturnType<typeof startWorkerProcess>): Promise<string> {
  expect(await exit).toBe(2);
  // Its output may arrive later than its end.
  return waitFor(() => output() || false, 'its complaint');
}

describe.each(Object.entries(STARTS))('the %s that a test starts without settings', (_, complaint) => {
  beforeEach(() => {
    vi.stubEnv('REDIS_URL', 'redis://real.example');
    vi.stubEnv('ALERT_WEBHOOK_URL', 'https://real.example/alerts');
    return () => vi.unstubAllEnvs();
  });

  it('knows none from the .env file of the repository, and none from the shell of who runs the tests', async () => {
    const text = await complaint();
    expect(text).toContain('DATABASE_URL is required');
    expect(text).toContain('REDIS_URL is required');
    expect(text).not.toMatch(/LOG_LEVEL|ALERT_WEBHOOK/);
  });
});
