import { randomBytes } from 'node:crypto';
import type { SandboxOdoo, SandboxOptions } from '../../dev/sandbox-odoo/sandbox.ts';
import { startSandboxOdoo } from '../../dev/sandbox-odoo/sandbox.ts';
import type { RestartableServices } from '../../dev/services/restartable.ts';
import { migrate } from '../../src/db/migrate.ts';
import { databaseAt, onServer } from './server.ts';
import type { Release, TestMirror } from './test-setup.ts';
import { openTestMirror, QUICK } from './test-setup.ts';
import type { WorkerProcess } from './worker-process.ts';
import { startWorkerProcess } from './worker-process.ts';

/** An Odoo, a database and a mirror on servers that may fail, and workers in processes, which may be killed. */
export interface RestartableSetup {
  readonly odoo: SandboxOdoo;
  readonly testMirror: TestMirror;
  worker(env?: Readonly<Record<string, string>>): WorkerProcess;
  /** The first number of the first row; 0 while PostgreSQL is away. */
  count(query: string): Promise<number>;
  close(): Promise<void>;
}

/** Locks, leases and pauses are short. */
const HASTY = { ...QUICK, SYNC_PAGE_SIZE: '20', SYNC_LEASE: '3s', QUEUE_LOCK: '1s', LOG_LEVEL: 'info' };

export async function openRestartableSetup(
  { postgres, redis }: RestartableServices,
  options: SandboxOptions,
): Promise<RestartableSetup> {
  const odoo = await startSandboxOdoo(options);
  const releases: Release[] = [odoo.stop];
  const name = `stage_${randomBytes(6).toString('hex')}`;
  await onServer(postgres.url, (sql) => sql`create database ${sql(name)}`);
  const databaseUrl = databaseAt(postgres.url, name);
  await migrate(databaseUrl);
  const env = {
    ...HASTY,
    ...{ DATABASE_URL: databaseUrl, REDIS_URL: redis.url, QUEUE_PREFIX: name },
    ...{ ODOO_URL: odoo.url, ODOO_DB: odoo.db, ODOO_USER: odoo.user, ODOO_PASSWORD: odoo.apiKey },
  };
  const testMirror = openTestMirror({ ...env, LOG_LEVEL: 'silent' }, releases);
  return {
    odoo,
    testMirror,
    worker: (more) => {
      const started = startWorkerProcess({ ...env, ...more });
      releases.push(() => {
        started.child.kill('SIGKILL');
        return started.exit;
      });
      return started;
    },
    count: async (query) => {
      const rows: readonly Record<string, unknown>[] = await testMirror.mirror.db
        .execute(query)
        .catch(() => []);
      return Number(Object.values(rows[0] ?? {})[0] ?? 0);
    },
    close: async () => {
      for (const release of releases.reverse()) await release();
    },
  };
}
