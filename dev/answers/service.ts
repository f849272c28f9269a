import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { openIncidents } from '../../src/db/alerts.ts';
import type { Database } from '../../src/db/client.ts';
import { listRuns } from '../../src/db/runs/runs.ts';
import { choosePort, urlOf } from '../../src/embedded/ports.ts';
import { startProduct } from '../../src/embedded/product-process.ts';
import { openWorkspace } from '../../src/embedded/workspace.ts';
import { makeDemoKey, untilReady } from '../demo/api.ts';
import type { Context } from '../demo/context.ts';
import { claimDatabase, openDemoQueues, openMigrated, startStores } from '../demo/servers.ts';
import { startSandboxOdoo } from '../sandbox-odoo/sandbox.ts';
import { startSandboxTryton } from '../sandbox-tryton/sandbox.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const NOW = () => new Date('2026-01-31T08:00:00Z');
const BCS = 300;
const LOOK_EVERY_MS = 250;
/** The BC that fails in the tutorial. */
const REFUSED = 2;

interface Service {
  /** The standard output of a script; scripts of one document share a folder. */
  answer(document: string, script: string): Promise<string>;
}

/** Starts PostgreSQL, Redis, sandboxes, the API and a worker, and copies everything once. */
export async function startService(context: Context): Promise<Service> {
  const { ending, defer } = context;
  const { databaseUrl, redisUrl } = await startStores(context);
  const odoo = await startSandboxOdoo({ documents: BCS, clock: NOW, headerClock: () => new Date() });
  defer(() => odoo.stop());
  const tryton = await startSandboxTryton({
    sales: 50,
    user: 'passerelle',
    password: 'passerelle',
    clock: NOW,
  });
  defer(() => tryton.stop());
  const db = await openMigrated(context, databaseUrl);
  await claimDatabase(db);
  const key = await makeDemoKey(context, db);
  // Its keys are deleted at the end, and a given Redis may have those of an installation.
  const prefix = `passerelle-answers-${randomBytes(4).toString('hex')}`;
  openDemoQueues(context, redisUrl, prefix, true);
  const port = await choosePort('127.0.0.1', 3000, false);
  const url = urlOf('127.0.0.1', port);
  const settings = {
    ...{ DATABASE_URL: databaseUrl, REDIS_URL: redisUrl, QUEUE_PREFIX: prefix, PORT: String(port) },
    ...{ ODOO_URL: odoo.url, ODOO_DB: odoo.db, ODOO_USER: odoo.user, ODOO_PASSWORD: odoo.apiKey },
    ...{ TRYTON_RPC_URL: tryton.url, TRYTON_USER: tryton.user, TRYTON_PASSWORD: tryton.password },
    // No run comes between two commands.
    ...{ SYNC_EVERY: '6h', SWEEP_EVERY: '6h', ADMIN_PASSWORD: 'documents' },
    // BCs are stored in the order of their ids, so that the audit trail has the same ids each time.
    ...{ SYNC_PAGES_IN_FLIGHT: '1', SYNC_BC_CONCURRENCY: '1' },
  };
  const workspace = await openWorkspace();
  defer(() => workspace.clean());
  const failed = (error: Error) => ending.fail(error);
  const env = { PATH: process.env['PATH'], HOME: process.env['HOME'], ...settings };
  defer(startProduct(workspace, { name: 'API', env, failed }).stop);
  defer(startProduct(workspace, { name: 'worker', env, failed }).stop);
  await untilReady(url, ending);
  await untilIdle(context, db);
  odoo.faults.denyRecord('dimagaz.bc', REFUSED);
  const names = [
    [url, 'http://127.0.0.1:3000'],
    [odoo.url, 'https://odoo.example.com'],
    [tryton.url.replace(/\/$/, ''), 'https://tryton.example.com/prod'],
    [new URL(databaseUrl).host, '127.0.0.1:5432'],
    [new URL(redisUrl).host, '127.0.0.1:6379'],
    [prefix, 'passerelle'],
  ] as const;
  const shown = { PASSERELLE_KEY: key, KEY: key, auth: `Authorization: Bearer ${key}`, url };
  const service = await shell(workspace.directory, { ...env, ...shown }, names);
  await service.answer('.', `npx passerelle resync ${REFUSED}`);
  // The alerts open it after their next check.
  while ((await openIncidents(db, 1)).length === 0) await ending.pause(LOOK_EVERY_MS);
  return service;
}

/** The first runs of the schedules, a full run and a sweep, have ended. */
async function untilIdle({ ending, screen }: Context, db: Database): Promise<void> {
  screen.line('Copying the BCs');
  for (;;) {
    const runs = await listRuns(db, { limit: 10 });
    const ended = (mode: string) => runs.some((run) => run.mode === mode && run.finishedAt !== null);
    if (ended('full') && ended('sweep')) return;
    await ending.pause(LOOK_EVERY_MS);
  }
}

type Environment = Readonly<Record<string, string | undefined>>;
/** The addresses of this service, and those that documents show. */
type Names = readonly [readonly [string, string], ...(readonly (readonly [string, string])[])];

async function shell(home: string, env: Environment, names: Names): Promise<Service> {
  // A document says `npx passerelle`, which is this checkout.
  const command = `exec ${process.execPath} ${join(ROOT, 'dist/src/cli/main.js')}`;
  await mkdir(join(home, 'bin'));
  await writeFile(join(home, 'bin/npx'), `#!/bin/sh\nshift\n${command} "$@"\n`, { mode: 0o755 });
  const variables = { ...env, PATH: `${join(home, 'bin')}:${env['PATH']}`, COLUMNS: '110' };
  return {
    answer: async (document, script) => {
      const cwd = join(home, document.replaceAll('/', '-'));
      await mkdir(cwd, { recursive: true });
      const [[url]] = names;
      const output = await run(script.replaceAll('http://127.0.0.1:3000', url), { cwd, env: variables });
      return names.reduce((text, [own, documented]) => text.replaceAll(own, documented), output);
    },
  };
}

function run(script: string, options: { readonly cwd: string; readonly env: Environment }): Promise<string> {
  return new Promise((done) => {
    // A refusal is an answer too.
    execFile('bash', ['-c', `{ ${script}\n} 2>&1`], { ...options, env: { ...options.env } }, (_, output) =>
      done(output),
    );
  });
}
