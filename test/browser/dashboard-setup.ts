import { createServer } from 'node:net';
import type { Browser } from 'playwright-core';
import { chromium } from 'playwright-core';
import { inject } from 'vitest';
import type { SandboxOptions } from '../../dev/sandbox-odoo/sandbox.ts';
import type { SandboxTryton } from '../../dev/sandbox-tryton/sandbox.ts';
import { startSandboxTryton } from '../../dev/sandbox-tryton/sandbox.ts';
import type { ApiProcess } from '../support/api-process.ts';
import { startApiProcess } from '../support/api-process.ts';
import type { TestSetup } from '../support/test-setup.ts';
import { openTestSetup } from '../support/test-setup.ts';
import type { WorkerProcess } from '../support/worker-process.ts';
import { startWorkerProcess } from '../support/worker-process.ts';

export const LOGIN = { username: 'admin', password: 'les-visiteurs' } as const;

/** Everything as it runs in production: API and worker in processes of their own, on real stores, and a browser. */
export interface DashboardSetup {
  readonly setup: TestSetup;
  readonly tryton: SandboxTryton;
  readonly browser: Browser;
  /** The address of the API. */
  readonly url: string;
  /** The first full sync has ended, with however many BCs could not be copied. */
  firstSync(): Promise<void>;
  /** Ends the API at once, as a crash does. */
  stopApi(): Promise<void>;
  /** Starts it again, on the same port. */
  startApi(): Promise<void>;
  /** Its connections stay open, and nothing comes from it until it is resumed. */
  silenceApi(): void;
  resumeApi(): void;
  close(): Promise<void>;
}

export async function openDashboardSetup(
  sandbox: SandboxOptions = {},
  env: Readonly<Record<string, string>> = {},
  workerEnv: Readonly<Record<string, string>> = {},
): Promise<DashboardSetup> {
  const tryton = await startSandboxTryton({ sales: 20 });
  const setup = await openTestSetup({
    sandbox: { documents: 120, seed: 7, ...sandbox },
    env: {
      ...{ TRYTON_RPC_URL: tryton.url, TRYTON_USER: tryton.user, TRYTON_PASSWORD: tryton.password },
      ...{ ADMIN_USER: LOGIN.username, ADMIN_PASSWORD: LOGIN.password, LOG_LEVEL: 'info' },
      ...{ SYNC_PAGE_SIZE: '40', PORT: String(await freePort()) },
      ...env,
    },
  });
  let api = startApiProcess(setup.env);
  let worker: WorkerProcess | null = null;
  const url = await api.listening();
  const browser = await chromium.launch({
    executablePath: inject('chromium'),
    // As root in a container there is no sandbox of its own to be had; the pages are ours.
    args: ['--no-sandbox', '--disable-dev-shm-usage', '--font-render-hinting=none'],
  });
  // No schedules: a run that starts by itself would make a run of a test `skipped`.
  worker = startWorkerProcess({ ...setup.env, SYNC_EVERY: 'off', ...workerEnv });
  return {
    ...{ setup, tryton, browser, url },
    firstSync: async () => {
      await setup.run('full');
    },
    stopApi: () => end(api, 'SIGKILL'),
    startApi: async () => {
      api = startApiProcess(setup.env);
      await api.listening();
    },
    silenceApi: () => void api.child.kill('SIGSTOP'),
    resumeApi: () => void api.child.kill('SIGCONT'),
    close: async () => {
      await browser.close();
      await Promise.all([end(api, 'SIGTERM'), end(worker, 'SIGTERM')]);
      await setup.close();
      await tryton.stop();
    },
  };
}

async function end({ child, exit }: ApiProcess | WorkerProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) child.kill(signal);
  await exit;
}

/** A free port; the API must restart on the same one. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('a port was expected');
  return address.port;
}
